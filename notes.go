package gapless

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/hashicorp/raft"
	boltdb "github.com/hashicorp/raft-boltdb/v2"

	"github.com/gaplessdb/gapless/raftfsm"
)

// notebook knows the newest TICK and the newest configuration in this node's log, committed or not. It is asked by nodes that start,
// also while this one waits to start itself, so it rests on the log alone.
type notebook struct {
	mu      sync.Mutex // protects all below
	current bool       // page is what the log says
	page    page
}

// page is what the log's newest TICK and configuration say.
type page struct {
	tick       raftfsm.Tick
	tickEnd    raftfsm.LogEnd // of the TICK's entry; zero: there is none
	servers    []raft.Server  // of the newest configuration, unless only the TICK's list of servers was read
	configured bool           // servers is known
}

// members is the newest configuration.
func (p *page) members() []raft.Server {
	if p.configured {
		return p.servers
	}
	var servers []raft.Server
	for _, n := range p.tick.Notes {
		s := raft.Server{ID: raft.ServerID(n.Server), Address: raft.ServerAddress(n.Raft), Suffrage: raft.Nonvoter}
		if n.Voter {
			s.Suffrage = raft.Voter
		}
		servers = append(servers, s)
	}
	return servers
}

// has reports whether a server belongs to the cluster.
func (p *page) has(server string) bool {
	return slices.ContainsFunc(p.members(), func(s raft.Server) bool { return string(s.ID) == server })
}

// alone reports whether a server is the only voter.
func (p *page) alone(server string) bool {
	voters := slices.DeleteFunc(slices.Clone(p.members()), func(s raft.Server) bool { return s.Suffrage != raft.Voter })
	return len(voters) == 1 && string(voters[0].ID) == server
}

// take reads one entry, newest first, and reports whether more are needed.
func (p *page) take(e *raft.Log) (more bool, err error) {
	switch {
	case e.Type == raft.LogConfiguration && !p.configured:
		p.servers, p.configured = raft.DecodeConfiguration(e.Data).Servers, true
	case e.Type == raft.LogCommand && p.tickEnd.Index == 0 && raftfsm.IsTick(e.Data):
		if p.tick, err = raftfsm.TickOf(e.Data); err != nil {
			return false, fmt.Errorf("gapless: entry %d: %w", e.Index, err)
		}
		p.tickEnd = raftfsm.LogEnd{Term: e.Term, Index: e.Index}
	}
	return p.tickEnd.Index == 0 || !p.configured && len(p.tick.Notes) == 0, nil
}

// newest returns the newest page; the first call after a start or a truncation reads the log backwards.
func (b *notebook) newest(log raft.LogStore) (page, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current {
		return b.page, nil
	}
	var p page
	first, err := log.FirstIndex()
	if err != nil {
		return page{}, err
	}
	last, err := log.LastIndex()
	if err != nil {
		return page{}, err
	}
	for index := last; index >= max(first, 1); index-- {
		var e raft.Log
		err := log.GetLog(index, &e)
		if errors.Is(err, raft.ErrLogNotFound) {
			break // the log was trimmed meanwhile
		}
		if err != nil {
			return page{}, err
		}
		more, err := p.take(&e)
		if err != nil {
			return page{}, err
		}
		if !more {
			break
		}
	}
	b.page, b.current = p, true
	return p, nil
}

// stored takes in new entries at the end of the log.
func (b *notebook) stored(entries []*raft.Log) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.current {
		return
	}
	for _, e := range entries {
		switch {
		case e.Type == raft.LogConfiguration:
			b.page.servers, b.page.configured = raft.DecodeConfiguration(e.Data).Servers, true
		case e.Type == raft.LogCommand && raftfsm.IsTick(e.Data):
			tick, err := raftfsm.TickOf(e.Data)
			if err != nil {
				b.current = false // newest says what is wrong
				return
			}
			b.page.tick, b.page.tickEnd = tick, raftfsm.LogEnd{Term: e.Term, Index: e.Index}
		}
	}
}

func (b *notebook) truncated() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.current = false
}

// notedLog tells the notebook what becomes of the log, and remembers how far a log reached of which Raft gave up the end: entries that
// were never committed, which a new leader replaced, or a log that an installed floor replaced. A node that ends before it has stored
// what comes instead is behind its note, and has lost nothing.
type notedLog struct {
	raft.LogStore
	book   *notebook
	gaveUp func(raftfsm.LogEnd) error
}

// noted wraps this node's log.
func (n *Node) noted(log raft.LogStore) raft.LogStore {
	stable := n.guard.Stable(n.cons.stable)
	return &notedLog{log, &n.membership.notes, func(end raftfsm.LogEnd) error { return setGaveUp(stable, end) }}
}

func (l *notedLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

func (l *notedLog) StoreLogs(logs []*raft.Log) error {
	err := l.LogStore.StoreLogs(logs)
	if err == nil {
		l.book.stored(logs)
	}
	return err
}

func (l *notedLog) DeleteRange(first, last uint64) error {
	end, err := logEnd(l.LogStore)
	if err != nil {
		return err
	}
	if last < end.Index { // a prefix
		return l.LogStore.DeleteRange(first, last)
	}
	if err := l.gaveUp(end); err != nil {
		return err
	}
	defer l.book.truncated()
	return l.LogStore.DeleteRange(first, last)
}

// logEnd is the last entry of a log; the WAL counts only what was synced.
func logEnd(log raft.LogStore) (raftfsm.LogEnd, error) {
	for {
		last, err := log.LastIndex()
		if err != nil || last == 0 {
			return raftfsm.LogEnd{}, err
		}
		var e raft.Log
		err = log.GetLog(last, &e)
		if errors.Is(err, raft.ErrLogNotFound) {
			continue // truncated meanwhile
		}
		return raftfsm.LogEnd{Term: e.Term, Index: last}, err
	}
}

// gaveUpKey is where the vote store keeps the furthest log end that Raft gave up.
var gaveUpKey = []byte("GaplessGaveUp")

// gaveUp is the furthest log end that Raft gave up, zero when it never did.
func gaveUp(stable raft.StableStore) (raftfsm.LogEnd, error) {
	b, err := stable.Get(gaveUpKey)
	if errors.Is(err, boltdb.ErrKeyNotFound) || err == nil && len(b) == 0 {
		return raftfsm.LogEnd{}, nil
	}
	if err != nil || len(b) != 16 {
		return raftfsm.LogEnd{}, fmt.Errorf("gapless: vote store: %d bytes where the given up end of the log was expected: %w", len(b), err)
	}
	return raftfsm.LogEnd{Term: binary.BigEndian.Uint64(b), Index: binary.BigEndian.Uint64(b[8:])}, nil
}

func setGaveUp(stable raft.StableStore, end raftfsm.LogEnd) error {
	before, err := gaveUp(stable)
	if err != nil || end.Compare(before) <= 0 {
		return err
	}
	b := binary.BigEndian.AppendUint64(nil, end.Term)
	return stable.Set(gaveUpKey, binary.BigEndian.AppendUint64(b, end.Index))
}
