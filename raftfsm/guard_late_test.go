package raftfsm

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
)

// TestGuardLimitIsExact: a write that takes as long as the limit is fenced, one that is a nanosecond faster is not, however the timer
// and the write race.
func TestGuardLimitIsExact(t *testing.T) {
	const limit = 2 * time.Second
	for _, took := range []time.Duration{limit - 1, limit, limit + 1} {
		for range 50 {
			synctest.Test(t, func(t *testing.T) {
				fatal := 0
				g := NewGuard(limit, NewMetrics(prometheus.NewRegistry()), func(error) { fatal++ })
				err := g.Log(&faultyStore{InmemStore: raft.NewInmemStore(), stall: took}, func() {}).StoreLog(&raft.Log{Index: 1})
				synctest.Wait()
				if late := took >= limit; errors.Is(err, ErrFenced) != late || (fatal == 1) != late {
					t.Errorf("a write that took %s of %s: %v, fatal %d times", took, limit, err, fatal)
				}
			})
		}
	}
}
