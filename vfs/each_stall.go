package vfs

import (
	"fmt"
	"sync/atomic"
	"time"
)

// EachStall runs the workload once to learn its operations, and then again for each of them, which does not return before the
// given time has passed: once it takes effect at the end of that time, and once at its beginning, only the answer is late. At the
// end of the time Check must pass on everything that a crash may leave then: a store that promised something while its disk was
// silent is found out. When the workload has returned, with an error or without, Check must pass again.
//
// The time passes on the clock of the caller, which is meant to be inside a testing/synctest bubble. Check runs in the goroutine
// that asked for the stalled operation: what it shares with other goroutines of the workload needs a lock. Nobody may wait for a
// mutex that is held across an operation, for the clock of a bubble stands still meanwhile.
func EachStall(t TB, c Trial, stall time.Duration) {
	t.Helper()
	tr, ops := prepare(t, c)
	stalls := 0
	for _, i := range spread(len(ops), c.Points) {
		for _, late := range []bool{false, true} {
			if late && !ops[i].Kind.Changes() {
				continue
			}
			if tr.stall(i+1, late, stall) {
				stalls++
			}
			if tr.done() {
				return
			}
		}
	}
	t.Logf("vfs: %d operations, %d stalls, %d checks", len(ops), stalls, tr.clones.Load())
}

// stall runs the workload with operation k stalled, before its effect or after it, and reports whether there was such an operation.
func (tr *trial) stall(k int, late bool, long time.Duration) bool {
	tr.t.Helper()
	m := NewMem()
	var where atomic.Pointer[string]
	over := make(chan struct{})
	m.Inject(func(op Op) error {
		if op.N != k {
			return nil
		}
		at := fmt.Sprintf("%s stalled for %s", op, long)
		if late {
			at = fmt.Sprintf("the answer of %s stalled for %s", op, long)
		}
		where.Store(&at)
		wait := func() error {
			defer close(over)
			time.Sleep(long)
			tr.checkClones(m, k, at+", crash meanwhile", 0, powerLoss)
			return nil
		}
		if late {
			return &Fault{After: wait}
		}
		return wait()
	})
	err := tr.Workload(m)
	at := where.Load()
	if at == nil {
		return false
	}
	<-over // a workload need not wait for all it has begun
	tr.checkClones(m, k, fmt.Sprintf("%s, the workload returned %v", *at, err), 0, powerLoss)
	return true
}
