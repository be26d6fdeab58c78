package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// The demo flushes early and keeps little of the log, so that a short run makes many segments and a wiped node must pull them.
const (
	flushBytes   = 1 << 20
	logKeepBytes = 1 << 20
	storageWait  = time.Minute      // for every node to have the newest floor
	replaceWait  = 2 * time.Minute  // for a node to be replaced
	answerLimit  = 16 << 20         // bytes of an answer that are read
	askTimeout   = 30 * time.Second // for one command to a node
)

// mismatchError says that nodes hold different segments.
type mismatchError struct{ text string }

func (e *mismatchError) Error() string { return "MISMATCH: " + e.text }

// storage is what the demo reads of GET /v1/storage.
type storage struct {
	Floor     uint64 `json:"floor"`
	FloorHash string `json:"floor_hash"`
	Missing   int    `json:"missing"`
	Total     struct {
		Frames uint64 `json:"frames"`
		Bytes  int64  `json:"bytes"`
	} `json:"total"`
	Segments []struct {
		Name string `json:"name"`
	} `json:"segments"`
}

// names lists the segments by their hashes.
func (s *storage) names() (list []string) {
	for _, seg := range s.Segments {
		list = append(list, seg.Name)
	}
	return list
}

func (s *storage) String() string {
	return fmt.Sprintf("%d segments, %d frames, %.1f MB, floor %d with hash %.12s", len(s.Segments), s.Total.Frames, float64(s.Total.Bytes)/1e6, s.Floor, s.FloorHash)
}

// send sends a command to a node and decodes the answer.
func send(ctx context.Context, method, url, body string, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %d %.300s", method, url, res.StatusCode, b)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(b, answer)
}

// flushEarly sets the policy under which the demo's few frames make many segments.
func (c *cluster) flushEarly(ctx context.Context) error {
	var policy map[string]any
	if err := send(ctx, http.MethodGet, c.nodes[0].url+"/v1/policy", "", &policy); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	policy["flush_bytes"] = flushBytes
	b, err := json.Marshal(policy)
	if err != nil {
		return err
	}
	if err := send(ctx, http.MethodPut, c.nodes[0].url+"/v1/policy", string(b), nil); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

// disks compares the nodes' segments, takes the disk from one follower, gives it back its place, and compares again.
func (c *cluster) disks(ctx context.Context, show *progress) error {
	if err := c.sameSegments(ctx, show); err != nil {
		return err
	}
	victim, err := c.follower(ctx)
	if err != nil {
		return err
	}
	if err := c.wipe(ctx, victim, show); err != nil {
		return err
	}
	return c.sameSegments(ctx, show)
}

// sameSegments flushes, waits until every node has that floor and every segment, and compares their hashes.
func (c *cluster) sameSegments(ctx context.Context, show *progress) error {
	var flush struct {
		Floor uint64 `json:"floor"`
	}
	err := until(ctx, storageWait, func() (bool, error) { // refused while another flush is under way
		err := send(ctx, http.MethodPost, c.nodes[0].url+"/v1/cluster/flush", "", &flush)
		return err == nil, err
	})
	if err != nil {
		return fmt.Errorf("demo: flush: %w", err)
	}
	all := make([]storage, len(c.nodes))
	for i, n := range c.nodes {
		err := until(ctx, storageWait, func() (bool, error) {
			if err := n.exit(); err != nil {
				return false, &finalError{err}
			}
			var s storage
			if err := send(ctx, http.MethodGet, n.url+"/v1/storage", "", &s); err != nil {
				return false, err
			}
			all[i] = s
			return s.Floor >= flush.Floor && s.Missing == 0, fmt.Errorf("at floor %d of %d, %d segments missing", s.Floor, flush.Floor, s.Missing)
		})
		if err != nil {
			return fmt.Errorf("demo: storage of %s: %w", n.name, err)
		}
	}
	for i := range all[1:] {
		a, b := &all[0], &all[i+1]
		if a.Floor != b.Floor || a.FloorHash != b.FloorHash || !slices.Equal(a.names(), b.names()) {
			return &mismatchError{fmt.Sprintf("%s has %s, %s has %s", c.nodes[0].name, a, c.nodes[i+1].name, b)}
		}
	}
	if len(all[0].Segments) == 0 {
		return &mismatchError{"there are no segments to compare"}
	}
	show.say("the nodes hold the same bytes: %s", &all[0])
	return nil
}

// follower returns a node that does not lead.
func (c *cluster) follower(ctx context.Context) (*node, error) {
	leader, err := c.leader(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.Index(c.nodes, leader)
	return c.nodes[(i+1)%len(c.nodes)], nil
}

// wipe ends a node, removes everything it kept, starts it empty, and has it replaced.
func (c *cluster) wipe(ctx context.Context, n *node, show *progress) error {
	if err := n.kill(); err != nil {
		return err
	}
	if err := os.RemoveAll(n.data); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	begin := time.Now()
	if err := n.start(); err != nil {
		return err
	}
	show.say("killed the follower %s and removed its disk; it asks for its place", n.name)
	other := c.nodes[(slices.Index(c.nodes, n)+1)%len(c.nodes)]
	err := until(ctx, replaceWait, func() (bool, error) {
		if err := n.exit(); err != nil {
			return false, &finalError{err}
		}
		err := send(ctx, http.MethodPost, other.url+"/v1/cluster/members/"+n.name+"/replace", "", nil)
		return err == nil, err
	})
	if err != nil {
		return fmt.Errorf("demo: replacing %s: %w", n.name, err)
	}
	if err := c.waitReady(ctx); err != nil {
		return err
	}
	show.say("%s is back with everything, %s after it started empty", n.name, time.Since(begin).Round(10*time.Millisecond))
	return nil
}

// differs reports whether err says that the nodes' storage differs.
func differs(err error) bool {
	var m *mismatchError
	return errors.As(err, &m)
}
