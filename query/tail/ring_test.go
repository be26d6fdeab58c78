package tail

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// pageOf makes a page of so many rows at consecutive indexes.
func pageOf(from uint64, rows int, to uint64) *page {
	p := &page{history: 1, from: segment.EndOf(from), to: segment.EndOf(to), size: int64(rows * rowBytes)}
	for i := range rows {
		p.rows = append(p.rows, row{newName(frame.StreamKey{Tenant: "acme", Device: "d", Stream: "0"}, 1, ""), segment.Row{Index: from + 1 + uint64(i)}})
	}
	return p
}

// TestRing adds pages, some without rows, and asks for what follows every place: it is there, or the ring says that it is not.
func TestRing(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	g := newRing(40, 1<<20)
	if _, _, held := g.next(1, segment.Commit{}); held {
		t.Error("an empty ring of no history has something")
	}
	g.restart(1, segment.EndOf(10))
	end := uint64(10)
	for range 300 {
		_, changed, _ := g.next(1, segment.EndOf(end))
		rows := rnd.IntN(9)
		to := end + uint64(rows) + rnd.Uint64N(3)
		if to == end {
			to++
		}
		g.add(pageOf(end, rows, to))
		end = to
		select {
		case <-changed:
		default:
			t.Fatal("who waits was not woken")
		}
		if len(g.pages) > 1 && g.rows > 40 {
			t.Fatalf("%d rows", g.rows)
		}
		first := g.from.Index
		for at := first - min(first, 3); at <= end+1; at++ {
			p, _, held := g.next(1, segment.EndOf(at))
			if held != (at >= first) || (p == nil) != (at >= end || at < first) {
				t.Fatalf("behind %d of %d..%d: page %v, held %v", at, first, end, p, held)
			}
			if p == nil {
				continue
			}
			var seen []uint64
			for i := p.after(segment.EndOf(at)); i < len(p.rows); i++ {
				seen = append(seen, p.rows[i].Index)
			}
			if !segment.EndOf(at).Before(p.to) || len(seen) > 0 && seen[0] <= at {
				t.Fatalf("behind %d: rows %v up to %v", at, seen, p.to)
			}
		}
	}
	if _, _, held := g.next(2, segment.EndOf(end)); held {
		t.Error("the ring has something of another history")
	}
	g.restart(1, segment.EndOf(5))
	if g.rows != 0 || g.bytes != 0 || len(g.pages) != 0 {
		t.Errorf("%d rows, %d bytes after a restart", g.rows, g.bytes)
	}
}

// TestRingCountsTexts: what readers add to pages counts, also when the page has gone meanwhile.
func TestRingCountsTexts(t *testing.T) {
	g := newRing(1000, 20_000)
	g.restart(1, segment.Commit{})
	var pages []*page
	for i := range uint64(20) {
		p := pageOf(i*10, 10, i*10+10)
		pages = append(pages, p)
		g.add(p)
		for _, old := range pages {
			old.text("acme", 1<<20)
		}
		want := int64(0)
		for _, p := range g.pages {
			want += p.size
		}
		if g.bytes != want || g.bytes > 20_000 && len(g.pages) > 1 {
			t.Fatalf("%d bytes in %d pages that have %d", g.bytes, len(g.pages), want)
		}
	}
	if len(g.pages) == 20 {
		t.Error("nothing was let go")
	}
}

// TestTextsHaveALimit: beyond it rows are left to who needs them.
func TestTextsHaveALimit(t *testing.T) {
	p := pageOf(0, 10, 10)
	one := len(func() []byte { b, _ := p.text("acme", 1).of(0); return b }())
	p.texts = nil
	texts := p.text("acme", 3*one)
	for i := range p.rows {
		if text, ok := texts.of(i); ok != (i < 3) || ok && len(text) != one {
			t.Errorf("row %d: %v %q", i, ok, text)
		}
	}
}

// TestPickerFindsTheFirst holds it against sorting, in any order of rows.
func TestPickerFindsTheFirst(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	for round := range 300 {
		n, limit := 1+rnd.IntN(400), 1+rnd.IntN(60)
		all := make([]segment.Commit, n)
		for i := range all {
			all[i] = segment.Commit{Index: uint64(i / 7), Ordinal: uint32(i % 7)}
		}
		want := slices.Clone(all)
		switch round % 3 {
		case 0:
			rnd.Shuffle(n, func(i, k int) { all[i], all[k] = all[k], all[i] })
		case 1:
			slices.Reverse(all)
		}
		span := segment.CommitSpan{UpTo: segment.EndOf(1 << 40)}
		p := picker{limit: limit, span: &span, numbers: map[epochKey]uint32{}}
		keys := [][]byte{[]byte("a"), []byte("b")}
		for i, c := range all {
			if !span.UpTo.Before(c) {
				p.add(&segment.Committed{Key: keys[i%2], Epoch: 1, Commit: c})
			}
			if len(p.rows) > 2*limit {
				t.Fatalf("%d rows are held, twice %d are enough", len(p.rows), limit)
			}
		}
		p.cut()
		var got []segment.Commit
		for i := range p.rows {
			got = append(got, p.rows[i].commit())
		}
		slices.SortFunc(got, segment.Commit.Compare)
		if want := want[:min(n, limit)]; !slices.Equal(got, want) {
			t.Fatalf("%d of %d: %v, want %v", limit, n, got, want)
		}
		if n > limit && span.UpTo != want[limit-1] {
			t.Fatalf("the span ends at %v, want %v", span.UpTo, want[limit-1])
		}
		if epochs := p.epochs(); len(epochs) != min(2, len(p.rows)) && round%3 > 0 || len(epochs) > 2 {
			t.Fatal(fmt.Sprint(epochs))
		}
	}
}

// TestIdleRingLosesNobody: while only TICKs come, nobody has to read elsewhere.
func TestIdleRingLosesNobody(t *testing.T) {
	g := newRing(40, 1<<20)
	g.restart(1, segment.EndOf(10))
	for to := uint64(11); to < 20; to++ {
		g.add(pageOf(to-1, 0, to))
	}
	if p, _, held := g.next(1, segment.EndOf(10)); !held || p == nil || p.to != segment.EndOf(19) {
		t.Errorf("page %+v, held %v", p, held)
	}
}
