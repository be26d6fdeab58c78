package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Limits of talking to nodes.
const (
	maxAnswerBytes = 16 << 20         // of an answer: 10,000 refused items fit
	firstContact   = 10 * time.Second // how long a cluster that never answered is waited for
	firstPause     = 50 * time.Millisecond
	longestPause   = 5 * time.Second
)

// Nodes are the addresses of a cluster and how they are asked.
type Nodes struct {
	URLs     []string
	Token    string        // bearer token, "" for none
	Timeout  time.Duration // of one request
	RetryFor time.Duration // how long one request is repeated while no node takes it
	Client   *http.Client

	Retried func(err error) // is told of every try that failed; nil for nobody
}

// Refused is an answer that no repetition changes.
type Refused struct {
	Status              int
	Code, Message, Hint string
}

// Error has the hint on a line of its own.
func (e *Refused) Error() string {
	s := fmt.Sprintf("%s (%d %s)", e.Message, e.Status, e.Code)
	if e.Hint != "" {
		s += "\nhint: " + e.Hint
	}
	return s
}

// request is one that may be repeated.
type request struct {
	method, path, contentType, key string
	body                           []byte
	takes                          string // code of a refusal whose answer is for the caller all the same, "" for none
}

// again says that a try failed in a way that another may not.
type again struct {
	err    error
	wait   time.Duration // as the node asked
	leader string        // where it points to, "" for nowhere
}

func (e *again) Error() string { return e.err.Error() }

// link is the way from one connection to the cluster: it stays with a node that answers.
type link struct {
	nodes *Nodes
	at    int    // index of the address in use
	to    string // a leader that is asked instead, "" for none
}

// do sends a request until a node takes it or refuses it for good, and decodes the answer. tries is how often it was sent. When ctx ends, a request
// that is under way is still waited for, so that its outcome is known; it is not sent again.
func (l *link) do(ctx context.Context, r *request, into any) (tries int, err error) {
	deadline := time.Now().Add(l.nodes.RetryFor)
	pause := firstPause
	for {
		tries++
		err := l.try(ctx, r, into)
		var next *again
		if err == nil || !errors.As(err, &next) || ctx.Err() != nil {
			return tries, err
		}
		if l.nodes.Retried != nil {
			l.nodes.Retried(err)
		}
		wait := max(pause, next.wait)
		if time.Now().Add(wait).After(deadline) {
			return tries, fmt.Errorf("replay: no node took the request within %s, the last one said: %w", l.nodes.RetryFor, next.err)
		}
		l.turn(next.leader)
		if err := sleep(ctx, wait); err != nil {
			return tries, err
		}
		pause = min(2*pause, longestPause)
	}
}

// address is that of the node to ask.
func (l *link) address() string {
	if l.to != "" {
		return l.to
	}
	return l.nodes.URLs[l.at%len(l.nodes.URLs)]
}

// turn goes to the leader that a node named, and else to the next address.
func (l *link) turn(leader string) {
	if leader != "" && leader != l.address() {
		l.to = leader
		return
	}
	l.to = ""
	l.at++
}

func (l *link) try(ctx context.Context, r *request, into any) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.nodes.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, strings.TrimRight(l.address(), "/")+r.path, bytes.NewReader(r.body))
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	if len(r.body) > 0 {
		req.Header.Set("Content-Type", r.contentType)
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	if l.nodes.Token != "" {
		req.Header.Set("Authorization", "Bearer "+l.nodes.Token)
	}
	res, err := l.nodes.Client.Do(req)
	if err != nil {
		return &again{err: err}
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswerBytes))
	if err != nil {
		return &again{err: fmt.Errorf("%s: reading the answer: %w", l.address(), err)}
	}
	return l.understand(res, answer, r, into)
}

// understand tells an answer from a refusal, and a refusal for now from one for good.
func (l *link) understand(res *http.Response, answer []byte, r *request, into any) error {
	var refused *Refused
	if res.StatusCode != http.StatusOK {
		refused = refusedBy(res.StatusCode, answer)
	}
	if refused == nil || refused.Code == r.takes {
		if err := json.Unmarshal(answer, into); err != nil {
			return fmt.Errorf("replay: %s %s: the answer is not what this version expects: %w", r.method, r.path, err)
		}
		return nil
	}
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // absent: our own pause
		return &again{
			err:    fmt.Errorf("%s: %w", l.address(), refused),
			wait:   min(time.Duration(max(seconds, 0))*time.Second, longestPause),
			leader: httpAddress(res.Header.Get("X-Gapless-Leader")),
		}
	}
	return fmt.Errorf("replay: %w", refused)
}

func refusedBy(status int, answer []byte) *Refused {
	var body struct{ Error Refused }
	if err := json.Unmarshal(answer, &body); err != nil || body.Error.Code == "" {
		return &Refused{Status: status, Code: "no_reason", Message: fmt.Sprintf("%.200q", answer)}
	}
	body.Error.Status = status
	return &body.Error
}

// httpAddress completes the leader's address.
func httpAddress(leader string) string {
	if leader == "" || strings.Contains(leader, "://") {
		return leader
	}
	return "http://" + leader
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
