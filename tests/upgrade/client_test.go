package upgrade

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// client sends requests as docs/http-api.md advises: again with the same numbers or key when the outcome is not known, to the leader where one is
// named, later when told so.
type client struct {
	load *load
	rng  *rand.Rand
	http *http.Client // its own: a shared one opens connections in advance, for which nodes up to 0.2.0 wait when they are stopped
}

// repeat steps until the load ends.
func (c *client) repeat(step func(*client) error) error {
	for {
		if err := step(c); err != nil {
			return err
		}
		select {
		case <-c.load.stop:
			return nil
		case <-time.After(pause):
		}
	}
}

// answer is what a request came to.
type answer struct {
	Accepted   int  `json:"accepted"`
	Duplicate  int  `json:"duplicate"`
	Conflict   int  `json:"conflict"`
	Unverified int  `json:"unverified"`
	Replayed   bool `json:"replayed"`

	tries int // more than one: an earlier try may have been stored as well
}

// deliver sends a request until it is taken. An error is an answer that no repetition mends, or patience that ended.
func (c *client) deliver(path, contentType, body, key string) (a answer, err error) {
	node := c.load.nodes[c.rng.IntN(len(c.load.nodes))].HTTP
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); c.load.retries.Add(1) {
		a.tries++
		req, err := http.NewRequest(http.MethodPost, node+path, strings.NewReader(body))
		if err != nil {
			return a, err
		}
		req.Header.Set("Content-Type", contentType)
		if key != "" {
			req.Header.Set("Idempotency-Key", key)
		}
		node = c.load.nodes[c.rng.IntN(len(c.load.nodes))].HTTP // if this one is away
		wait := 10 * time.Millisecond
		resp, err := c.http.Do(req)
		if err == nil {
			done, err := read(resp, &a)
			if err != nil {
				return a, fmt.Errorf("%s: %w", path, err)
			}
			if done {
				return a, nil
			}
			if leader := resp.Header.Get("X-Gapless-Leader"); leader != "" {
				node = "http://" + strings.TrimPrefix(leader, "http://")
			}
			if resp.StatusCode == http.StatusTooManyRequests {
				wait = time.Second // the shortest that Retry-After can say
			}
		}
		<-time.After(wait)
	}
	return a, fmt.Errorf("%s: not taken within %s: %.200s", path, patience, body)
}

// read takes an answer in. Not done and no error means: send it again.
func read(resp *http.Response, a *answer) (done bool, err error) {
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil || resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusTooManyRequests:
		return false, nil
	case resp.StatusCode != http.StatusOK:
		return false, fmt.Errorf("answer %d %.500s", resp.StatusCode, body)
	}
	return true, json.Unmarshal(body, a)
}

// flushNow asks any node for a flush point, and does not mind when another one is under way.
func flushNow(c *client) error {
	if _, err := c.deliver("/v1/cluster/flush", "application/json", "", ""); err != nil {
		return err
	}
	c.load.flushes.Add(1)
	select {
	case <-c.load.stop:
	case <-time.After(2 * time.Second):
	}
	return nil
}
