package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// flushing is a flusher that runs in a bubble beside the test, on a state with heads to flush.
type flushing struct {
	*disk
	state   *State
	fsm     *FSM
	metrics *Metrics
	began   time.Time

	mu       sync.Mutex // protects what follows
	attempts []time.Duration
	stuck    int
	fatal    error
	done     int
	prune    func(func(segment.Name) bool) error
}

// shortLog ends with n flush points, each behind some frames.
func shortLog(t *testing.T, n int) []*raft.Log {
	r := newReplica(t)
	for i := range n {
		r.parts(r.term, Part{Batch: r.batch("d", seqs(100*i, 100)...)})
		r.log(AppendCommand(nil, KindFlush, commandVersion, 0, nil))
	}
	return r.logs
}

// startFlushing applies the log and lets a flusher run until the test ends.
func startFlushing(t *testing.T, logs []*raft.Log, prepare func(f *flushing)) *flushing {
	t.Helper()
	f := &flushing{disk: newDisk(t), state: NewState(nil), metrics: NewMetrics(prometheus.NewRegistry()), began: time.Now(), prune: pruneNothing}
	discard := slog.New(slog.DiscardHandler)
	f.fsm = NewFSM(f.state, discard, f.metrics, func(*segment.Manifest) {}, func(err error) { t.Error(err) })
	f.fsm.ApplyBatch(logs)
	prepare(f)
	flusher := NewFlusher(FlusherOptions{
		State: f.state, FS: f.fs, Dir: "segments", Floors: f.floors, Logger: discard, Metrics: f.metrics,
		Added: func(segment.Info) error { return nil }, Wanted: func(*segment.Manifest) {},
		Prune: func(keep func(segment.Name) bool) error { return f.prune(keep) },
		Done:  func() { f.note(func() { f.done++ }) },
		Stuck: func() { f.note(func() { f.stuck++ }) },
		Fatal: func(err error) { f.note(func() { f.fatal = err }) },
	})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { flusher.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return f
}

func (f *flushing) note(fn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fn()
}

// observe notes when a flush begins to write, and lets fault decide what becomes of its writes.
func (f *flushing) observe(fault func(op vfs.Op) error) {
	f.fs.Inject(func(op vfs.Op) error {
		if op.Kind == vfs.OpCreate && strings.HasSuffix(op.Name, segment.TempExtension) && strings.HasPrefix(op.Name, "segments") {
			f.note(func() { f.attempts = append(f.attempts, time.Since(f.began)) })
		}
		return fault(op)
	})
}

// pass lets fake time go by, and then everybody finish.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func fullDisk(op vfs.Op) error {
	if op.Kind == vfs.OpWrite {
		return syscall.ENOSPC
	}
	return nil
}

// A full disk does not make a flush write its segment every second, and it is noticed every second that somebody else should lead.
func TestFlushWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startFlushing(t, shortLog(t, 1), func(f *flushing) { f.observe(fullDisk) })
		pass(100*time.Second + time.Millisecond)
		f.note(func() {
			want := []time.Duration{0, 1, 3, 7, 15, 31, 61, 91}
			for i := range want {
				want[i] *= time.Second
			}
			if fmt.Sprint(f.attempts) != fmt.Sprint(want) || testutil.ToFloat64(f.metrics.FlushErrors) != float64(len(want)) {
				t.Errorf("attempts at %v, want %v", f.attempts, want)
			}
			if f.stuck < 100 || f.stuck > 110 || f.fatal != nil || f.done != 0 {
				t.Errorf("told %d times in 100 s that it is stuck; fatal %v", f.stuck, f.fatal)
			}
			f.observe(func(vfs.Op) error { return nil })
		})
		pass(maxFlushWait)
		if f.state.Pressure() != 0 || f.done != 1 {
			t.Errorf("not flushed although there is room: pressure %d", f.state.Pressure())
		}
	})
}

// Room that comes back is used within a second, and a little of it is no reason to write a segment.
func TestFlushWakesWhenThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const used = 1 << 20
		f := startFlushing(t, shortLog(t, 1), func(f *flushing) {
			f.fs.SetCapacity(used)
			f.observe(fullDisk)
		})
		pass(32 * time.Second) // the next attempt is due at 61 s
		f.fs.SetCapacity(used + 1)
		pass(10 * time.Second)
		f.note(func() {
			if len(f.attempts) != 6 {
				t.Errorf("attempts at %v: one byte more is no room", f.attempts)
			}
			f.observe(func(vfs.Op) error { return nil })
		})
		f.fs.SetCapacity(2 * used)
		pass(minFlushWait + time.Millisecond)
		f.note(func() {
			if f.done != 1 {
				t.Errorf("not flushed a second after there is room: attempts at %v", f.attempts)
			}
		})
	})
}

// A head of a state that was replaced is not waited for, and does not make the next one wait.
func TestRestoreEndsTheWait(t *testing.T) {
	logs := shortLog(t, 3)
	ahead := newDisk(t)
	ahead.run(t, logs, rand.New(rand.NewPCG(1, 1)), len(logs), func() {})
	synctest.Test(t, func(t *testing.T) {
		full := true
		f := startFlushing(t, logs[:5], func(f *flushing) {
			f.observe(func(op vfs.Op) error {
				if full && strings.HasPrefix(op.Name, "segments") {
					return fullDisk(op)
				}
				return nil
			})
		})
		pass(32 * time.Second)
		install(t, ahead.floors, f.floors)
		list, err := f.floors.List()
		if err != nil {
			t.Fatal(err)
		}
		_, r, err := f.floors.Open(list[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.fsm.Restore(r); err != nil {
			t.Fatal(err)
		}
		full = false
		more := newReplica(t)
		more.logs, more.index = nil, logs[len(logs)-1].Index
		more.log(AppendCommand(nil, KindFlush, commandVersion, 0, nil))
		f.fsm.ApplyBatch(more.logs)
		pass(minFlushWait)
		f.note(func() {
			if f.done != 1 || f.fatal != nil {
				t.Errorf("the state that was installed is not flushed; fatal %v", f.fatal)
			}
		})
	})
}

// Whatever else fails ends the node: nothing is tried twice on a disk that failed.
func TestFlushThatFailsIsFatal(t *testing.T) {
	for _, op := range []vfs.Kind{vfs.OpCreate, vfs.OpWrite, vfs.OpSync, vfs.OpRename, vfs.OpSyncDir} {
		synctest.Test(t, func(t *testing.T) {
			f := startFlushing(t, shortLog(t, 1), func(f *flushing) { f.observe(vfs.FailNth(op, 1, syscall.EIO)) })
			pass(time.Minute)
			f.note(func() {
				if !errors.Is(f.fatal, syscall.EIO) || f.done != 0 || len(f.attempts) > 1 {
					t.Errorf("%s fails: fatal %v, %d floors, %d attempts", op, f.fatal, f.done, len(f.attempts))
				}
			})
		})
	}
}
