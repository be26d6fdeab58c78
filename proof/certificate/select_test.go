package certificate

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/merkle"
)

// listed is leaves in memory whose bytes are their keys. It counts how often a key is read.
type listed struct {
	keys  []leaves.Key
	tree  merkle.Tree
	reads int
}

func (l *listed) Count() int64      { return int64(len(l.keys)) }
func (l *listed) Root() merkle.Hash { return l.tree.Root() }
func (l *listed) Key(i int64) (leaves.Key, error) {
	l.reads++
	return l.keys[i], nil
}
func (l *listed) Leaf(i int64) ([]byte, error) { return []byte(l.keys[i].String()), nil }
func (l *listed) Prove(lo, hi int64) ([]merkle.Hash, error) {
	return merkle.ProveRange(l.tree.Size(), lo, hi, &l.tree)
}

func (l *listed) add(tenant, device, stream string) {
	k := leaves.Key{StreamKey: frame.StreamKey{Tenant: tenant, Device: device, Stream: stream}}
	l.keys = append(l.keys, k)
	l.tree.Append(tlog.RecordHash([]byte(k.String())))
}

// TestSelect selects random scopes from random trees and holds the ranges against what they are for: every leaf in scope, one neighbour on each side of
// each span, proofs that lead to the root, no two ranges that touch.
func TestSelect(t *testing.T) {
	for seed := range int64(300) {
		rnd := rand.New(rand.NewSource(seed))
		l := &listed{}
		name := func() string {
			return strings.Repeat("_", rnd.Intn(8)/7) + string(rune('a'+rnd.Intn(4))) + fmt.Sprint(rnd.Intn(30))
		}
		devices := map[string]bool{}
		for range rnd.Intn(60) {
			devices[name()] = true
		}
		sorted := []string{}
		for d := range devices {
			sorted = append(sorted, d)
		}
		slices.Sort(sorted)
		for _, tenant := range []string{"s", "t", "u"}[:1+rnd.Intn(3)] {
			for _, d := range sorted {
				l.add(tenant, d, "0")
				if rnd.Intn(3) == 0 {
					l.add(tenant, d, "1")
				}
			}
		}
		scope := Scope{Tenant: "t"}
		if rnd.Intn(2) == 0 {
			p := []string{"", "a", "b1", "z", "_"}[rnd.Intn(5)]
			scope.Prefix = &p
		} else {
			for range 1 + rnd.Intn(20) {
				scope.Devices = append(scope.Devices, name())
			}
			slices.Sort(scope.Devices)
			scope.Devices = slices.Compact(scope.Devices)
		}
		if rnd.Intn(3) == 0 {
			s := fmt.Sprint(rnd.Intn(2))
			scope.Stream = &s
		}
		checkSelection(t, seed, l, &scope)
	}
}

func checkSelection(t *testing.T, seed int64, l *listed, scope *Scope) {
	t.Helper()
	ranges, err := selectRanges(l, scope.Spans(), nil)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	want := map[int]bool{}
	for _, s := range scope.Spans() {
		from := slices.IndexFunc(l.keys, func(k leaves.Key) bool { return k.Compare(s.First) >= 0 })
		if from < 0 {
			from = len(l.keys)
		}
		to := from
		for to < len(l.keys) && l.keys[to].Compare(s.End) < 0 {
			to++
		}
		for i := max(from-1, 0); i < min(to+1, len(l.keys)); i++ {
			want[i] = true
		}
	}
	for i, k := range l.keys {
		if scope.Holds(k.StreamKey) && !want[i] {
			t.Errorf("seed %d: %s is in scope and in no span of %+v", seed, k, scope)
		}
	}
	got, end := 0, int64(-1)
	for _, r := range ranges {
		if r.First <= end {
			t.Errorf("seed %d: a range begins at %d, the one before ends at %d", seed, r.First, end)
		}
		end = r.First + int64(len(r.Leaves))
		hashes := []merkle.Hash{}
		for i, leaf := range r.Leaves {
			if at := int(r.First) + i; !want[at] || string(leaf) != l.keys[at].String() {
				t.Errorf("seed %d: leaf %d is shown for %+v", seed, at, scope)
			}
			got++
			hashes = append(hashes, tlog.RecordHash(leaf))
		}
		if root, err := merkle.RangeRoot(l.Count(), r.First, hashes, r.Proof); err != nil || root != l.Root() {
			t.Errorf("seed %d: range at %d leads to %v, %v", seed, r.First, root, err)
		}
	}
	if got != len(want) {
		t.Errorf("seed %d: %d leaves shown, want %d, for %+v", seed, got, len(want), scope)
	}
}

// TestSelectNear counts what a list of half of a fleet costs: neighbours in the list are near in the tree, so no search goes far.
func TestSelectNear(t *testing.T) {
	l := &listed{}
	scope := Scope{Tenant: "t"}
	for i := range 10_000 {
		d := fmt.Sprintf("mill-%05d", i)
		l.add("t", d, "0")
		if i%2 == 0 {
			scope.Devices = append(scope.Devices, d)
		}
	}
	ranges, err := selectRanges(l, scope.Spans(), nil)
	if err != nil || len(ranges) != 1 || l.reads > 8*len(scope.Devices) {
		t.Errorf("%d ranges from %d reads: %v", len(ranges), l.reads, err)
	}
}
