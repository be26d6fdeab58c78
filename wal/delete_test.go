package wal

import (
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/hashicorp/raft"
)

// entries is a range of indexes; the zero value is none.
type entries struct{ first, last uint64 }

// deleteTests delete from a log that holds 10..40, in several files.
var deleteTests = []struct {
	name   string
	lo, hi uint64
	floor  uint64
	want   entries
	fails  bool
}{
	{name: "below", lo: 1, hi: 9, floor: 100, want: entries{10, 40}},
	{name: "above", lo: 41, hi: 50, floor: 100, want: entries{10, 40}},
	{name: "reversed", lo: 20, hi: 10, floor: 100, want: entries{10, 40}},
	{name: "hole", lo: 11, hi: 39, floor: 100, want: entries{10, 40}, fails: true},

	{name: "prefix", lo: 10, hi: 25, floor: 100, want: entries{26, 40}},
	{name: "prefix from below", lo: 0, hi: 25, floor: 100, want: entries{26, 40}},
	{name: "prefix of one", lo: 10, hi: 10, floor: 100, want: entries{11, 40}},
	{name: "prefix, all but one", lo: 10, hi: 39, floor: 100, want: entries{40, 40}},
	{name: "prefix, no floor", lo: 10, hi: 25, floor: 0, want: entries{10, 40}},
	{name: "prefix over the floor", lo: 10, hi: 25, floor: 20, want: entries{20, 40}},
	{name: "prefix to the floor", lo: 10, hi: 20, floor: 20, want: entries{20, 40}},
	{name: "prefix to below the floor", lo: 10, hi: 19, floor: 20, want: entries{20, 40}},
	{name: "prefix, floor is the first", lo: 10, hi: 25, floor: 10, want: entries{10, 40}},
	{name: "prefix, floor is the second", lo: 10, hi: 25, floor: 11, want: entries{11, 40}},
	{name: "prefix, old floor", lo: 10, hi: 25, floor: 5, want: entries{10, 40}},

	{name: "suffix", lo: 30, hi: 40, floor: 100, want: entries{10, 29}},
	{name: "suffix over the end", lo: 30, hi: 1000, floor: 100, want: entries{10, 29}},
	{name: "suffix below the floor", lo: 12, hi: 40, floor: 35, want: entries{10, 11}},
	{name: "suffix, no floor", lo: 11, hi: 40, floor: 0, want: entries{10, 10}},
	{name: "suffix of one", lo: 40, hi: 40, floor: 0, want: entries{10, 39}},

	{name: "wipe", lo: 10, hi: 40, floor: 100},
	{name: "wipe above the floor", lo: 10, hi: 40, floor: 20},
	{name: "wipe without floor", lo: 10, hi: 40, floor: 0},
	{name: "wipe and more", lo: 0, hi: 1 << 60, floor: 0},
}

func TestDeleteRange(t *testing.T) {
	all := makeEntries(10, 40, 1, 400)
	for _, tt := range deleteTests {
		t.Run(tt.name, func(t *testing.T) {
			m := vfs.NewMem()
			l := mustOpen(t, m, smallOptions())
			for _, e := range all {
				mustStore(t, l, e)
			}
			l.SetFloor(tt.floor)
			if err := l.DeleteRange(tt.lo, tt.hi); (err != nil) != tt.fails {
				t.Fatalf("DeleteRange: %v", err)
			}
			var want []*raft.Log
			if tt.want.first > 0 {
				want = all[tt.want.first-10 : tt.want.last-10+1]
			}
			wantContents(t, l, want)
			got, err := reopened(powerCut(m), smallOptions())
			must(t, err)
			if d := diff(got, want); d != "" {
				t.Errorf("after a power cut: %s", d)
			}
			next := uint64(500) // an empty log starts anywhere
			if len(want) > 0 {
				next = tt.want.last + 1
			}
			mustStore(t, l, makeEntries(next, next+20, 2, 400)...)
			got, err = reopened(powerCut(m), smallOptions())
			must(t, err)
			if d := diff(got, append(want[:len(want):len(want)], makeEntries(next, next+20, 2, 400)...)); d != "" {
				t.Errorf("after writing on: %s", d)
			}
		})
	}
	t.Run("empty", func(t *testing.T) {
		l := mustOpen(t, vfs.NewMem(), smallOptions())
		must(t, l.DeleteRange(0, 0))
		must(t, l.DeleteRange(1, 100))
		wantContents(t, l, nil)
	})
}

