package replay

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
)

// fakeNode is a node that keeps what it takes: numbered frames once, requests with a key once.
type fakeNode struct {
	*httptest.Server
	mu       sync.Mutex
	refuse   func(n int, r *http.Request) (status int, header map[string]string, body string) // of the n-th request, from 1; 0: take it
	requests int
	frames   map[string][]string     // of each device, in the order they were stored: "seq"
	seen     map[string]uint32       // "device seq" -> fingerprint
	keys     map[string][32]byte     // -> body
	answers  map[string]ack          // by key
	busy     map[string]bool         // devices of requests under way
	overlaps []string                // devices that had two requests under way
	secret   bool                    // nobody may read the policy
	told     []string                // lines that the registry was told
	item     func(seq uint64) string // a code that refuses a frame, "" to take it
}

func newFakeNode(t testing.TB) *fakeNode {
	n := &fakeNode{
		frames: map[string][]string{}, seen: map[string]uint32{}, keys: map[string][32]byte{}, answers: map[string]ack{}, busy: map[string]bool{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/policy", func(w http.ResponseWriter, _ *http.Request) {
		if n.secret {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"error":{"code":"forbidden","message":"scope read"}}`)
			return
		}
		fmt.Fprint(w, `{"ledger":{"skew_limit_ms":86400000}}`)
	})
	mux.HandleFunc("POST /v1/devices", n.register)
	mux.HandleFunc("POST /v1/frames", n.post)
	n.Server = httptest.NewServer(mux)
	t.Cleanup(n.Close)
	return n
}

func (n *fakeNode) register(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	n.mu.Lock()
	defer n.mu.Unlock()
	if r.FormValue("do") == "patch" {
		n.told = append(n.told, strings.Split(strings.TrimSpace(string(body)), "\n")...)
	}
	fmt.Fprint(w, "{}")
}

func (n *fakeNode) post(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away
	}
	n.mu.Lock()
	n.requests++
	if n.refuse != nil {
		if status, header, text := n.refuse(n.requests, r); status != 0 {
			n.mu.Unlock()
			for k, v := range header {
				w.Header().Set(k, v)
			}
			w.WriteHeader(status)
			fmt.Fprint(w, text)
			return
		}
	}
	n.mu.Unlock()
	a, err := n.take(body, r.Header.Get("Idempotency-Key"))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":{"code":"bad_batch","message":%q}}`, err)
		return
	}
	if a.Accepted+a.Duplicate+a.Conflict == 0 {
		w.WriteHeader(http.StatusUnprocessableEntity)
	}
	json.NewEncoder(w).Encode(struct {
		ack
		Error any `json:"error,omitempty"`
	}{a, map[bool]any{true: Refused{Code: "all_rejected"}}[a.Accepted+a.Duplicate+a.Conflict == 0]})
}

// take stores a batch, slowly enough that requests overlap which may.
func (n *fakeNode) take(body []byte, key string) (ack, error) {
	var r frame.Reader
	if err := r.Reset(body); err != nil {
		return ack{}, err
	}
	if err := r.VerifyFingerprints(); err != nil {
		return ack{}, err
	}
	names := map[frame.StreamID]string{}
	for def := range r.Defs() {
		names[def.ID] = def.Key.Device
	}
	n.enter(names)
	<-time.After(time.Millisecond) // as long as a disk takes
	defer n.leave(names)
	n.mu.Lock()
	defer n.mu.Unlock()
	if key != "" {
		sum := sha256.Sum256(body)
		if first, known := n.keys[key]; known && first != sum {
			return ack{}, fmt.Errorf("key %s came with another body", key)
		} else if known {
			a := n.answers[key]
			a.Replayed = true
			return a, nil
		}
		n.keys[key] = sum
	}
	a := n.store(&r, names)
	n.answers[key] = a
	return a, nil
}

func (n *fakeNode) store(r *frame.Reader, names map[frame.StreamID]string) ack {
	a := ack{Position: fmt.Sprintf("%032d", n.requests)}
	var g frame.Group
	var it frame.Item
	for i := 0; r.NextGroup(&g); {
		for ; r.Next(&it); i++ {
			device, id := names[g.Stream], fmt.Sprintf("%s %d", names[g.Stream], it.Seq)
			if n.item != nil && n.item(it.Seq) != "" {
				a.Rejected = append(a.Rejected, struct {
					Item    int    `json:"item"`
					Code    string `json:"code"`
					Message string `json:"message"`
				}{i, n.item(it.Seq), "not this one"})
				continue
			}
			first, stored := n.seen[id]
			switch {
			case stored && !g.Unseq && first == it.Fingerprint:
				a.Duplicate++
				continue
			case stored && !g.Unseq:
				a.Conflict++
				continue
			}
			a.Accepted++
			n.seen[id] = it.Fingerprint
			n.frames[device] = append(n.frames[device], fmt.Sprint(it.Seq))
		}
	}
	return a
}

func (n *fakeNode) enter(names map[frame.StreamID]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, device := range names {
		if n.busy[device] {
			n.overlaps = append(n.overlaps, device)
		}
		n.busy[device] = true
	}
}

func (n *fakeNode) leave(names map[frame.StreamID]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, device := range names {
		n.busy[device] = false
	}
}

// stored is how many frames the node has.
func (n *fakeNode) stored() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	total := 0
	for _, list := range n.frames {
		total += len(list)
	}
	return total
}
