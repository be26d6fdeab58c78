package tiles

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

func TestPaths(t *testing.T) {
	for path, want := range map[string]Path{
		"tile/0/000":                               {Level: 0, Index: 0, Width: 256},
		"tile/0/000.p/1":                           {Level: 0, Index: 0, Width: 1},
		"tile/1/x001/234.p/5":                      {Level: 1, Index: 1234, Width: 5},
		"tile/0/x001/x234/067":                     {Level: 0, Index: 1234067, Width: 256}, // the specification's example
		"tile/63/x001/000.p/255":                   {Level: 63, Index: 1000, Width: 255},
		"tile/entries/x001/x234/067.p/8":           {Entries: true, Index: 1234067, Width: 8},
		"tile/entries/999":                         {Entries: true, Index: 999, Width: 256},
		"tile/0/x009/x223/x372/x036/x854/x775/807": {Index: 1<<63 - 1, Width: 256},
	} {
		got, err := ParsePath(path)
		if err != nil || got != want || got.String() != path {
			t.Errorf("%s: %+v as %s, %v", path, got, got, err)
		}
		if got.Full() != (want.Width == 256) {
			t.Errorf("%s: full %v", path, got.Full())
		}
	}
	for _, path := range []string{
		"", "tile", "tile/", "tile/0", "tile/0/", "/tile/0/000", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x000/000", "tile/0/001/000", "tile/0/x001",
		"tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/1/", "tile/0/000/p/1", "tile/0/x01/000",
		"tile/00/000", "tile/64/000", "tile/-1/000", "tile/+1/000", "tile/data/000", "tile/8/0/000", "tile/entries", "tile/entries/", "tile/entries/0/000",
		"tile/entries/data/000", "tile/0/-01", "tile/0/x-01/000", "tile/0/00a", "tile/0/000?x", "tile/0/000\n", "tile/0//000", "tile/0/../000",
		"tile/0/x009/x223/x372/x036/x854/x775/808", "tile/0/x001/x000/x000/x000/x000/x000/x000/000", "tile/0/" + strings.Repeat("x000/", 1000) + "000",
	} {
		if got, err := ParsePath(path); err == nil {
			t.Errorf("%q was read as %+v", path, got)
		}
	}
}

// Where package tlog has the same tiles, ours have its paths without the height, and its bytes.
func TestTilesAreThoseOfPackageTlog(t *testing.T) {
	const n = 70000 // the specification's example
	s := open(t, newDir(t))
	if err := s.Append(leaves("a", 0, n)...); err != nil {
		t.Fatal(err)
	}
	count := map[int]int{}
	partial := map[string]bool{}
	for _, tile := range tlog.NewTiles(height, 0, n) {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		p, err := ParsePath(path)
		if err != nil || p.String() != path {
			t.Fatalf("%s: %v, %v", path, p, err)
		}
		want, err := tlog.ReadTileData(tile, s)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ReadTile(s, n, p); err != nil || !bytes.Equal(got, want) || len(got) != p.Width*32 {
			t.Fatalf("%s: %d bytes, %v", path, len(got), err)
		}
		if count[p.Level]++; !p.Full() {
			partial[path] = true
		}
	}
	if got := fmt.Sprint(count, partial); got != "map[0:274 1:2 2:1] map[tile/0/273.p/112:true tile/1/001.p/17:true tile/2/000.p/1:true]" {
		t.Errorf("tiles %s", got)
	}
	// A hash of an upper tile is the root over a full tile below it.
	below, _ := ReadTile(s, n, Path{Level: 0, Index: 5, Width: Width})
	above, _ := ReadTile(s, n, Path{Level: 1, Index: 0, Width: Width})
	if got := rootOf(below); !bytes.Equal(above[5*32:6*32], got[:]) {
		t.Error("the sixth hash of tile/1/000 is not the root of tile/0/005")
	}
}

func rootOf(tile []byte) tlog.Hash {
	if len(tile) == tlog.HashSize {
		return tlog.Hash(tile)
	}
	return tlog.NodeHash(rootOf(tile[:len(tile)/2]), rootOf(tile[len(tile)/2:]))
}

