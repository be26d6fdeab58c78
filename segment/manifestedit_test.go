package segment

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// named is what a manifest says of a segment, in short.
func named(seed byte, first, last uint64) Info {
	return Info{
		Name: Name{seed}, Bytes: 100 + int64(seed), Frames: uint64(seed), Streams: 1, Blocks: 1,
		FirstIndex: first, LastIndex: last, FirstNS: -1, LastNS: 1, Encoder: EncoderFast,
	}
}

func TestManifestEdit(t *testing.T) {
	m := (*Manifest)(nil).With(named(1, 1, 100), named(2, 101, 200), named(3, 201, 300), named(4, 301, 400))
	name := func(seeds ...byte) (list []Name) {
		for _, s := range seeds {
			list = append(list, Name{s})
		}
		return list
	}
	backwards, endless := named(9, 5, 4), named(9, 5, 6)
	endless.Bytes = math.MaxInt64
	for _, tt := range []struct {
		name string
		edit Edit
		want []byte // nil: void
	}{
		{"nothing", Edit{}, []byte{1, 2, 3, 4}},
		{"neighbours", Edit{name(2, 3), []Info{named(9, 101, 300)}}, []byte{1, 9, 4}},
		{"a range with a hole", Edit{name(1, 4), []Info{named(9, 1, 400)}}, []byte{9, 2, 3}},
		{"windows of equal ranges", Edit{name(3, 1), []Info{named(9, 1, 300), named(8, 1, 300)}}, []byte{8, 9, 2, 4}},
		{"without anything in its place", Edit{Drop: name(4)}, []byte{1, 2, 3}},
		{"all", Edit{Drop: name(4, 3, 2, 1)}, []byte{}},
		{"more", Edit{Add: []Info{named(9, 150, 350)}}, []byte{1, 2, 9, 3, 4}},
		{"the same again", Edit{name(2), []Info{named(2, 101, 200)}}, []byte{1, 2, 3, 4}},

		{"one is not there", Edit{name(2, 7), []Info{named(9, 101, 300)}}, nil},
		{"none is there", Edit{name(7), nil}, nil},
		{"one twice", Edit{name(2, 2), []Info{named(9, 101, 300)}}, nil},
		{"what comes is there", Edit{name(2), []Info{named(3, 101, 300)}}, nil},
		{"what comes, twice", Edit{name(2), []Info{named(9, 101, 300), named(9, 101, 301)}}, nil},
		{"indexes backwards", Edit{name(2), []Info{backwards}}, nil},
		{"sums beyond 64 bits", Edit{name(2), []Info{endless}}, nil},
	} {
		before := slices.Clone(m.Segments())
		got, ok := m.Edit(tt.edit)
		if !slices.Equal(before, m.Segments()) {
			t.Fatalf("%s: the manifest itself was changed", tt.name)
		}
		if ok != (tt.want != nil) || !ok && got != m {
			t.Errorf("%s: %v, %v", tt.name, got.Segments(), ok)
			continue
		}
		if ok && !slices.Equal(seeds(got), tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, seeds(got), tt.want)
		}
	}
	if got, ok := (*Manifest)(nil).Edit(Edit{Add: []Info{named(1, 1, 1)}}); !ok || got.Frames() != 1 {
		t.Errorf("an empty manifest: %v, %v", got, ok)
	}
	if got, ok := (*Manifest)(nil).Edit(Edit{Drop: name(1)}); ok || got != nil {
		t.Errorf("out of an empty manifest: %v, %v", got, ok)
	}
}

func seeds(m *Manifest) []byte {
	list := []byte{}
	for _, i := range m.Segments() {
		list = append(list, i.Name[0])
	}
	return list
}

// Whatever edits make of a manifest, ranges that overlap and have holes, is written and read as it is, and its sums are those of its parts.
func TestEditedManifestsAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m *Manifest
		next := byte(0)
		fresh := func() Info {
			next++
			first := rapid.Uint64Range(0, 50).Draw(t, "first")
			return named(next, first, first+rapid.Uint64Range(0, 50).Draw(t, "more"))
		}
		for range rapid.IntRange(1, 8).Draw(t, "edits") {
			var e Edit
			for _, i := range m.Segments() {
				if rapid.Bool().Draw(t, "drop") {
					e.Drop = append(e.Drop, i.Name)
				}
			}
			for range rapid.IntRange(0, 4).Draw(t, "adds") {
				e.Add = append(e.Add, fresh())
			}
			frames, bytes := m.Frames(), m.Bytes()
			for _, n := range e.Drop {
				i, _ := m.Find(n)
				frames, bytes = frames-i.Frames, bytes-i.Bytes
			}
			for _, i := range e.Add {
				frames, bytes = frames+i.Frames, bytes+i.Bytes
			}
			var ok bool
			if m, ok = m.Edit(e); !ok || m.Frames() != frames || m.Bytes() != bytes {
				t.Fatalf("%v: %v, %d frames of %d, %d bytes of %d", e, ok, m.Frames(), frames, m.Bytes(), bytes)
			}
			again, err := ParseManifest(m.Append(nil))
			if err != nil || again.Digest() != m.Digest() || !slices.Equal(again.Segments(), m.Segments()) {
				t.Fatalf("read back: %v, %v", again, err)
			}
			if same := (*Manifest)(nil).With(m.Segments()...); same.Digest() != m.Digest() {
				t.Fatalf("With makes another order of %v", m.Segments())
			}
		}
	})
}
