package gapless

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/floor"
	stable "github.com/gaplessdb/gapless/tests/votes"
	"github.com/gaplessdb/gapless/vfs"
)

// stores is what Raft stands on in a node, opened as a node does: identity, log, votes, floors, and the layers above the log.
type stores struct {
	*Node
	log   raft.LogStore
	votes raft.StableStore
	fatal atomic.Int64
}

func openForRaft(dir vfs.FS) (s *stores, err error) {
	cfg := Config{Logger: slog.New(slog.DiscardHandler), LogFileBytes: 4096, Registerer: prometheus.NewRegistry(), Machine: Machine{
		Votes: func(dir vfs.FS, _, name string) (VoteStore, error) { return stable.Open(dir, name, stable.Options{}) },
	}}
	n := &Node{cfg: cfg, log: cfg.Logger, dir: dir, state: raftfsm.NewState(Sections), reopen: make(chan struct{}, 1)}
	s = &stores{Node: n}
	if n.id, err = loadIdentity(dir, "c", "n1"); err != nil {
		return nil, err
	}
	if n.cons, err = openStores(&n.cfg, dir); err != nil {
		return nil, err
	}
	n.joined = n.id.Joined
	if n.floors, err = floor.Open(dir, floorsDir, floor.Options{}); err == nil {
		_, err = n.prepare()
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	n.guard = raftfsm.NewGuard(2*time.Second, raftfsm.NewMetrics(prometheus.NewRegistry()), func(error) { s.fatal.Add(1) })
	s.log, s.votes = n.guard.Log(n.noted(&nodeLog{n.cons.log, n}), func() {}), n.guard.Stable(n.cons.stable)
	return s, nil
}

func (s *stores) close() (err error) {
	if s.floors != nil {
		err = s.floors.Close()
	}
	return errors.Join(err, s.cons.close())
}

// joinedLife is what Raft writes on a follower: terms, entries, and other entries in the place of those that a new leader does not have. It
// knows what was answered.
type joinedLife struct {
	mu sync.Mutex // protects answers: a stalled housekeeper checks, too
	answers
}

type answers struct {
	term          uint64
	before, after []uint64       // terms of the entries, the first at index 1: as answered, and as asked for
	furthest      raftfsm.LogEnd // that was ever answered: others may have noted it
	broken        error
}

func (l *joinedLife) note(what func(p *answers)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	what(&l.answers)
}

func (l *joinedLife) run(dir vfs.FS) error {
	l.note(func(p *answers) { *p = answers{} })
	for term := uint64(2); term < 8; term += 2 { // a process for two terms
		s, err := openForRaft(dir)
		if err != nil {
			return err
		}
		err = l.follow(s, term)
		if err == nil {
			err = l.follow(s, term+1)
		}
		if n := s.fatal.Load(); (err != nil) != (n == 1) || n > 1 {
			l.note(func(p *answers) {
				p.broken = fmt.Errorf("the process ended with %w, and fatal was told %d times", err, n)
			})
		}
		if err := errors.Join(err, s.close()); err != nil {
			return err
		}
	}
	return nil
}

// follow is one term: its leader lacks the newest two entries and sends three others, then one more.
func (l *joinedLife) follow(s *stores, term uint64) error {
	if err := s.votes.SetUint64(termKey, term); err != nil {
		return err
	}
	l.note(func(p *answers) { p.term = term })
	if n := len(l.before); n > 2 {
		if err := l.call(l.before[:n-2], func() error { return s.log.DeleteRange(uint64(n-1), uint64(n)) }); err != nil {
			return err
		}
	}
	for _, entries := range []int{3, 1} {
		next := uint64(len(l.before) + 1)
		var es []*raft.Log
		for i := range entries {
			es = append(es, &raft.Log{Index: next + uint64(i), Term: term, Type: raft.LogCommand, Data: make([]byte, 900)})
		}
		after := append(slices.Clip(l.before), slices.Repeat([]uint64{term}, entries)...)
		if err := l.call(after, func() error { return s.log.StoreLogs(es) }); err != nil {
			return err
		}
		l.note(func(p *answers) { p.furthest = p.furthest.Max(raftfsm.LogEnd{Term: term, Index: uint64(len(after))}) })
	}
	return nil
}

func (l *joinedLife) call(after []uint64, do func() error) error {
	l.note(func(p *answers) { p.after = after })
	err := do()
	if err == nil {
		l.note(func(p *answers) { p.before = after })
	}
	return err
}

// check opens the stores as a node does that starts.
func (l *joinedLife) check(dir vfs.FS) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	s, err := openForRaft(dir)
	if err != nil {
		return fmt.Errorf("a healthy disk is refused: %w", err)
	}
	return errors.Join(l.compare(s), s.close())
}

func (l *joinedLife) compare(s *stores) error {
	terms, err := termsOf(s.log)
	if err != nil {
		return err
	}
	n := len(terms)
	partly := n > len(l.before) && n < len(l.after) && slices.Equal(terms, l.after[:n]) // of an append
	if !slices.Equal(terms, l.before) && !slices.Equal(terms, l.after) && !partly {
		return fmt.Errorf("the log has entries of the terms %d, answered was %d, asked for %d", terms, l.before, l.after)
	}
	if l.furthest.Index > 0 && !s.id.Joined {
		return fmt.Errorf("entries up to %s were answered, and the identity does not say that there were any", l.furthest)
	}
	if term, err := s.votes.GetUint64(termKey); term < l.term {
		return fmt.Errorf("term %d was answered, found %d, %v", l.term, term, err)
	}
	end, err := logEnd(s.log)
	if err != nil {
		return err
	}
	given, err := gaveUp(s.votes)
	if err == nil && forgot(end.Max(given), l.furthest) {
		err = fmt.Errorf("%s was answered, and now the log ends at %s, given up was %s: its own cluster would refuse this disk", l.furthest, end, given)
	}
	return err
}

func termsOf(log raft.LogStore) (terms []uint64, err error) {
	last, err := log.LastIndex()
	for i := uint64(1); i <= last && err == nil; i++ {
		var e raft.Log
		err = log.GetLog(i, &e)
		terms = append(terms, e.Term)
	}
	return terms, err
}

// TestStoresOnASickDisk: whatever the disk does, what was answered is there, nobody takes a disk for one that lost its log, and nobody could.
func TestStoresOnASickDisk(t *testing.T) {
	l := new(joinedLife)
	trial := vfs.Trial{Workload: l.run, Check: l.check, Seeds: 1}
	t.Run("crash", func(t *testing.T) { vfs.EachCrash(t, trial) })
	trial.Points = 60
	t.Run("fault", func(t *testing.T) { vfs.EachFault(t, trial) })
	for _, stall := range []time.Duration{time.Second, time.Minute} { // fence_after is in between
		t.Run("stall of "+stall.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { vfs.EachStall(t, trial, stall) })
		})
	}
}
