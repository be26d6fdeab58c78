package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/ledger/registry"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// store is a Source over a real ledger and real heads, fed as apply feeds them: batches in the replicated form, one index each; and an
// Opener of the segments that it writes from them.
type store struct {
	mu       sync.RWMutex
	applied  sync.Cond
	view     View
	commitMS int64
	failure  error      // what View returns instead of a state
	between  func()     // called after every View, without the lock: what happens while a question is being answered
	askedMu  sync.Mutex // protects asked
	asked    []Consistency

	fs      *vfs.Mem
	floors  []uint64 // indexes at which the sealed heads were sealed, after that of the manifest
	broken  map[segment.Name]error
	written map[segment.Name]*segment.Head // what segments were written from
	failing error                          // what every read of a file returns
	cache   *segment.Cache
	opened  int                // segments that are open
	viewing atomic.Int32       // Views that are being looked at,
	crowded bool               // by several goroutines
	watch   func(offset int64) // called before every read of a file
}

// tester is what helpers need of *testing.T, *testing.B and *rapid.T.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// startMS is 2026-11-21T10:00:00Z.
const startMS = 1795255200000

func newStore(policy ledger.Policy) *store {
	s := &store{commitMS: startMS, fs: vfs.NewMem(), floors: []uint64{0}, broken: map[segment.Name]error{}}
	s.applied.L = s.mu.RLocker()
	s.view = View{AsOf: AsOf{History: 1, TimeMS: startMS}, Ledger: ledger.New(policy), Head: segment.NewHead()}
	s.view.Registry = registry.New(s.view.Ledger)
	return s
}

// register sets what is registered of devices, each as the API takes it.
func (s *store) register(t tester, tenant string, devices ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.applied.Broadcast()
	s.view.AsOf.Index++
	s.view.AsOf.TimeMS = s.commitMS
	body := fmt.Sprintf(`{"tenant":%q,"devices":[%s]}`, tenant, strings.Join(devices, ","))
	_, err := s.view.Registry.Apply(s.view.AsOf.Index, 1, s.commitMS, registry.KindSet, registry.CommandVersion, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
}

// View waits for the position and calls fn under the read lock.
func (s *store) View(ctx context.Context, c Consistency, after frame.Position, fn func(*View) error) error {
	stop := context.AfterFunc(ctx, func() {
		s.mu.Lock()
		s.applied.Broadcast()
		s.mu.Unlock()
	})
	defer stop()
	if s.between != nil {
		defer s.between()
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.askedMu.Lock()
	s.asked = append(s.asked, c)
	s.askedMu.Unlock()
	for s.view.AsOf.position().Compare(after) < 0 && ctx.Err() == nil {
		s.applied.Wait()
	}
	if s.failure != nil {
		return s.failure
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	view := s.view
	s.viewing.Add(1)
	defer s.viewing.Add(-1)
	return fn(&view)
}

// sent is a frame as a test writes it down.
type sent struct {
	tenant, device, stream, epoch string
	seq                           uint64
	group                         frame.Group // Epoch and Stream are filled in
	frame.Frame
}

// put commits the frames as one batch.
func (s *store) put(t tester, frames ...sent) {
	t.Helper()
	var b frame.Builder
	b.Reset(frame.Header{ReceiveMS: s.commitMS, Node: "n1", Listener: "http"})
	for i := range frames {
		f := &frames[i]
		id, err := b.Stream(frame.StreamKey{Tenant: f.tenant, Device: f.device, Stream: f.stream})
		if err != nil {
			t.Fatal(err)
		}
		f.group.Stream, f.group.Epoch = id, f.epoch
		if f.group.Bits == 0 {
			f.group.Bits = 64
		}
		if f.Class == 0 {
			f.Class = frame.ClassEvent
		}
		if f.TimeNS == 0 {
			f.NoTime = true
		}
		f.Seq = f.seq
		if err := b.Add(f.group, &f.Frame); err != nil {
			t.Fatal(err)
		}
	}
	batch, err := b.Finish(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.commit(t, batch)
}

// commit applies one batch as the state machine does.
func (s *store) commit(t tester, batch []byte) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.applied.Broadcast()
	s.view.AsOf.Index++
	s.view.AsOf.TimeMS = s.commitMS
	batch, err := frame.Rebase(nil, batch, func(d frame.Def) (frame.StreamID, bool) {
		id, err := s.view.Ledger.Intern(d.Key)
		if err != nil {
			t.Fatal(err)
		}
		return id, false
	})
	if err != nil {
		t.Fatal(err)
	}
	var rd frame.Reader
	if err := rd.Reset(batch); err != nil {
		t.Fatal(err)
	}
	var g frame.Group
	var it frame.Item
	for ordinal := uint32(0); rd.NextGroup(&g); {
		for rd.Next(&it) {
			if s.arrive(&g, &it, rd.Header().ReceiveMS, ordinal) {
				ordinal++
			}
		}
	}
	for rej := range rd.Rejects() {
		s.view.Ledger.Reject(&rej.Group, rej.Seq, rd.Header().ReceiveMS, s.commitMS, rej.Cause)
	}
}

func (s *store) arrive(g *frame.Group, it *frame.Item, receiveMS int64, ordinal uint32) bool {
	out := s.view.Ledger.Arrive(g, receiveMS, s.commitMS, it)
	if out.Status != ledger.Stored {
		return false
	}
	var flags segment.Flags
	for flag, on := range map[segment.Flags]bool{
		segment.FlagNoTime: it.NoTime, segment.FlagSkew: out.Skew, segment.FlagLate: out.Late,
		segment.FlagWrapAmbiguous: out.WrapAmbiguous, segment.FlagProbation: out.Probation, segment.FlagServerSeq: g.Unseq,
	} {
		if on {
			flags |= flag
		}
	}
	return s.view.Head.Append(g.Stream, out.Epoch, segment.Row{
		Seq: out.Seq, TimeNS: it.TimeNS, ReceiveMS: receiveMS, Class: it.Class, Flags: flags,
		Index: s.view.AsOf.Index, Ordinal: ordinal, Fingerprint: it.Fingerprint, Body: it.Body,
	})
}

// change applies something else to the ledger at the next index.
func (s *store) change(fn func(*ledger.Ledger)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view.AsOf.Index++
	s.view.AsOf.TimeMS = s.commitMS
	fn(s.view.Ledger)
	s.applied.Broadcast()
}

// settle lets the grace of all gaps end.
func (s *store) settle() {
	s.commitMS += s.view.Ledger.Policy().GraceMS
	s.change(func(l *ledger.Ledger) {
		for l.Tick(s.commitMS, false) > 0 {
		}
	})
}

// id is the stream's, which exists.
func (s *store) id(t tester, tenant, device, stream string) frame.StreamID {
	t.Helper()
	id, ok := s.view.Ledger.ID(frame.StreamKey{Tenant: tenant, Device: device, Stream: stream})
	if !ok {
		t.Fatalf("no stream %s/%s/%s", tenant, device, stream)
	}
	return id
}

// seal makes the head immutable and begins a new one, as a flush point does.
func (s *store) seal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view.Sealed = append(slices.Clone(s.view.Sealed), s.view.Head)
	s.view.Head = segment.NewHead()
	s.floors = append(s.floors, s.view.AsOf.Index)
}

// flush writes the oldest sealed head into a segment, as the flusher does: readers see the head until the segment is there.
func (s *store) flush(t tester) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.view.Sealed) == 0 {
		return
	}
	opt := segment.Options{Cluster: "test", History: 1, FirstIndex: s.floors[0] + 1, LastIndex: s.floors[1]}
	info, err := segment.Write(s.fs, ".", opt, s.view.Sealed[0], s.view.Ledger.Key)
	switch {
	case err == nil:
		s.view.Manifest = s.view.Manifest.With(info)
		if s.written == nil {
			s.written = map[segment.Name]*segment.Head{}
		}
		s.written[info.Name] = s.view.Sealed[0]
	case !errors.Is(err, segment.ErrEmpty):
		t.Fatal(err)
	}
	s.view.Sealed = slices.Clone(s.view.Sealed[1:])
	s.floors = s.floors[1:]
}

