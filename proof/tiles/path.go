package tiles

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// height is that of every tile: 256 hashes.
const height = 8

// Width of a full tile.
const Width = 1 << height

// Path names a tile of hashes or a bundle of entries.
type Path struct {
	Entries bool
	Level   int   // of the hashes: those of tile level L are roots of 256^L leaves; 0 for entries
	Index   int64 // of the tile in its level
	Width   int   // hashes or entries in it: 1 to 255 in a partial one, 256 in a full one
}

// ParsePath reads tile/<L>/<N>[.p/<W>] and tile/entries/<N>[.p/<W>], and nothing that merely resembles them.
func ParsePath(path string) (Path, error) {
	rest, ok := strings.CutPrefix(path, "tile/")
	if data, entries := strings.CutPrefix(rest, "entries/"); entries {
		rest = "data/" + data
	} else if strings.HasPrefix(rest, "data/") {
		ok = false // that is how package tlog writes it
	}
	t, err := tlog.ParseTilePath(fmt.Sprintf("tile/%d/%s", height, rest))
	if !ok || err != nil || t.L > 63 || len(path) > 100 {
		return Path{}, fmt.Errorf("tiles: %.100q is not the path of a tile: want tile/<level>/<index>[.p/<width>] or tile/entries/<index>[.p/<width>]",
			path)
	}
	return Path{t.L < 0, max(t.L, 0), t.N, t.W}, nil
}

// String is the path, with indexes of three digits an element: x001/234.
func (p Path) String() string {
	t := tlog.Tile{H: height, L: p.Level, N: p.Index, W: p.Width}
	if p.Entries {
		t.L = -1
	}
	rest := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", height))
	if data, ok := strings.CutPrefix(rest, "data/"); ok {
		rest = "entries/" + data
	}
	return "tile/" + rest
}

// Full reports whether the tile can grow no more.
func (p Path) Full() bool { return p.Width == Width }

// First is the index of the first hash in its level, for entries that of the first record.
func (p Path) First() int64 { return p.Index * Width }

// ErrNotThere says that the log is too short to have a tile.
var ErrNotThere = errors.New("the log has no such tile yet")

// In fails with ErrNotThere unless the tile is one of the log at that size. A partial tile stays after it has filled.
func (p Path) In(size int64) error {
	hashes := size
	if !p.Entries {
		hashes = size >> min(height*p.Level, 63)
	}
	if p.Level < 0 || p.Width < 1 || p.Width > Width || p.Index < 0 || p.Index > hashes/Width || p.First()+int64(p.Width) > hashes {
		return fmt.Errorf("tiles: %s in a log of %d records: %w", p, size, ErrNotThere)
	}
	return nil
}

// ReadTile returns the bytes of a tile of hashes of the log at a size; size is that of a published checkpoint, which may be behind r.
func ReadTile(r tlog.HashReader, size int64, p Path) ([]byte, error) {
	if err := p.In(size); err != nil {
		return nil, err
	}
	if p.Entries {
		return nil, fmt.Errorf("tiles: %s is made of records, not of hashes", p)
	}
	return tlog.ReadTileData(tlog.Tile{H: height, L: p.Level, N: p.Index, W: p.Width}, r)
}
