package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// answer is what a node says of a request with frames, a heartbeat, a seal or a declaration.
type answer struct {
	Position   string `json:"position"`
	Accepted   int    `json:"accepted"`
	Duplicate  int    `json:"duplicate"`
	Conflict   int    `json:"conflict"`
	Unverified int    `json:"unverified"`
	Delivery   string `json:"delivery"`
	Rejected   []struct {
		Item          int
		Code, Message string
	} `json:"rejected"`
}

// delivered is an acknowledged request.
type delivered struct {
	answer
	tries   int
	unknown int       // tries that may have been committed although their answer never came
	begun   time.Time // when the try that was answered was sent
}

// client sends requests to a cluster the way a careful device does: to any node, again to the next one when a node does not answer
// or cannot, with the same bytes until one acknowledges.
type client struct {
	servers []string
	http    *http.Client
	timeout time.Duration
	giveUp  time.Duration
	turn    atomic.Uint64 // which server is next
	retries atomic.Int64
}

// maxAnswerBytes bounds what is read of one answer to a request.
const maxAnswerBytes = 1 << 20

func newClient(servers []string, o *Options) *client {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: time.Second}).DialContext,
		MaxIdleConnsPerHost: o.Workers, IdleConnTimeout: 30 * time.Second,
	}
	return &client{servers: servers, http: &http.Client{Transport: transport}, timeout: o.RequestTimeout, giveUp: o.GiveUp}
}

// retryError says that a try failed in a way that another may not. unknown: the request may have been committed all the same.
type retryError struct {
	err     error
	unknown bool
	wait    time.Duration // at least this long, 0: the client's own pause
}

func (e *retryError) Error() string { return e.err.Error() }

// deliver sends r until it is acknowledged, refused for good, ctx ends or the client gives up.
func (c *client) deliver(ctx context.Context, r *request) (delivered, error) {
	var d delivered
	deadline := time.Now().Add(c.giveUp)
	pause := 20 * time.Millisecond
	for {
		server := c.servers[c.turn.Add(1)%uint64(len(c.servers))]
		d.begun = time.Now()
		d.tries++
		a, err := c.try(ctx, server, r)
		if err == nil {
			d.answer = a
			return d, nil
		}
		var again *retryError
		if !errors.As(err, &again) || ctx.Err() != nil {
			return d, fmt.Errorf("fleet: %s%s: %w", server, r.path, err)
		}
		if again.unknown {
			d.unknown++
		}
		c.retries.Add(1)
		if time.Now().After(deadline) {
			return d, fmt.Errorf("fleet: %s gave up after %d tries in %s: %w", r.path, d.tries, c.giveUp, err)
		}
		if err := sleep(ctx, max(pause, again.wait)); err != nil {
			return d, err
		}
		pause = min(2*pause, 300*time.Millisecond)
	}
}

// try sends r once to one server.
func (c *client) try(ctx context.Context, server string, r *request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, server+r.path, bytes.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", r.contentType)
	if r.contentEncoding != "" {
		req.Header.Set("Content-Encoding", r.contentEncoding)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, &retryError{err: err, unknown: !errors.Is(err, syscall.ECONNREFUSED)}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswerBytes))
	if err != nil {
		return answer{}, &retryError{err: err, unknown: true}
	}
	return understand(res, body)
}

// understand turns a response into an answer or into the kind of failure it is.
func understand(res *http.Response, body []byte) (answer, error) {
	var a answer
	switch {
	case res.StatusCode == http.StatusOK:
		if err := json.Unmarshal(body, &a); err != nil {
			return a, fmt.Errorf("answer %.200q: %w", body, err)
		}
		return a, nil
	case res.StatusCode == http.StatusTooManyRequests:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // absent or odd: the client's own pause
		return a, &retryError{err: statusError(res, body), wait: min(time.Duration(max(seconds, 0))*time.Second, 2*time.Second)}
	case res.StatusCode >= 500:
		return a, &retryError{err: statusError(res, body), unknown: true}
	}
	return a, statusError(res, body)
}

func statusError(res *http.Response, body []byte) error {
	return fmt.Errorf("%s: %.300s", res.Status, bytes.TrimSpace(body))
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
