package vfs

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"syscall"
)

// TB is what EachCrash, EachFault and EachStall need of a *testing.T.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
}

// Trial is a workload and what must hold after it was interrupted anywhere.
type Trial struct {
	// Workload runs on an empty file system and is to be deterministic: operation k of one run is operation k of the next.
	// Undisturbed it returns nil. It notes what it promised (acknowledged) in variables that Check reads, and resets them
	// when it starts, for it runs many times. It must return soon after its file system fails for good.
	Workload func(FS) error
	// Check opens what is left, recovers as after a real crash, and returns an error if a promise is broken. It runs many
	// times on clones of one interrupted run; it may write.
	Check func(FS) error
	// Seeds is how many random outcomes of a power loss are checked at each point, besides the two extremes (everything
	// unsynced is lost; only the process died). Default 4; negative for none.
	Seeds int
	// Seed picks them; equal seeds give equal outcomes. Default 1.
	Seed uint64
	// Points limits how many of the workload's operations are interrupted; beyond it they are picked evenly. Default all.
	Points int
	// Recovery is how many operations of Check are in turn interrupted, on each extreme: by a power loss at each point of
	// EachCrash, by a failure of the operation at each point of EachFault. Check must then pass on what that leaves, on a
	// healthy disk. Default 0: recovery is never interrupted.
	Recovery int
}

// maxFailures is how many broken points are reported before a trial gives up.
const maxFailures = 5

// trial is one run of EachCrash, EachFault or EachStall. Stalled operations check from goroutines of the workload's own.
type trial struct {
	Trial
	t        TB
	failures atomic.Int64
	clones   atomic.Int64
}

// prepare fills in the defaults and runs the workload undisturbed; ops is what it did, nil if it cannot be used.
func prepare(t TB, c Trial) (tr *trial, ops []Op) {
	t.Helper()
	if c.Seeds == 0 {
		c.Seeds = 4
	}
	if c.Seed == 0 {
		c.Seed = 1
	}
	tr = &trial{Trial: c, t: t}
	m := NewMem()
	m.tracing = true
	if err := c.Workload(m); err != nil {
		t.Errorf("vfs: the workload fails without any fault: %v", err)
		return tr, nil
	}
	for _, extreme := range []Crash{{}, {Kill: true}} {
		if err := tr.check(m.CrashClone(extreme)); err != nil {
			t.Errorf("vfs: the check fails after an undisturbed workload (%s): %v", describe(extreme), err)
			return tr, nil
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return tr, m.trace
}

// spread picks at most limit of n points evenly, the last one included; limit 0 means all. Points are 0 to n-1.
func spread(n, limit int) []int {
	if limit <= 0 || limit > n {
		limit = n
	}
	points := make([]int, limit)
	for i := range points {
		points[i] = (i+1)*n/limit - 1
	}
	return points
}

// interruption makes op of a Check the last one that works as it should, or works at all; left is what the next process finds.
type interruption struct {
	name   string
	points func(Op) bool
	arm    func(m *Mem, op Op)
	left   Crash
}

var (
	powerLoss = interruption{"power lost again after", func(op Op) bool { return op.Kind.Changes() },
		func(m *Mem, op Op) { m.CrashAt(op.N) }, Crash{}}
	failure = interruption{"started again after a failure of", always, func(m *Mem, op Op) {
		if op.Kind == OpSync {
			m.Inject(FailAt(op.N, DropOnSync()))
		} else {
			m.Inject(FailAt(op.N, syscall.EIO))
		}
	}, Crash{Kill: true}}
)

// checkClones checks what an interrupted m leaves. where names the point in a report; how is what interrupts the recovery.
func (tr *trial) checkClones(m *Mem, point int, where string, recovery int, how interruption) {
	tr.t.Helper()
	outcomes := []Crash{{}, {Kill: true}}
	for i := range outcomes {
		tr.checkOne(m.CrashClone(outcomes[i]), where+", "+describe(outcomes[i]), recovery, how)
	}
	for i := range tr.Seeds {
		r := rand.New(rand.NewPCG(tr.Seed, uint64(point)<<16|uint64(i)))
		where := fmt.Sprintf("%s, random power loss %d of Trial.Seed %d", where, i, tr.Seed)
		tr.checkOne(m.CrashClone(Crash{Rand: r}), where, 0, how)
	}
}

func describe(c Crash) string {
	if c.Kill {
		return "only the process killed"
	}
	return "everything unsynced lost"
}

// checkOne runs Check on a clone, and again on what interruptions of that Check leave of it.
func (tr *trial) checkOne(clone *Mem, where string, recovery int, how interruption) {
	tr.t.Helper()
	before := clone.CrashClone(Crash{Kill: true})
	clone.tracing = true
	if err := tr.check(clone); err != nil {
		tr.fail(before, where, err)
		return
	}
	if recovery == 0 {
		return
	}
	ops := slices.DeleteFunc(clone.trace, func(op Op) bool { return !how.points(op) })
	for _, i := range spread(len(ops), recovery) {
		again := before.CrashClone(Crash{Kill: true})
		how.arm(again, ops[i])
		_ = tr.check(again) // it may fail: its machine crashed, or its disk is sick
		again = again.CrashClone(how.left)
		left := again.CrashClone(Crash{Kill: true})
		if err := tr.check(again); err != nil {
			tr.fail(left, fmt.Sprintf("%s, %s %s of the check", where, how.name, ops[i]), err)
			return
		}
	}
}

// check runs Check once; a panic is an error with its stack, for without the point in the report it would be hard to find.
func (tr *trial) check(fsys FS) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	tr.clones.Add(1)
	return tr.Check(fsys)
}

func (tr *trial) fail(left *Mem, where string, err error) {
	tr.t.Helper()
	tr.failures.Add(1)
	tr.t.Errorf("vfs: %s: %v\nleft behind:\n%s", where, err, left)
}

// done says whether the trial has seen enough failures.
func (tr *trial) done() bool {
	tr.t.Helper()
	if tr.failures.Load() < maxFailures {
		return false
	}
	tr.t.Logf("vfs: %d failures, the remaining points are not tried", tr.failures.Load())
	return true
}