func TestTilesThatAreThere(t *testing.T) {
	s := open(t, newDir(t))
	if err := s.Append(leaves("a", 0, 600)...); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path string
		from int64 // the smallest log that has it
	}{
		{"tile/0/000.p/1", 1}, {"tile/0/000.p/255", 255}, {"tile/0/000", 256}, {"tile/1/000.p/1", 256}, {"tile/0/001.p/1", 257}, {"tile/1/000.p/2", 512},
		{"tile/0/002.p/88", 600}, {"tile/0/002.p/89", 601}, {"tile/1/000.p/3", 768}, {"tile/2/000.p/1", 65536}, {"tile/7/000.p/128", 1 << 62 * 2 & (1<<63 - 1)},
		{"tile/entries/001.p/4", 260}, {"tile/entries/001", 512}, {"tile/8/000.p/1", 0}, {"tile/63/000", 0}, {"tile/0/x009/x223/x372/x036/x854/x775/807", 0},
	} {
		p, err := ParsePath(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		if tt.from > 0 && (p.In(tt.from) != nil || !errors.Is(p.In(tt.from-1), ErrNotThere)) {
			t.Errorf("%s: in %d: %v; in %d: %v", tt.path, tt.from, p.In(tt.from), tt.from-1, p.In(tt.from-1))
		}
		if tt.from == 0 && !errors.Is(p.In(1<<63-1), ErrNotThere) {
			t.Errorf("%s: in the largest log: %v", tt.path, p.In(1<<63-1))
		}
		for _, size := range []int64{599, 600} {
			got, err := ReadTile(s, size, p)
			if has := tt.from > 0 && tt.from <= size && !p.Entries; has != (err == nil) || has && len(got) != 32*p.Width {
				t.Errorf("%s at %d: %d bytes, %v", tt.path, size, len(got), err)
			}
		}
	}
	if _, err := ReadTile(s, 700, Path{Index: 2, Width: 150}); err == nil {
		t.Error("read a tile of a size that the store has not")
	}
	if (Path{Index: 3}).First() != 768 {
		t.Error("first")
	}
}

func TestEntries(t *testing.T) {
	records := [][]byte{[]byte("one"), {}, bytes.Repeat([]byte("x"), MaxEntry), []byte("\x00")}
	b, err := EncodeEntries(records)
	if err != nil || !bytes.HasPrefix(b, []byte("\x00\x03one\x00\x00\xff\xff")) {
		t.Fatalf("%.20q, %v", b, err)
	}
	got, err := DecodeEntries(b)
	if err != nil || len(got) != len(records) {
		t.Fatal(len(got), err)
	}
	for i := range got {
		if !bytes.Equal(got[i], records[i]) {
			t.Errorf("record %d has %d bytes, want %d", i, len(got[i]), len(records[i]))
		}
	}
	for _, n := range []int{1, 4, len(b) - 1, len(b) - 2} {
		if _, err := DecodeEntries(b[:n]); err == nil {
			t.Errorf("read %d of %d bytes", n, len(b))
		}
	}
	if _, err := EncodeEntries([][]byte{make([]byte, MaxEntry+1)}); err == nil {
		t.Error("a record that is too long")
	}
	if _, err := EncodeEntries(make([][]byte, Width+1)); err == nil {
		t.Error("too many records")
	}
	if _, err := DecodeEntries(make([]byte, 2*(Width+1))); err == nil {
		t.Error("read too many records")
	}
	if b, err := EncodeEntries(nil); err != nil || len(b) != 0 {
		t.Error(b, err)
	}
}

func FuzzParsePath(f *testing.F) {
	f.Add("tile/0/x001/x234/067.p/8")
	f.Add("tile/entries/000")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePath(s)
		if err != nil {
			return
		}
		if p.String() != s || p.Index < 0 || p.Width < 1 || p.Width > Width || p.Level < 0 || p.Level > 63 {
			t.Errorf("%q became %+v, %s", s, p, p)
		}
		_ = p.In(1<<63 - 1)
	})
}

func FuzzDecodeEntries(f *testing.F) {
	f.Add([]byte("\x00\x03one\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		records, err := DecodeEntries(b)
		if err != nil {
			return
		}
		if again, err := EncodeEntries(records); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%q became %q, %v", b, again, err)
		}
	})
}
