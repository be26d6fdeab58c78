package slowreader

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/segment"
)

// The example of the page, computed here from the frames that it describes.
func TestContentOfThePage(t *testing.T) {
	key := Key{"acme", "mill-7", "0", 1}
	ok, temp := Field{Name: "ok", Kind: kindBool, Bits: 1}, Field{Name: "temp", Kind: kindFloat}
	warm := func(bits uint64) []Field { f := temp; f.Bits = bits; return []Field{ok, f} }
	s := &Segment{Rows: []Row{
		{Key: key, Seq: 63, TimeNS: 1760000000000000000, Class: 1, Seal: 5, Fields: warm(0x4035800000000000)},
		{Key: key, Seq: 64, TimeNS: 1760000001000000000, Class: 1, Seal: 5, Fields: warm(0x4035c00000000000)},
		{Key: key, Seq: 65, TimeNS: 77, Class: 2, Seal: 5, Flags: flagNoTime, Fields: warm(1 << 63)},
		{Key: key, Seq: 66, Class: 1, Seal: 4},
		{Key: key, Seq: 70, Class: 1, Seal: 5, Flags: flagNoTime, Raw: []byte{0xde, 0xad},
			Fields: []Field{{Name: "note", Kind: kindString, Bytes: []byte("stop")}}},
	}}
	strips, root, err := Content(5, s, s)
	if err != nil || len(strips) != 1 {
		t.Fatalf("%d strips, %v", len(strips), err)
	}
	text, err := os.ReadFile("../../docs/format/content.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range [][]byte{root[:], strips[0].Root[:]} {
		if !strings.Contains(string(text), "\n    "+hex.EncodeToString(want)+"\n") {
			t.Errorf("%x is not in the page", want)
		}
	}
	if parsed, err := ParseStrip(strips[0].bytes()); err != nil || !reflect.DeepEqual(*parsed, strips[0]) {
		t.Errorf("%+v, %v, want %+v", parsed, err, strips[0])
	}
}

// Strips of random frames are the same from flushes and from merges, in both readers.
func TestContentAgrees(t *testing.T) {
	for seed := range uint64(3) {
		rnd := dice(seed)
		epochs := randomEpochs(rnd)
		var flushed [][]byte
		for _, part := range deal(rnd, epochs, 3) {
			flushed = append(flushed, writeFile(t, part))
		}
		merged := mergeFiles(t, 1e14, flushed...)
		both := append(append([][]byte{}, merged...), flushed[0])
		last := uint32(0)
		layouts := [][][]byte{flushed, merged, both}
		segments, readers := make([][]*Segment, len(layouts)), make([][]*segment.Reader, len(layouts))
		for i, files := range layouts {
			for _, file := range files {
				s, err := Read(file)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range s.Rows {
					last = max(last, r.ordinal())
				}
				segments[i], readers[i] = append(segments[i], s), append(readers[i], openOurs(t, file))
			}
		}
		for ordinal := uint32(1); ordinal <= last+1; ordinal++ {
			var roots []Hash
			for i := range layouts {
				strips, root, err := Content(ordinal, segments[i]...)
				if err != nil {
					t.Fatal(err)
				}
				roots = append(roots, root)
				holdStrips(t, ordinal, strips, readers[i])
			}
			if roots[0] != roots[1] || roots[0] != roots[2] {
				t.Fatalf("seed %d, ordinal %d: roots %x of flushes, of merges, of both", seed, ordinal, roots)
			}
		}
	}
}

// holdStrips compares strips with those of package content, byte by byte.
func holdStrips(t *testing.T, ordinal uint32, strips []Strip, readers []*segment.Reader) {
	t.Helper()
	rest := strips
	err := content.Compute(context.Background(), readers, ordinal, ordinal, content.Options{}, func(s *content.Strip) error {
		if len(rest) == 0 || !bytes.Equal(rest[0].bytes(), s.Append(nil)) {
			t.Fatalf("strip %d of ordinal %d: %+v, ours %+v", len(strips)-len(rest), ordinal, rest[:min(1, len(rest))], *s)
		}
		rest = rest[1:]
		return nil
	})
	if err != nil || len(rest) > 0 {
		t.Fatalf("ordinal %d: %d strips more than ours, %v", ordinal, len(rest), err)
	}
}

// Strips are read alike by both readers, whole and changed.
func TestStripsAgree(t *testing.T) {
	read, refused := 0, 0
	for seed := range uint64(6000) {
		rnd := dice(seed)
		s := Strip{Key: Key{"default", "mill-07", "0", rnd.Uint32N(4)}, Ordinal: rnd.Uint32N(9)}
		next := uint64(0)
		for i := range rnd.IntN(6) {
			if rnd.IntN(20) == 0 {
				next += rnd.Uint64()
			}
			r := Run{First: next + rnd.Uint64N(300)}
			if i == 0 || rnd.IntN(30) > 0 {
				r.First++
			}
			r.Last = r.First + rnd.Uint64N(300)
			s.Runs, s.Frames, next = append(s.Runs, r), s.Frames+r.Last-r.First+1, r.Last+1
		}
		b := s.bytes()
		if rnd.IntN(2) == 0 {
			b = damageBytes(rnd, b)
		}
		slow, slowErr := ParseStrip(b)
		ours, oursErr := content.ParseStrip(b)
		if (slowErr == nil) != (oursErr == nil) {
			t.Fatalf("seed %d: slow reader: %v\nours: %v\n% x", seed, slowErr, oursErr, b)
		}
		if slowErr != nil {
			refused++
			continue
		}
		if read++; !bytes.Equal(slow.bytes(), b) || !bytes.Equal(ours.Append(nil), b) {
			t.Fatalf("seed %d: % x\nis written again as\n% x, and by ours as\n% x", seed, b, slow.bytes(), ours.Append(nil))
		}
	}
	if read < 800 || refused < 800 {
		t.Errorf("%d read, %d refused", read, refused)
	}
}

// Groups are read alike by both readers, whole and changed.
func TestGroupsAgree(t *testing.T) {
	read, refused := 0, 0
	for seed := range uint64(6000) {
		rnd := dice(seed)
		rows := randomRows(rnd, 1+rnd.IntN(5))
		var list []*Row
		for i := range rows {
			r := fromOurs(frame.StreamKey{Tenant: "default", Device: "mill-07", Stream: "0"}, 1, &rows[i])
			r.Seq = 64*7 + uint64(i*i)
			list = append(list, &r)
		}
		b := groupBytes(3, list)
		if rnd.IntN(3) > 0 {
			b = damageBytes(rnd, b)
		}
		_, slow, slowErr := ParseGroup(b)
		_, oursErr := content.ParseGroup(b)
		if (slowErr == nil) != (oursErr == nil) {
			t.Fatalf("seed %d: slow reader: %v\nours: %v\n% x", seed, slowErr, oursErr, b)
		}
		if slowErr != nil {
			refused++
			continue
		}
		list = list[:0]
		for i := range slow {
			list = append(list, &slow[i])
		}
		if read++; !bytes.Equal(groupBytes(slow[0].Seal, list), b) {
			t.Fatalf("seed %d: % x\nis written again as\n% x", seed, b, groupBytes(slow[0].Seal, list))
		}
	}
	if read < 800 || refused < 800 {
		t.Errorf("%d read, %d refused", read, refused)
	}
}
