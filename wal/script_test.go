package wal

import (
	"errors"
	"fmt"
	"sync"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/hashicorp/raft"
)

// script is a history of a log. It knows after every step what the log promised to hold.
type script struct {
	opt   func() Options
	steps []step

	mu     sync.Mutex  // protects what follows: a stalled housekeeper checks, too
	before []*raft.Log // what the log holds if the running step did not happen
	after  []*raft.Log // and if it did
	writes bool        // the running step appends: then any part of it may have happened
	broken error       // a promise that was broken before the crash
}

// step does something to a log, or to all of it (reopen).
type step struct {
	name   string
	do     func(l *Log) error
	effect func(es []*raft.Log) []*raft.Log // nil: none
	writes bool
	reopen bool
}

func store(first, last, term uint64, size int) step {
	es := makeEntries(first, last, term, size)
	return step{
		name: fmt.Sprintf("store %d..%d of term %d", first, last, term), writes: true,
		do:     func(l *Log) error { return l.StoreLogs(es) },
		effect: func(old []*raft.Log) []*raft.Log { return append(old[:len(old):len(old)], es...) },
	}
}

// storeEach is one StoreLogs for each entry.
func storeEach(first, last, term uint64, size int) (steps []step) {
	for i := first; i <= last; i++ {
		steps = append(steps, store(i, i, term, size))
	}
	return steps
}

// remove deletes lo..hi, and says with want what of that is to go: the floor may keep the rest.
func remove(lo, hi, wantLo, wantHi uint64) step {
	return step{
		name: fmt.Sprintf("delete %d..%d", lo, hi),
		do:   func(l *Log) error { return l.DeleteRange(lo, hi) },
		effect: func(old []*raft.Log) (left []*raft.Log) {
			for _, e := range old {
				if e.Index < wantLo || e.Index > wantHi {
					left = append(left, e)
				}
			}
			return left
		},
	}
}

func floor(f uint64) step {
	return step{name: fmt.Sprintf("floor %d", f), do: func(l *Log) error { l.SetFloor(f); return nil }}
}

func reopen() step { return step{name: "reopen", reopen: true} }

func steps(parts ...any) (all []step) {
	for _, p := range parts {
		switch p := p.(type) {
		case step:
			all = append(all, p)
		case []step:
			all = append(all, p...)
		}
	}
	return all
}

// run is a vfs.Trial's Workload.
func (s *script) run(fsys vfs.FS) error {
	s.promise(nil, nil, false, nil)
	opt := s.opt()
	l, err := Open(fsys, testDir, opt)
	if err != nil {
		return err
	}
	for _, st := range s.steps {
		if st.reopen {
			if err := l.Close(); err != nil {
				return err
			}
			if l, err = Open(fsys, testDir, opt); err != nil {
				return err
			}
			continue
		}
		after := s.before
		if st.effect != nil {
			after = st.effect(s.before)
		}
		s.promise(s.before, after, st.writes, nil)
		if err := st.do(l); err != nil {
			s.promise(s.before, after, st.writes, wantPoisoned(l, err))
			return fmt.Errorf("%s: %w", st.name, err)
		}
		s.promise(after, after, false, nil)
	}
	return l.Close()
}

// promise notes what the log may hold from now on.
func (s *script) promise(before, after []*raft.Log, writes bool, broken error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.after, s.writes, s.broken = before, after, writes, broken
}

func wantPoisoned(l *Log, first error) error {
	calls := everyCall(l)
	calls["the failed call"] = first
	for name, err := range calls {
		if !errors.Is(err, ErrPoisoned) {
			return fmt.Errorf("after the failure %w: %s returned %w, want ErrPoisoned", first, name, err)
		}
	}
	return nil
}

