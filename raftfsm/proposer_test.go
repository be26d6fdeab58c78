package raftfsm

import (
	"errors"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestQueueIsBounded(t *testing.T) {
	p := NewProposer(NewState(nil), NewMetrics(prometheus.NewRegistry()), 100)
	p.queued.Store(90) // others wait for their commit
	if _, err := p.Propose(t.Context(), &Part{Batch: make([]byte, 50)}); !errors.Is(err, ErrOverloaded) {
		t.Errorf("50 bytes beside 90 of 100: %v, want ErrOverloaded", err)
	}
	if n := p.queued.Load(); n != 90 {
		t.Errorf("a refused part leaves %d bytes queued, want 90", n)
	}
	p.queued.Store(0)
	if _, err := p.Propose(t.Context(), &Part{Batch: make([]byte, 500)}); !errors.Is(err, ErrNotLeader) {
		t.Errorf("a large part that is alone: %v, want that it is let in and finds no leader", err)
	}
}
