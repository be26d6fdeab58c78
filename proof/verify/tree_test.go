package verify

import (
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/merkle"
)

// byName reads a leaf that is the name of a device.
func byName(b []byte) (leaves.Key, error) {
	return leaves.Key{StreamKey: frame.StreamKey{Tenant: "t", Device: string(b), Stream: "0"}}, nil
}

// shown proves ranges of a tree whose leaves are letters.
func shown(t *testing.T, letters string, bounds ...[2]int64) (ranges []certificate.Range, root string) {
	var tree merkle.Tree
	for _, l := range letters {
		tree.Append(tlog.RecordHash([]byte(string(l))))
	}
	for _, b := range bounds {
		proof, err := merkle.ProveRange(tree.Size(), b[0], b[1], &tree)
		if err != nil {
			t.Fatal(err)
		}
		r := certificate.Range{First: b[0], Proof: proof}
		for _, l := range letters[b[0]:b[1]] {
			r.Leaves = append(r.Leaves, []byte(string(l)))
		}
		ranges = append(ranges, r)
	}
	return ranges, tree.Root().String()
}

// TestTreeOrder shows trees that a lying quorum signed, and ranges that are not in order.
func TestTreeOrder(t *testing.T) {
	for what, tt := range map[string]struct {
		letters string
		bounds  [][2]int64
		fault   string
	}{
		"sorted":         {"abcdefg", [][2]int64{{0, 2}, {4, 7}}, ""},
		"not sorted":     {"abdcefg", [][2]int64{{0, 7}}, "not sorted"},
		"across ranges":  {"efgabcd", [][2]int64{{0, 2}, {4, 6}}, "not sorted"},
		"twice":          {"abccefg", [][2]int64{{1, 5}}, "not sorted"},
		"ranges touch":   {"abcdefg", [][2]int64{{0, 2}, {2, 3}}, "the one before goes to 1"},
		"ranges overlap": {"abcdefg", [][2]int64{{0, 3}, {2, 4}}, "the one before goes to 2"},
		"backwards":      {"abcdefg", [][2]int64{{4, 6}, {0, 2}}, "the one before goes to 5"},
	} {
		ranges, root := shown(t, tt.letters, tt.bounds...)
		_, err := openTree("here", ranges, int64(len(tt.letters)), root, byName)
		if (err != nil) != (tt.fault != "") || err != nil && (codeOf(err) != CodeTampered || !strings.Contains(err.Error(), tt.fault)) {
			t.Errorf("%s: %v, want %q", what, err, tt.fault)
		}
	}
}

// TestWithin asks for spans of a tree of which only some leaves are shown.
func TestWithin(t *testing.T) {
	ranges, root := shown(t, "bdfhjln", [2]int64{0, 3}, [2]int64{4, 6})
	tree, err := openTree("here", ranges, 7, root, byName)
	if err != nil {
		t.Fatal(err)
	}
	key := func(device string) leaves.Key {
		k, _ := byName([]byte(device))
		k.Stream = ""
		return k
	}
	for _, tt := range []struct {
		first, end string
		want       string // letters inside; "-": not proven
	}{
		{"a", "b", ""}, {"a", "c", "b"}, {"b", "f", "bd"}, {"c", "d", ""}, {"e", "f", ""}, {"e", "g", "-"}, {"f", "g", "-"}, {"g", "h", "-"},
		{"k", "l", ""}, {"j", "k", "-"}, {"k", "m", "-"}, {"m", "z", "-"}, {"a", "z", "-"},
	} {
		from, to, err := tree.within(&certificate.Span{First: key(tt.first), End: key(tt.end)})
		got := ""
		for i := from; i < to; i++ {
			got += tree.keys[i].Device
		}
		if err != nil {
			got = "-"
		}
		if got != tt.want {
			t.Errorf("%s to %s: %q, want %q", tt.first, tt.end, got, tt.want)
		}
	}
}
