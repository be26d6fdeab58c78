package ledger

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestListAgainstSlice changes a list in all ways, in one place and far apart, forks it now and then, and holds it and all that it was forked from against
// plain slices.
func TestListAgainstSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l list[int]
		var want []int
		type past struct {
			list list[int]
			want []int
		}
		pasts := []past{}
		next := 0
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			with := make([]int, rapid.SampledFrom([]int{0, 1, 1, 2, 3, 100, 300, 700}).Draw(t, "with"))
			for i := range with {
				next++
				with[i] = next
			}
			switch rapid.IntRange(0, 4).Draw(t, "do") {
			case 0:
				for _, v := range with {
					l.push(v)
				}
				want = append(want, with...)
			case 1:
				pasts = append(pasts, past{l, slices.Clone(want)})
				l = l.fork()
			default:
				from := rapid.IntRange(0, len(want)).Draw(t, "from")
				to := min(len(want), from+rapid.SampledFrom([]int{0, 0, 1, 2, 30, 200, 260, 1500}).Draw(t, "length"))
				l.replace(spotOf(&l, from), spotOf(&l, to), with...)
				want = slices.Replace(want, from, to, with...)
			}
			compareList(t, &l, want)
			for i := range pasts {
				compareList(t, &pasts[i].list, pasts[i].want)
			}
		}
	})
}

// spotOf is the spot of the i'th item.
func spotOf(l *list[int], i int) spot {
	p := spot{}
	for range i {
		p = l.next(p)
	}
	return p
}

func compareList(t *rapid.T, l *list[int], want []int) {
	got := slices.Collect(l.all())
	if !slices.Equal(got, want) || l.count != len(want) {
		t.Fatalf("%d items %v, want %d: %v", l.count, got, len(want), want)
	}
	for c, k := range l.chunks {
		if len(k.items) > listChunk || len(k.items) == 0 && len(l.chunks) > 1 {
			t.Fatalf("chunk %d of %d has %d items", c, len(l.chunks), len(k.items))
		}
	}
	if last, any := l.last(); any != (len(want) > 0) || any && last != want[len(want)-1] {
		t.Fatalf("last is %d, %v", last, any)
	}
	if _, any := l.at(l.end()); any {
		t.Fatal("there is an item at the end")
	}
	if _, any := l.before(spot{}); any {
		t.Fatal("there is an item before the first")
	}
	i := rapid.IntRange(0, len(want)).Draw(t, "look at")
	p := spotOf(l, i)
	if v, any := l.at(p); any != (i < len(want)) || any && v != want[i] {
		t.Fatalf("item %d is %d, %v", i, v, any)
	}
	if v, any := l.before(p); any != (i > 0) || any && v != want[i-1] {
		t.Fatalf("before item %d is %d, %v", i, v, any)
	}
	if got := slices.Collect(l.from(p)); !slices.Equal(got, want[i:]) {
		t.Fatalf("from item %d: %v, want %v", i, got, want[i:])
	}
}

func TestListSearch(t *testing.T) {
	var l list[int]
	if p := l.search(func(int) bool { return true }); p != l.end() {
		t.Errorf("in the empty list %v is found", p)
	}
	const count = 3*listChunk + 5
	for i := range count {
		l.push(2 * i)
	}
	for n := range 2*count + 2 {
		p := l.search(func(v int) bool { return v >= n })
		if v, any := l.at(p); any != (n <= 2*count-2) || any && v != n+n%2 {
			t.Fatalf("first from %d on is %d, %v", n, v, any)
		}
		if v, any := l.before(p); any != (n > 0) || any && v != min(n-1-(n-1)%2, 2*count-2) {
			t.Fatalf("last below %d is %d, %v", n, v, any)
		}
	}
}

// An item that changes far from the others costs a copy of its neighbourhood, not of the list.
func TestListForkSharesChunks(t *testing.T) {
	var l list[int]
	for i := range 100 * listChunk {
		l.push(i)
	}
	f := l.fork()
	p := f.search(func(v int) bool { return v >= 50*listChunk })
	f.replace(p, f.next(p), -1)
	f.push(-2)
	own := 0
	for c := range f.chunks {
		if c >= len(l.chunks) || &f.chunks[c].items[0] != &l.chunks[c].items[0] {
			own++
		}
	}
	if own != 2 || l.count != 100*listChunk {
		t.Errorf("%d chunks were copied or added, want 2", own)
	}
}

// What shrinks gives its memory back, and what is filled in order is full.
func TestListKeepsChunksFull(t *testing.T) {
	var l list[int]
	for i := range 100 * listChunk {
		l.push(i)
	}
	if len(l.chunks) != 100 {
		t.Errorf("%d chunks", len(l.chunks))
	}
	for i := range 100 * listChunk {
		if i%100 > 0 { // one of a hundred stays
			p := l.search(func(v int) bool { return v >= i })
			l.replace(p, l.next(p))
		}
	}
	if len(l.chunks) > 5 || l.count != listChunk {
		t.Errorf("%d items in %d chunks", l.count, len(l.chunks))
	}
}
