package vfs

import "fmt"

// EachCrash runs the workload once to learn its operations, and then again for each of them, crashing the machine right after
// it; each time Check must pass on everything that a power loss, or the death of the process alone, may leave. A failure names
// the operation, the outcome and the seed. Operations that change nothing durable are no points of their own.
func EachCrash(t TB, c Trial) {
	t.Helper()
	tr, ops := prepare(t, c)
	if ops == nil {
		return
	}
	points := []int{0}
	for i, op := range ops {
		if op.Kind.Changes() {
			points = append(points, i+1)
		}
	}
	chosen := spread(len(points), c.Points)
	for _, i := range chosen {
		k := points[i]
		m := NewMem()
		m.tracing = true
		m.CrashAt(k)
		_ = tr.Workload(m) // it fails when its machine has crashed, and may say so or not
		where := "crash before the first operation"
		if n := len(m.trace); n > 0 {
			where = fmt.Sprintf("crash after %s", m.trace[n-1])
		}
		tr.checkClones(m, k, where, tr.Recovery, powerLoss)
		if tr.done() {
			return
		}
	}
	t.Logf("vfs: %d operations, %d crash points, %d checks", len(ops), len(chosen), tr.clones.Load())
}