// check is a vfs.Trial's Check. Besides the contents it holds the log to what it says after the recovery: whatever it reports
// may have been voted with, so it must be there after the next power cut, and what is gone must stay gone.
func (s *script) check(fsys vfs.FS) error {
	l, err := Open(fsys, testDir, s.opt())
	if err != nil {
		return err
	}
	defer l.Close()
	got, err := contents(l)
	if err != nil {
		return err
	}
	if err := s.allowed(withoutProbes(got)); err != nil {
		return err
	}
	if err := sameAfterPowerCut(fsys, s.opt(), got); err != nil {
		return fmt.Errorf("right after recovery: %w", err)
	}
	next := uint64(1)
	if len(got) > 0 {
		next = got[len(got)-1].Index + 1
	}
	for i := next; i < next+3; i++ { // of the length of what was there before, but of another term
		e := makeEntry(i, probeTerm, 100)
		if err := l.StoreLog(e); err != nil {
			return fmt.Errorf("store after recovery: %w", err)
		}
		got = append(got, e)
	}
	if err := sameAfterPowerCut(fsys, s.opt(), got); err != nil {
		return fmt.Errorf("after recovery and more entries: %w", err)
	}
	return nil
}

// probeTerm is the term of the entries that check stores. A check that is itself interrupted leaves some.
const probeTerm = 999

func withoutProbes(es []*raft.Log) []*raft.Log {
	for len(es) > 0 && es[len(es)-1].Term == probeTerm {
		es = es[:len(es)-1]
	}
	return es
}

// allowed says whether a log may hold got after the crash.
func (s *script) allowed(got []*raft.Log) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	d := diff(got, s.before)
	if d == "" || diff(got, s.after) == "" {
		return nil
	}
	if s.writes && len(got) > len(s.before) && len(got) < len(s.after) {
		d = diff(got, s.after[:len(got)])
	}
	if d != "" {
		return errors.New(d)
	}
	return nil
}

func sameAfterPowerCut(fsys vfs.FS, opt Options, want []*raft.Log) error {
	m := fsys.(*vfs.Mem)
	got, err := reopened(powerCut(m), opt)
	if err != nil {
		return err
	}
	if d := diff(got, want); d != "" {
		return errors.New(d)
	}
	return nil
}

// scripts are the histories that are interrupted at every operation.
func scripts() map[string][]step {
	return map[string][]step{
		"append": steps(store(1, 1, 1, 0), store(2, 9, 1, 100), store(10, 10, 1, 1500),
			store(11, 13, 2, 700), store(14, 14, 2, 6000), store(15, 40, 2, 1)),
		"roll": steps(storeEach(1, 12, 1, 1000)),
		"truncate": steps(
			storeEach(1, 8, 1, 1000),
			remove(7, 8, 7, 8), storeEach(7, 8, 2, 1000), // in the active file
			remove(3, 8, 3, 8), storeEach(3, 6, 3, 1000), // in an old one
			remove(6, 6, 6, 6), remove(5, 100, 5, 5), remove(2, 4, 2, 4), // one after the other, without a write between
			store(2, 9, 4, 500), reopen(), remove(4, 9, 4, 9), storeEach(4, 5, 5, 500)),
		"recycle": steps(
			storeEach(1, 10, 1, 1000), remove(1, 9, 0, 0), floor(7), remove(1, 9, 1, 6),
			storeEach(11, 22, 1, 1000), floor(22), remove(7, 20, 7, 20), storeEach(23, 34, 2, 1000),
			remove(30, 34, 30, 34), storeEach(30, 33, 3, 1000), floor(40), remove(21, 32, 21, 32), storeEach(34, 40, 3, 900)),
		"wipe": steps(
			storeEach(5, 14, 1, 1000), floor(6), remove(5, 14, 5, 14), // above the floor
			storeEach(100, 103, 2, 1000), remove(100, 200, 100, 200), storeEach(1, 2, 3, 1000), // after an empty active file, and backwards
			reopen(), remove(1, 2, 1, 2), reopen(), storeEach(7, 9, 3, 100)),
	}
}
