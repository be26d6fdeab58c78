package raftfsm

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gaplessdb/gapless/raftfsm/floor"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// longLog is a log with all kinds of commands and many flush points: most because of the bytes, some by command, under a policy that changes.
func longLog(t *testing.T) []*raft.Log {
	r := newReplica(t)
	policy := DefaultPolicy()
	flushEvery := func(bytes int64) {
		policy.FlushBytes = bytes
		r.command(KindPolicy, policy)
		policy.Revision++
	}
	flushEvery(minFlushBytes)
	for i := range 1500 {
		if i == 700 {
			r.raise()
		}
		if i%50 < 3 {
			r.fake(i)
		}
		r.parts(r.term,
			Part{Batch: r.batch(fmt.Sprint("d", i%17), seqs(i/17*40, 40)...)},
			Part{Tenant: "default", Key: fmt.Sprint("k", i), Batch: r.batch("unnumbered", -1, -1)},
			Part{Batch: r.batchOf("d0", 7, i)})
		if i%3 == 0 {
			r.command(KindTick, Tick{ElapsedMS: 1000, Voters: 1, Readings: []Reading{{ClockMS: 1_700_000_000_000 + int64(i)*20_000}}})
		}
		switch i {
		case 120:
			r.configure("n1.a", "n2.b")
		case 400, 410, 900:
			r.log(AppendCommand(nil, KindFlush, commandVersion, 0, nil))
		case 600:
			flushEvery(2 * minFlushBytes)
		case 1000:
			flushEvery(minFlushBytes)
		}
	}
	r.log(AppendCommand(nil, KindFlush, commandVersion, 0, nil))
	r.parts(r.term, Part{Batch: r.batch("behind", 1, 2, 3)})
	return r.logs
}

// seqs is n numbers from first, with holes.
func seqs(first, n int) (list []int) {
	for i := range n {
		if i%11 != 3 {
			list = append(list, first+i)
		}
	}
	return list
}

// disk is what survives a restart of a flushing node.
type disk struct {
	fs     *vfs.Mem
	floors *floor.Store
	extra  Extra
}

// run applies the log from what is on the disk until it ends, or stop is reached, with a flusher beside it that gate delays. It returns
// the state and how far it applied.
func (d *disk) run(t *testing.T, logs []*raft.Log, rng *rand.Rand, stop int, gate func()) *State {
	t.Helper()
	state := NewState(d.extra)
	metrics := NewMetrics(prometheus.NewRegistry())
	discard := slog.New(slog.DiscardHandler)
	fsm := NewFSM(state, discard, metrics, func(*segment.Manifest) {}, func(err error) { t.Error(err) })
	if list, err := d.floors.List(); err != nil {
		t.Fatal(err)
	} else if len(list) > 0 {
		_, r, err := d.floors.Open(list[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := fsm.Restore(r); err != nil {
			t.Fatal(err)
		}
	}
	flusher := NewFlusher(FlusherOptions{
		State: state, FS: d.fs, Dir: "segments", Added: func(segment.Info) error { gate(); return nil },
		Wanted: func(*segment.Manifest) {}, Done: func() {}, Prune: pruneNothing, Stuck: func() {}, Floors: d.floors, Logger: discard, Metrics: metrics,
		Fatal: func(err error) { t.Error(err) },
	})
	ctx, cancel := context.WithCancel(t.Context())
	var flushing sync.WaitGroup
	flushing.Go(func() { flusher.Run(ctx) })
	for i := int(state.Index()); i < stop; {
		n := min(1+rng.IntN(8), stop-i)
		fsm.ApplyBatch(logs[i : i+n])
		i += n
	}
	if stop == len(logs) {
		for changed := state.Changed(); state.oldest() != nil; changed = state.Changed() { // the channel first: a change in between is not missed
			<-changed
		}
	}
	cancel()
	state.Close()
	flushing.Wait()
	return state
}

func pruneNothing(func(segment.Name) bool) error { return nil }

func newDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{fs: vfs.NewMem(), extra: fakeSections}
	if err := d.fs.MkdirAll("segments"); err != nil {
		t.Fatal(err)
	}
	d.open(t)
	return d
}

func (d *disk) open(t *testing.T) {
	t.Helper()
	var err error
	if d.floors, err = floor.Open(d.fs, "floors", floor.Options{Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()}); err != nil {
		t.Fatal(err)
	}
}

// TestFloorsAreAFunctionOfTheLog flushes one log on nodes of different speed, with different schedulers and collectors, that restart at
// random points, also in the middle of a flush, and compares the floors byte for byte: hash, manifest, names of all segments.
func TestFloorsAreAFunctionOfTheLog(t *testing.T) {
	logs := longLog(t)
	reference := newDisk(t)
	state := reference.run(t, logs, rand.New(rand.NewPCG(1, 1)), len(logs), func() {})
	want := reference.floors.Floors()
	var frames uint64
	state.View(func(v View) { frames = v.Manifest.Frames() + uint64(v.Head.Frames()) })
	if len(want) != 2 || len(state.manifest.Segments()) < 5 || frames == 0 {
		t.Fatalf("floors %v, %d segments, %d frames: the log is too short to prove anything", want, len(state.manifest.Segments()), frames)
	}
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 2))
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1 + rng.IntN(4)))
			defer debug.SetGCPercent(debug.SetGCPercent([]int{5, 50, 100, -1}[rng.IntN(4)]))
			pace := rand.New(rand.NewPCG(seed, 3)) // of the flusher's goroutine
			gate := func() {
				for range pace.IntN(50) {
					runtime.Gosched()
				}
			}
			d := newDisk(t)
			for range 1 + rng.IntN(6) {
				d.run(t, logs, rng, rng.IntN(len(logs)), gate)
				d.open(t)
			}
			d.run(t, logs, rng, len(logs), gate)
			if got := d.floors.Floors(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("floors\n%v\nwant those of a node that was never interrupted\n%v", got, want)
			}
		})
	}
}

