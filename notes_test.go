package gapless

import (
	"fmt"
	"math/rand"
	"reflect"
	"testing"

	"github.com/hashicorp/raft"
	boltdb "github.com/hashicorp/raft-boltdb/v2"

	"github.com/gaplessdb/gapless/raftfsm"
)

// logOf is a log of entries in memory, with the notebook listening.
type logOf struct {
	raft.LogStore
	book *notebook
	log  raft.LogStore
	gave raftfsm.LogEnd
}

func newLogOf() *logOf {
	l := &logOf{LogStore: raft.NewInmemStore(), book: &notebook{}}
	l.log = &notedLog{l.LogStore, l.book, func(end raftfsm.LogEnd) error { l.gave = l.gave.Max(end); return nil }}
	return l
}

func tickEntry(t *testing.T, index, term uint64, tick raftfsm.Tick) *raft.Log {
	t.Helper()
	body, err := raftfsm.MarshalTick(tick)
	if err != nil {
		t.Fatal(err)
	}
	return &raft.Log{Index: index, Term: term, Type: raft.LogCommand, Data: raftfsm.AppendCommand(nil, raftfsm.KindTick, 1, 0, body)}
}

func configEntry(index, term uint64, servers ...string) *raft.Log {
	var c raft.Configuration
	for _, s := range servers {
		c.Servers = append(c.Servers, raft.Server{ID: raft.ServerID(s), Address: raft.ServerAddress(s + "@h:1")})
	}
	return &raft.Log{Index: index, Term: term, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(c)}
}

func dataEntry(index, term uint64) *raft.Log {
	return &raft.Log{Index: index, Term: term, Type: raft.LogCommand, Data: raftfsm.AppendCommand(nil, raftfsm.KindPolicy, 1, 0, []byte("{}"))}
}

// TestNotebook: what it keeps while the log grows and shrinks is what a new one reads from the log.
func TestNotebook(t *testing.T) {
	for seed := range int64(50) {
		r := rand.New(rand.NewSource(seed))
		l := newLogOf()
		last, term := uint64(0), uint64(1)
		for range 200 {
			switch next := last + 1; r.Intn(10) {
			case 0:
				store(t, l, configEntry(next, term, "a.1", fmt.Sprint("b.", r.Intn(9))))
				last = next
			case 1, 2:
				notes := []raftfsm.Note{{Server: "a.1", Voter: true, Raft: "h:1", LogEnd: raftfsm.LogEnd{Term: term, Index: last}}}
				store(t, l, tickEntry(t, next, term, raftfsm.Tick{Notes: notes}))
				last = next
			case 3:
				if last > 0 && r.Intn(3) == 0 {
					from := 1 + uint64(r.Int63n(int64(last)))
					if err := l.log.DeleteRange(from, last); err != nil {
						t.Fatal(err)
					}
					last, term = from-1, term+1
				}
			default:
				store(t, l, dataEntry(next, term))
				last = next
			}
			kept, err := l.book.newest(l.LogStore)
			if err != nil {
				t.Fatal(err)
			}
			var fresh notebook
			read, err := fresh.newest(l.LogStore)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(kept.tick, read.tick) || kept.tickEnd != read.tickEnd {
				t.Fatalf("seed %d, log of %d: TICK %+v at %v is kept, %+v at %v stands in the log", seed, last, kept.tick, kept.tickEnd, read.tick, read.tickEnd)
			}
			if read.configured && !reflect.DeepEqual(kept.members(), read.members()) {
				t.Fatalf("seed %d, log of %d: configuration %v is kept, %v stands in the log", seed, last, kept.members(), read.members())
			}
		}
	}
}

func store(t *testing.T, l *logOf, e *raft.Log) {
	t.Helper()
	if err := l.log.StoreLog(e); err != nil {
		t.Fatal(err)
	}
}

// TestNotebookOldTicks: ticks of release 0.1 list no servers, and their readings are the notes.
func TestNotebookOldTicks(t *testing.T) {
	l := newLogOf()
	store(t, l, configEntry(1, 1, "a.1"))
	store(t, l, dataEntry(2, 2))
	store(t, l, tickEntry(t, 3, 2, raftfsm.Tick{Voters: 1, Readings: []raftfsm.Reading{{Node: "a", Server: "a.1", Term: 2, Index: 2}}}))
	p, err := l.book.newest(l.LogStore)
	if err != nil {
		t.Fatal(err)
	}
	note, ok := p.tick.Note("a.1")
	if !ok || note.LogEnd != (raftfsm.LogEnd{Term: 2, Index: 2}) {
		t.Errorf("note %+v, %v", note, ok)
	}
	if !p.alone("a.1") || p.alone("b.1") || !p.has("a.1") || p.has("b.1") {
		t.Errorf("members %v", p.members())
	}
}

// TestGivenUpEnd: Raft may cut the end of a log, and a node that ends just then has lost nothing.
func TestGivenUpEnd(t *testing.T) {
	l := newLogOf()
	for i := range uint64(10) {
		store(t, l, dataEntry(i+1, 4))
	}
	if err := l.log.DeleteRange(1, 5); err != nil {
		t.Fatal(err)
	}
	if l.gave != (raftfsm.LogEnd{}) {
		t.Errorf("a deleted prefix counts as given up: %v", l.gave)
	}
	if err := l.log.DeleteRange(8, 10); err != nil {
		t.Fatal(err)
	}
	if want := (raftfsm.LogEnd{Term: 4, Index: 10}); l.gave != want {
		t.Errorf("given up %v, want %v", l.gave, want)
	}
	stable := raft.NewInmemStore()
	for _, end := range []raftfsm.LogEnd{{Term: 4, Index: 10}, {Term: 3, Index: 50}} {
		if err := setGaveUp(notFound{stable}, end); err != nil {
			t.Fatal(err)
		}
	}
	if end, err := gaveUp(notFound{stable}); err != nil || end != (raftfsm.LogEnd{Term: 4, Index: 10}) {
		t.Errorf("kept %v, %v", end, err)
	}
}

// notFound answers for missing keys as the vote store does.
type notFound struct{ *raft.InmemStore }

func (s notFound) Get(key []byte) ([]byte, error) {
	if b, err := s.InmemStore.Get(key); err == nil {
		return b, nil
	}
	return nil, boltdb.ErrKeyNotFound
}
