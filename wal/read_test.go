package wal

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// countReads counts the reads of log files from now on, and their bytes.
func countReads(m *vfs.Mem) (reads, size *atomic.Int64) {
	reads, size = new(atomic.Int64), new(atomic.Int64)
	m.Inject(func(op vfs.Op) error {
		if op.Kind == vfs.OpRead && strings.HasSuffix(op.Name, fileSuffix) {
			reads.Add(1)
			size.Add(int64(op.Len))
		}
		return nil
	})
	return reads, size
}

// The newest entries are read from memory, and no more than the limit is kept there, however large or small they are.
func TestTailCache(t *testing.T) {
	for _, size := range []int{0, 10, 1000, 40_000} {
		m := vfs.NewMem()
		opt := Options{TailCacheBytes: 100_000, Inline: true, PrefillBytes: -1, Metrics: prometheus.NewRegistry()}
		l := mustOpen(t, m, opt)
		var es []*raft.Log
		for i := uint64(1); i <= 200; i++ {
			e := &raft.Log{Index: i, Term: 1, Data: bytes.Repeat([]byte{byte(i)}, size)}
			es = append(es, e)
			mustStore(t, l, e)
			held := int64(0)
			for _, c := range l.tail.chunks {
				held += int64(cap(c.buf))
			}
			if held != l.tail.bytes || held > opt.TailCacheBytes {
				t.Fatalf("%d bytes held, %d counted, limit %d", held, l.tail.bytes, opt.TailCacheBytes)
			}
		}
		reads, _ := countReads(m)
		oldest := l.tail.chunks[0].first
		for i := oldest; i <= 200; i++ {
			var got raft.Log
			must(t, l.GetLog(i, &got))
			if !equalEntry(&got, es[i-1]) {
				t.Fatalf("entry %d is %v", i, got)
			}
		}
		if reads.Load() != 0 || oldest == 200 && size < 40_000 {
			t.Errorf("size %d: entries from %d on are cached, and needed %d reads", size, oldest, reads.Load())
		}
		must(t, l.GetLog(oldest-1, new(raft.Log)))
		if reads.Load() != 1 || testutil.ToFloat64(l.metrics.misses) != 1 || testutil.ToFloat64(l.metrics.hits) != float64(201-oldest) {
			t.Errorf("size %d: an old entry took %d reads; %v hits, %v misses", size, reads.Load(),
				testutil.ToFloat64(l.metrics.hits), testutil.ToFloat64(l.metrics.misses))
		}
		must(t, l.Close())
	}
}

// After a wipe the log may begin at lower indexes, and nothing that was there before is in the way of the new entries.
func TestTailCacheAfterWipe(t *testing.T) {
	opt := smallOptions()
	opt.TailCacheBytes = 1 << 20
	l := mustOpen(t, vfs.NewMem(), opt)
	mustStore(t, l, makeEntries(98, 102, 1, 10)...)
	l.SetFloor(100)
	must(t, l.DeleteRange(98, 99))
	must(t, l.DeleteRange(100, 102))
	for i := uint64(1); i <= 9; i++ {
		mustStore(t, l, makeEntry(i, 2, 10))
	}
	wantContents(t, l, makeEntries(1, 9, 2, 10))
	if n := testutil.ToFloat64(l.metrics.misses); n != 0 || l.tail.chunks[0].first != 1 {
		t.Errorf("%v of 9 new entries were not cached; the oldest that is, is %d", n, l.tail.chunks[0].first)
	}
}

// A replay reads each byte once, in large pieces, also while other readers do the same elsewhere; a single old entry costs its own bytes.
func TestReadAhead(t *testing.T) {
	m := vfs.NewMem()
	opt := Options{FileBytes: 4 << 20, TailCacheBytes: -1, Inline: true, PrefillBytes: -1}
	l := mustOpen(t, m, opt)
	const n, size = 2000, 8000
	for i := uint64(1); i <= n; i += 10 {
		mustStore(t, l, makeEntries(i, i+9, 1, size)...)
	}
	bytesStored := int64(0)
	for i := uint64(1); i <= n; i++ {
		bytesStored += recordSize(makeEntry(i, 1, size))
	}
	reads, read := countReads(m)
	for i := uint64(1); i <= n/2; i++ { // two readers in turn
		must(t, l.GetLog(i, new(raft.Log)))
		must(t, l.GetLog(i+n/2, new(raft.Log)))
	}
	if r, b := reads.Load(), read.Load(); r > bytesStored/windowSize+20 || b > bytesStored+bytesStored/4 {
		t.Errorf("a replay of %d bytes took %d reads of %d bytes", bytesStored, r, b)
	}
	l.ahead.forget()
	reads.Store(0)
	read.Store(0)
	for i := uint64(n); i > n-100; i -= 5 { // backwards: nothing follows anything
		must(t, l.GetLog(i, new(raft.Log)))
	}
	if b := read.Load(); b > 20*(size+100) {
		t.Errorf("20 single reads took %d bytes", b)
	}
}