// TestRestoredStateIsTheSame compares a state that was restored from floors on the way, and went on, with one that never stopped.
func TestRestoredStateIsTheSame(t *testing.T) {
	logs := longLog(t)
	whole := newDisk(t).run(t, logs, rand.New(rand.NewPCG(1, 1)), len(logs), func() {})
	d := newDisk(t)
	d.run(t, logs, rand.New(rand.NewPCG(2, 1)), len(logs)/2, func() {})
	d.open(t)
	again := d.run(t, logs, rand.New(rand.NewPCG(3, 1)), len(logs), func() {})
	for i, sec := range whole.Sections() {
		var a, b digestWriter
		if err := sec.Freeze()(&a); err != nil {
			t.Fatal(err)
		}
		if err := again.Sections()[i].Freeze()(&b); err != nil {
			t.Fatal(err)
		}
		if string(a) != string(b) {
			t.Errorf("section %s differs", sec.Name())
		}
	}
}

// TestInstallWhileApplyWaits brings a floor to a node whose apply waits for its flusher, with the restore queued behind it in the same
// goroutine, as Raft does it. The flushes that are behind must not stand in its way.
func TestInstallWhileApplyWaits(t *testing.T) {
	logs := longLog(t)
	ahead := newDisk(t)
	ahead.run(t, logs, rand.New(rand.NewPCG(1, 1)), len(logs), func() {})
	installed := ahead.floors.Floors()[0]

	d := newDisk(t)
	state := NewState(fakeSections)
	metrics, discard := NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler)
	fsm := NewFSM(state, discard, metrics, func(*segment.Manifest) {}, func(err error) { t.Error(err) })
	gate := make(chan struct{})
	flusher := NewFlusher(FlusherOptions{
		State: state, FS: d.fs, Dir: "segments", Added: func(segment.Info) error { <-gate; return nil }, Wanted: func(*segment.Manifest) {},
		Done: func() {}, Prune: pruneNothing, Stuck: func() {}, Floors: d.floors, Logger: discard, Metrics: metrics, Fatal: func(err error) { t.Error(err) },
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go flusher.Run(ctx)
	applied := make(chan error)
	received := make(chan struct{})
	go func() {
		fsm.ApplyBatch(logs[:len(logs)-10])
		<-received
		list, err := d.floors.List()
		if err == nil {
			_, r, openErr := d.floors.Open(list[0].ID)
			if err = openErr; err == nil {
				err = fsm.Restore(r)
			}
		}
		applied <- err
	}()
	for changed := state.Changed(); state.Pressure() <= pressed; changed = state.Changed() { // until two heads are sealed
		<-changed
	}
	install(t, ahead.floors, d.floors)
	close(received)
	close(gate)
	select {
	case err := <-applied:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("apply still waits for the flusher")
	}
	state.View(func(v View) {
		if v.Floor != installed.Index || v.Index != installed.Index || len(v.Sealed) != 0 {
			t.Errorf("at floor %d, index %d, %d sealed heads; want %d", v.Floor, v.Index, len(v.Sealed), installed.Index)
		}
	})
}

// install sends the newest floor of one store to another, as Raft does.
func install(t *testing.T, from, to *floor.Store) {
	t.Helper()
	list, err := from.List()
	if err != nil {
		t.Fatal(err)
	}
	m, r, err := from.Open(list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sink, err := to.Create(1, m.Index, m.Term, m.Configuration, m.ConfigurationIndex, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(sink, r); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
}

type digestWriter []byte

func (w *digestWriter) Write(b []byte) (int, error) {
	*w = append(*w, b...)
	return len(b), nil
}

var _ io.Writer = (*digestWriter)(nil)
