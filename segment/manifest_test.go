package segment

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func testManifest() *Manifest {
	info := func(seed byte, first, last uint64) Info {
		return Info{
			Name: Name(bytes.Repeat([]byte{seed}, 32)), Bytes: 1000 + int64(seed), Frames: 10 * uint64(seed), Streams: uint32(seed), Blocks: 3,
			FirstIndex: first, LastIndex: last, FirstNS: -5, LastNS: 1_760_000_000_000_000_000, Encoder: EncoderFast,
		}
	}
	return (*Manifest)(nil).With(info(9, 1, 100), info(3, 101, 200), info(2, 101, 200), info(1, 201, math.MaxUint64))
}

func TestManifestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var infos []Info
		for range rapid.IntRange(0, 8).Draw(t, "n") {
			u := func(name string) uint64 { return rapid.Uint64().Draw(t, name) }
			i := Info{Bytes: rapid.Int64Range(1, 1<<40).Draw(t, "bytes"), Frames: u("frames") >> 8, Streams: uint32(u("streams")), Blocks: uint32(u("blocks")), Encoder: uint16(u("encoder"))}
			i.FirstIndex, i.LastIndex = 5, 5+u("last")>>1
			i.FirstNS, i.LastNS = -3, rapid.Int64Range(-3, math.MaxInt64).Draw(t, "ns")
			binary.LittleEndian.PutUint64(i.Name[:], u("name"))
			infos = append(infos, i)
		}
		m := (*Manifest)(nil).With(infos...)
		b := m.Append([]byte("before"))[6:]
		got, err := ParseManifest(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m.Segments(), got.Segments(), cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		if got.Frames() != m.Frames() || got.Bytes() != m.Bytes() || got.Digest() != m.Digest() {
			t.Fatalf("%d frames, %d bytes, digest %x", got.Frames(), got.Bytes(), got.Digest())
		}
		at := rapid.IntRange(0, len(b)-1).Draw(t, "flip")
		b[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := ParseManifest(b); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("byte %d is flipped: %v", at, err)
		}
	})
}

func TestManifestDamage(t *testing.T) {
	change := func(fn func(b []byte) []byte) []byte {
		b := fn(testManifest().Append(nil))
		if len(b) >= manifestHead {
			binary.LittleEndian.PutUint32(b[12:], checksum(b[:12], b[manifestHead:]))
		}
		return b
	}
	entry := func(b []byte, i int) []byte { return b[manifestHead+i*manifestEntry:][:manifestEntry] }
	tests := []struct {
		name string
		b    []byte
		want error
	}{
		{"whole", change(func(b []byte) []byte { return b }), nil},
		{"empty", nil, ErrCorrupt},
		{"head only", testManifest().Append(nil)[:manifestHead-1], ErrCorrupt},
		{"another magic", change(func(b []byte) []byte { b[0] = 'g'; return b }), ErrCorrupt},
		{"newer version", change(func(b []byte) []byte { b[4] = 2; return b }), ErrVersion},
		{"longer entries", change(func(b []byte) []byte { b[6]++; return b }), ErrCorrupt},
		{"one entry too few", change(func(b []byte) []byte { return b[:len(b)-manifestEntry] }), ErrCorrupt},
		{"a byte too many", change(func(b []byte) []byte { return append(b, 0) }), ErrCorrupt},
		{"huge count", change(func(b []byte) []byte { binary.LittleEndian.PutUint32(b[8:], math.MaxUint32); return b }), ErrCorrupt},
		{"equal entries", change(func(b []byte) []byte { copy(entry(b, 1), entry(b, 0)); return b }), ErrCorrupt},
		{"out of order", change(func(b []byte) []byte {
			first := bytes.Clone(entry(b, 0))
			copy(entry(b, 0), entry(b, 1))
			copy(entry(b, 1), first)
			return b
		}), ErrCorrupt},
		{"a name twice", change(func(b []byte) []byte { copy(entry(b, 3)[:32], entry(b, 0)[:32]); return b }), ErrCorrupt},
		{"no bytes", change(func(b []byte) []byte { copy(entry(b, 0)[32:], make([]byte, 8)); return b }), ErrCorrupt},
		{"indexes backwards", change(func(b []byte) []byte { binary.LittleEndian.PutUint64(entry(b, 0)[56:], 101); return b }), ErrCorrupt},
		{"times backwards", change(func(b []byte) []byte { binary.LittleEndian.PutUint64(entry(b, 0)[72:], math.MaxInt64); return b }), ErrCorrupt},
		{"too many frames", change(func(b []byte) []byte {
			binary.LittleEndian.PutUint64(entry(b, 0)[40:], math.MaxUint64)
			return b
		}), ErrCorrupt},
		{"too many bytes", change(func(b []byte) []byte {
			binary.LittleEndian.PutUint64(entry(b, 0)[32:], math.MaxInt64)
			return b
		}), ErrCorrupt},
	}
	for _, tt := range tests {
		m, err := ParseManifest(tt.b)
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) || (m == nil) != (err != nil) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// The encoding is frozen: version 1 is read for ever, and nodes compare digests.
func TestManifestGolden(t *testing.T) {
	const file = "testdata/manifest-v1.gmft"
	b := testManifest().Append(nil)
	if *update {
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	frozen, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(frozen, b) {
		t.Errorf("the encoder no longer writes version 1 as it is frozen:\n%s", cmp.Diff(hex.Dump(frozen), hex.Dump(b)))
	}
	m, err := ParseManifest(frozen)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(testManifest().Segments(), m.Segments()); diff != "" {
		t.Error(diff)
	}
	digest := m.Digest()
	if got, want := hex.EncodeToString(digest[:]), "0510a0158ec4f21a3b8c94c3e72fe93814b0e5f864913c63e5fd445161c2ab23"; got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

func TestManifestWith(t *testing.T) {
	m := testManifest()
	if again := m.With(m.Segments()...); again.Digest() != m.Digest() || again.Frames() != 150 || again.Bytes() != 4015 {
		t.Errorf("the same again: %d frames, %d bytes", again.Frames(), again.Bytes())
	}
	order := []byte{9, 2, 3, 1}
	for i, info := range m.Segments() {
		if info.Name[0] != order[i] {
			t.Errorf("segment %d is %d, want %d", i, info.Name[0], order[i])
		}
		if got, ok := m.Find(info.Name); !ok || got != info {
			t.Errorf("Find(%s) = %+v, %v", info.Name, got, ok)
		}
	}
	if _, ok := m.Find(Name{}); ok {
		t.Error("found a segment that is not there")
	}
	if n, err := ParseName(m.Segments()[0].Name.String()); err != nil || n != m.Segments()[0].Name {
		t.Errorf("ParseName: %v, %v", n, err)
	}
	for _, s := range []string{"", "00", m.Segments()[0].Name.FileName(), "zz" + m.Segments()[0].Name.String()[2:]} {
		if _, err := ParseName(s); err == nil {
			t.Errorf("ParseName(%q) gave no error", s)
		}
	}
}