// Raft truncates, appends entries of the same length, and crashes, again and again: no entry of an old suffix ever comes back.
func TestOldSuffixStaysGone(t *testing.T) {
	m := vfs.NewMem()
	l := mustOpen(t, m, smallOptions())
	es := makeEntries(1, 12, 1, 600)
	for _, e := range es {
		mustStore(t, l, e)
	}
	for term := uint64(2); term < 40; term++ {
		from := 3 + term%9
		must(t, l.DeleteRange(from, uint64(len(es))))
		es = es[: from-1 : from-1]
		for i := range term % 3 { // less than was there, so the rest of the old suffix would follow
			e := makeEntry(from+i, term, 600)
			es = append(es, e)
			mustStore(t, l, e)
		}
		got, err := reopened(powerCut(m), smallOptions())
		must(t, err)
		if d := diff(got, es); d != "" {
			t.Fatalf("term %d: %s", term, d)
		}
		if term%5 == 0 {
			m = kill(m)
			l = mustOpen(t, m, smallOptions())
		}
		for uint64(len(es)) < 12 {
			e := makeEntry(uint64(len(es)+1), term, 600)
			es = append(es, e)
			mustStore(t, l, e)
		}
	}
	wantContents(t, l, es)
}

// appendAndCompact stores first..last and deletes all but the last entry every 20 entries, as flushes do.
func appendAndCompact(t *testing.T, l *Log, first, last uint64) {
	for i := first; i <= last; i++ {
		mustStore(t, l, makeEntry(i, 1, 1000))
		if i%20 == 0 {
			l.SetFloor(i)
			must(t, l.DeleteRange(1, i-1))
		}
	}
}

// In its stride a log makes no new files, and does not grow.
func TestRecycling(t *testing.T) {
	for spares, limit := range map[int]int{2: 300 / 20 * 3, 100: 8} { // 20 entries are 5 files; of those, 2 or all may be kept
		m := vfs.NewMem()
		opt := smallOptions()
		opt.SpareFiles = spares
		l := mustOpen(t, m, opt)
		appendAndCompact(t, l, 1, 100)
		created := 0
		m.Inject(func(op vfs.Op) error {
			if op.Kind == vfs.OpCreate && strings.HasSuffix(op.Name, fileSuffix) {
				created++
			}
			return nil
		})
		appendAndCompact(t, l, 101, 400)
		if created > limit {
			t.Errorf("%d spares: %d files were made new, want at most %d", spares, created, limit)
		}
		if n := len(list(t, m, fileSuffix)); n > 15 {
			t.Errorf("%d spares: %d files", spares, n)
		}
		want := makeEntries(400, 400, 1, 1000)
		wantContents(t, l, want)
		got, err := reopened(powerCut(m), smallOptions())
		must(t, err)
		if d := diff(got, want); d != "" {
			t.Error(d)
		}
	}
}

// Of the files that a large deletion sets free, no more are kept than may be.
func TestSparesAreTrimmed(t *testing.T) {
	m := vfs.NewMem()
	l := mustOpen(t, m, smallOptions())
	for i := uint64(1); i <= 100; i++ {
		mustStore(t, l, makeEntry(i, 1, 1000))
	}
	l.SetFloor(100)
	must(t, l.DeleteRange(1, 99))
	if names := list(t, m, fileSuffix); len(names) != 4 { // active, prepared, two spares
		t.Errorf("left are %v", names)
	}
	wantContents(t, l, makeEntries(100, 100, 1, 1000))
}

// Raft's compaction, up to an index below the last it saw, comes between a truncation to that index and the append that follows:
// it must not be taken for a wipe.
func TestCompactionAfterTruncation(t *testing.T) {
	l := mustOpen(t, vfs.NewMem(), smallOptions())
	all := makeEntries(10, 40, 1, 400)
	mustStore(t, l, all...)
	l.SetFloor(20)
	must(t, l.DeleteRange(31, 40))
	must(t, l.DeleteRange(10, 30)) // asked for when the log reached to 40
	wantContents(t, l, all[10:21])
	must(t, l.DeleteRange(20, 30))
	wantContents(t, l, all[10:21])
	mustStore(t, l, makeEntry(31, 2, 400))
	must(t, l.DeleteRange(20, 31)) // after an install
	wantContents(t, l, nil)
}
