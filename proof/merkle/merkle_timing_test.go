package merkle

import "testing"

const benchLeaves = 1 << 20

func BenchmarkEdgeAppend(b *testing.B) {
	h := leafHashes(1)[0]
	var e Edge
	b.ReportAllocs()
	for b.Loop() {
		e.Append(h)
	}
}

// BenchmarkTree is a tree of a million leaves in memory.
func BenchmarkTree(b *testing.B) {
	h := leafHashes(1)[0]
	b.ReportAllocs()
	for b.Loop() {
		var t Tree
		for range benchLeaves {
			t.Append(h)
		}
	}
}

func BenchmarkProveOne(b *testing.B)  { benchProve(b, 1) }
func BenchmarkProve1000(b *testing.B) { benchProve(b, 1000) }

func benchProve(b *testing.B, n int64) {
	leaves := leafHashes(benchLeaves)
	t := treeOf(leaves)
	lo := int64(0)
	hashes := 0
	b.ReportAllocs()
	for b.Loop() {
		lo = (lo + 77_777) % (benchLeaves - n)
		proof, err := ProveRange(benchLeaves, lo, lo+n, t)
		if err != nil {
			b.Fatal(err)
		}
		if root, err := RangeRoot(benchLeaves, lo, leaves[lo:lo+n], proof); err != nil || root != t.Root() {
			b.Fatal(root, err)
		}
		hashes = len(proof)
	}
	b.ReportMetric(float64(hashes), "hashes")
}
