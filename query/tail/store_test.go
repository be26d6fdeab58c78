package tail

import (
	"context"
	"fmt"
	"sync"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/ledger/registry"
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// tester is what helpers need of *testing.T, *testing.B and *rapid.T.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Cleanup(func())
}

// startMS is 2026-11-21T10:00:00Z.
const startMS = 1795255200000

// store is a Source over a real ledger, real heads and the segments that it writes from them, fed as apply feeds them. It knows what a tail has to give.
type store struct {
	mu        sync.RWMutex // as the state machine's: protects what follows
	changed   chan struct{}
	view      query.View
	consumers *Consumers
	commitMS  int64
	floors    []uint64 // index of the manifest, and of the sealed heads
	frames    []stored // everything, in order of commit
	failure   error    // what View returns instead of a state
	broken    map[segment.Name]error
	opened    int    // readers of segments that are out
	between   func() // called after every View, without the lock: what happens while somebody reads

	fs    *vfs.Mem
	cache *segment.Cache
}

// stored is a frame as it was committed.
type stored struct {
	key  frame.StreamKey
	name query.FrameName
	id   frame.StreamID
	row  segment.Row
	file segment.Name // where it is, once it is in a segment
}

func (s *stored) position(history uint64) frame.Position { return positionOf(history, s.row.Commit()) }

func newStore() *store {
	l := ledger.New(ledger.Policy{})
	s := &store{
		changed: make(chan struct{}), commitMS: startMS, floors: []uint64{0}, fs: vfs.NewMem(), consumers: NewConsumers(),
		broken: map[segment.Name]error{}, cache: segment.NewCache(1 << 20),
	}
	s.view = query.View{AsOf: query.AsOf{History: 1, TimeMS: startMS}, Ledger: l, Head: segment.NewHead(), Registry: registry.New(l)}
	return s
}

// View implements Source.
func (s *store) View(ctx context.Context, _ query.Consistency, after frame.Position, fn func(*query.View) error) error {
	if s.between != nil {
		defer s.between()
	}
	for {
		s.mu.RLock()
		if s.view.AsOf.Index >= after.Index || s.failure != nil {
			break
		}
		changed := s.changed
		s.mu.RUnlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer s.mu.RUnlock()
	if s.failure != nil {
		return s.failure
	}
	v := s.view
	return fn(&v)
}

// Changed implements Source.
func (s *store) Changed() <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.changed
}

// Consumers implements Source.
func (s *store) Consumers(fn func(*Consumers)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	fn(s.consumers)
}

// ProposeCommand implements Proposer.
func (s *store) ProposeCommand(_ context.Context, kind uint16, version uint8, body []byte) (pos frame.Position, out []byte, err error) {
	s.change(func(index uint64) { out, err = s.consumers.Apply(index, 1, s.commitMS, kind, version, body) })
	return pos, out, err
}

// change applies something at the next index.
func (s *store) change(fn func(index uint64)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commitMS++
	s.view.AsOf.Index++
	s.view.AsOf.TimeMS = s.commitMS
	fn(s.view.AsOf.Index)
	s.signal()
}

func (s *store) signal() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// sent is a frame as a test writes it down.
type sent struct {
	tenant, device, stream string
	frame.Frame
}

// put commits the frames as one entry.
func (s *store) put(t tester, frames ...sent) {
	t.Helper()
	batch := encode(t, frames)
	s.change(func(index uint64) { s.apply(t, index, batch) })
}

// encode makes a batch of frames.
func encode(t tester, frames []sent) []byte {
	t.Helper()
	var b frame.Builder
	b.Reset(frame.Header{ReceiveMS: startMS, Node: "n1", Listener: "http"})
	for i := range frames {
		f := &frames[i]
		id, err := b.Stream(frame.StreamKey{Tenant: f.tenant, Device: f.device, Stream: f.stream})
		if f.Class == 0 {
			f.Class = frame.ClassEvent
		}
		f.NoTime = f.TimeNS == 0
		if err == nil {
			err = b.Add(frame.Group{Stream: id, Bits: 64}, &f.Frame)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	batch, err := b.Finish(nil)
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

func (s *store) apply(t tester, index uint64, batch []byte) {
	l := s.view.Ledger
	batch, err := frame.Rebase(nil, batch, func(d frame.Def) (frame.StreamID, bool) {
		id, err := l.Intern(d.Key)
		if err != nil {
			t.Fatal(err)
		}
		return id, false
	})
	var rd frame.Reader
	if err == nil {
		err = rd.Reset(batch)
	}
	if err != nil {
		t.Fatal(err)
	}
	var g frame.Group
	var it frame.Item
	for ordinal := uint32(0); rd.NextGroup(&g); {
		for rd.Next(&it) {
			out := l.Arrive(&g, startMS, s.commitMS, &it)
			if out.Status != ledger.Stored {
				continue
			}
			row := segment.Row{
				Seq: out.Seq, TimeNS: it.TimeNS, ReceiveMS: startMS, Class: it.Class, Index: index, Ordinal: ordinal, Fingerprint: it.Fingerprint, Body: it.Body,
			}
			if !s.view.Head.Append(g.Stream, out.Epoch, row) {
				t.Fatalf("the head has %d of stream %d already", out.Seq, g.Stream)
			}
			key, _ := l.Key(g.Stream)
			s.frames = append(s.frames, stored{key: key, name: newName(key, out.Epoch, "").shown, id: g.Stream, row: row})
			ordinal++
		}
	}
}

// want is what a tail of the tenant has to give behind a place: lines of JSON.
func (s *store) want(after segment.Commit, f *filter, show query.Shown) (lines []string) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	enc := query.NewFrameEncoder(s.view.AsOf.History, show)
	for i := range s.frames {
		one := &s.frames[i]
		if after.Before(one.row.Commit()) && f.takes(&one.key) && (f.class == 0 || f.class == one.row.Class) {
			lines = append(lines, string(enc.Append(nil, &one.name, &segment.Record{Row: one.row})))
		}
	}
	return lines
}

// positions lists where frames were committed.
func (s *store) positions() (list []frame.Position) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for i := range s.frames {
		list = append(list, s.frames[i].position(s.view.AsOf.History))
	}
	return list
}

// simple is a frame of tenant acme.
func simple(device string, seq uint64) sent {
	return sent{"acme", device, "0", frame.Frame{
		Seq: seq, TimeNS: (startMS + int64(seq)) * 1e6, Fields: []frame.Field{{Name: "v", Value: frame.Int(int64(seq))}},
	}}
}

func device(i int) string { return fmt.Sprintf("mill-%02d", i) }