// rewrite puts another segment with the same rows in the place of the oldest one, as a merge does, and takes that away.
func (s *store) rewrite(t tester) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.view.Manifest.Segments()
	old := list[0]
	opt := segment.Options{Cluster: "rewritten " + old.Name.String(), History: 1, FirstIndex: old.FirstIndex, LastIndex: old.LastIndex}
	info, err := segment.Write(s.fs, ".", opt, s.written[old.Name], s.view.Ledger.Key)
	if err != nil {
		t.Fatal(err)
	}
	s.view.Manifest = (*segment.Manifest)(nil).With(append(slices.Clone(list[1:]), info)...)
	s.written[info.Name] = s.written[old.Name]
	s.broken[old.Name] = errors.New("merged away")
}

// watched is a file that nobody may read under the lock.
type watched struct {
	s *store
	f vfs.File
}

func (w watched) ReadAt(b []byte, at int64) (int, error) {
	if !w.s.crowded && w.s.viewing.Load() > 0 {
		return 0, errors.New("a file is read under the lock")
	}
	if w.s.watch != nil {
		w.s.watch(at)
	}
	if w.s.failing != nil {
		return 0, w.s.failing
	}
	return w.f.ReadAt(b, at)
}

// Open is Opener's.
func (s *store) Open(name segment.Name) (*segment.Reader, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.broken[name]; err != nil {
		return nil, nil, err
	}
	f, err := s.fs.Open(name.FileName())
	if err != nil {
		return nil, nil, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, nil, err
	}
	r, err := segment.NewReader(watched{s, f}, size, segment.ReaderOptions{Path: name.FileName(), Name: name, Cache: s.cache})
	if err != nil {
		return nil, nil, err
	}
	s.opened++
	return r, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.opened--
		f.Close()
	}, nil
}
