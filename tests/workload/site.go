package workload

import (
	"net/http"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

// Node is a node of the cluster, as its clients know it.
type Node struct {
	Name string // as in the history
	Addr string // host:port of its HTTP door
}

// Site is where clients stand.
type Site struct {
	*Log
	Seed    uint64 // of the payloads
	Nodes   []Node
	Done    <-chan struct{}                 // closed when the run is over
	Formats []check.Format                  // in which senders send, in turn; none: JSON
	Client  func(place string) *http.Client // a client of its own for each place; no fault between nodes reaches it
}

// Wait sleeps, and reports whether the run still goes on.
func (s *Site) Wait(long time.Duration) bool {
	select {
	case <-time.After(long):
		return true
	case <-s.Done:
		return false
	}
}

// Asker is an HTTP client at one place.
func (s *Site) Asker(place string) *Asker { return &Asker{s.Client(place)} }