// Damage that happens under an open log is reported with its place, and never served.
func TestCorruptRead(t *testing.T) {
	m := vfs.NewMem()
	opt := smallOptions()
	opt.TailCacheBytes = -1
	l := mustOpen(t, m, opt)
	want := makeEntries(1, 20, 1, 500)
	for _, e := range want {
		mustStore(t, l, e)
	}
	f := find(l.files, 6)
	off, end := f.extent(6)
	for i := off; i < end; i++ {
		must(t, m.Flip(f.path, i, uint(i%8)))
		l.ahead.forget()
		var c *CorruptError
		if err := l.GetLog(6, new(raft.Log)); !errors.As(err, &c) || !errors.Is(err, ErrCorrupt) || c.Path != f.path || c.Offset != off {
			t.Fatalf("byte %d of %s: %v", i, f.path, err)
		}
		must(t, m.Flip(f.path, i, uint(i%8)))
	}
	l.ahead.forget()
	wantContents(t, l, want)
	m.Inject(vfs.FailKind(vfs.OpRead, errors.New("sick")))
	l.ahead.forget()
	err := l.GetLog(6, new(raft.Log))
	for _, other := range []error{nil, ErrCorrupt, ErrPoisoned, raft.ErrLogNotFound} {
		if errors.Is(err, other) {
			t.Errorf("a failed read is %v", err)
		}
	}
	m.Inject(nil)
	wantContents(t, l, want)
}

// What a read returned stays as it is: its memory is not used again when files are recycled, and an append to it copies.
func TestReadsAreStable(t *testing.T) {
	l := mustOpen(t, vfs.NewMem(), smallOptions())
	want := makeEntries(1, 40, 1, 300)
	for _, e := range want {
		mustStore(t, l, e)
	}
	got, err := contents(l)
	must(t, err)
	for _, e := range got {
		_ = append(append(e.Data, "overwritten"...), e.Extensions...)
		_ = append(e.Extensions, "overwritten"...)
	}
	l.SetFloor(100)
	must(t, l.DeleteRange(1, 39))
	for i := uint64(41); i < 100; i++ {
		mustStore(t, l, makeEntry(i, 2, 300))
	}
	if d := diff(got, want); d != "" {
		t.Error(d)
	}
}

// Readers run through files that are dropped and recycled at the same time, and see the entry or nothing.
func TestReadsDuringEverything(t *testing.T) {
	m := vfs.NewMem()
	opt := smallOptions()
	opt.Inline, opt.TailCacheBytes = false, 2<<10
	l := mustOpen(t, m, opt)
	var stop atomic.Bool
	var wg sync.WaitGroup
	for seed := range uint64(4) {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, 1))
			for !stop.Load() {
				if err := readSomewhere(l, r); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Go(func() { // as raft compacts: not up to where it may still truncate
		for !stop.Load() {
			first, _ := l.FirstIndex()
			last, _ := l.LastIndex()
			if last-first > 60 {
				l.SetFloor(last - 30)
				if err := l.DeleteRange(first, last-10); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for i := uint64(1); i < 1500; i++ {
		mustStore(t, l, makeEntry(i, 1, 300))
		if i%100 == 0 {
			must(t, l.DeleteRange(i-2, i))
			i -= 3
			mustStore(t, l, makeEntry(i+1, 1, 300), makeEntry(i+2, 1, 300), makeEntry(i+3, 1, 300))
			i += 3
		}
	}
	stop.Store(true)
	wg.Wait()
	got, err := contents(l)
	must(t, err)
	must(t, l.Close())
	again, err := reopened(m, opt)
	must(t, err)
	if d := diff(again, got); d != "" {
		t.Error(d)
	}
}

// readSomewhere reads ten entries from a random place on.
func readSomewhere(l *Log, r *rand.Rand) error {
	first, err := l.FirstIndex()
	if err != nil {
		return err
	}
	from := first + r.Uint64N(80)
	for i := from; i < from+10; i++ {
		var got raft.Log
		err := l.GetLog(i, &got)
		if err == raft.ErrLogNotFound {
			continue
		}
		if err != nil {
			return err
		}
		if !equalEntry(&got, makeEntry(i, 1, 300)) {
			return errors.New("another entry: " + got.Type.String())
		}
	}
	return nil
}
