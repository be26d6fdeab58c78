package floor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// Every bit of a file counts: none can change unnoticed, and the report says where.
func TestEveryBit(t *testing.T) {
	file := encoded(t, 40, 0)
	for i := range file {
		for bit := range 8 {
			if bit != i%8 && !(i < 200 || i > len(file)-200) {
				continue
			}
			bad := bytes.Clone(file)
			bad[i] ^= 1 << bit
			_, parts, _, err := readAll(bad)
			var damage *CorruptError
			if !errors.As(err, &damage) {
				t.Fatalf("bit %d of byte %d: %v", bit, i, err)
			}
			if damage.Offset > int64(i)+trailerSize || damage.Want == damage.Got {
				t.Errorf("byte %d is reported as %v", i, err)
			}
			for n, p := range parts { // nothing damaged is ever shown
				var b bytes.Buffer
				must(t, state(40, 0)[n].Write(&b))
				if !bytes.HasPrefix(b.Bytes(), p.b) {
					t.Fatalf("byte %d: part %s was given away damaged", i, p.name)
				}
			}
		}
	}
}

// A file that is cut anywhere, or goes on behind its end, is damaged.
func TestEveryLength(t *testing.T) {
	file := encoded(t, 40, 0)
	for n := range file {
		if _, _, _, err := readAll(file[:n]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%d of %d bytes: %v", n, len(file), err)
		}
	}
	if _, _, _, err := readAll(append(bytes.Clone(file), 0)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("one byte more: %v", err)
	}
}

// Another version is not damage, if it is whole.
func TestVersion(t *testing.T) {
	file := encoded(t, 40, 0)
	binary.LittleEndian.PutUint16(file[4:], version+1)
	if _, _, _, err := readAll(file); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a changed version: %v", err)
	}
	resum(file)
	if _, _, _, err := readAll(file); !errors.Is(err, ErrVersion) {
		t.Errorf("version %d: %v", version+1, err)
	}
	file = encoded(t, 40, 0)
	file[6] = 1
	if _, _, _, err := readAll(resum(file)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a byte that version 1 keeps at 0: %v", err)
	}
}

// The hash counts although every block has its checksum, and so does where the trailer says that the table is.
func TestTrailer(t *testing.T) {
	file := encoded(t, 40, 0)
	body := file[:len(file)-trailerSize]
	end, hash, err := openTrailer("x", int64(len(body)), file[len(body):])
	must(t, err)
	if _, _, _, err := readAll(appendTrailer(bytes.Clone(body), end, hash)); err != nil {
		t.Fatalf("the file itself: %v", err)
	}
	if _, _, _, err := readAll(appendTrailer(bytes.Clone(body), end-1, hash)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("another end block: %v", err)
	}
	hash[5]++
	if _, _, _, err := readAll(appendTrailer(bytes.Clone(body), end, hash)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("another hash: %v", err)
	}
}

// Files that the writer never makes, with every checksum right.
func TestReadRefuses(t *testing.T) {
	raw := func(parts ...[]byte) []byte { // kind and payload of each block
		header := testHeader(9)
		b := appendPreamble(nil, header.append(nil))
		end := int64(len(b))
		for _, p := range parts {
			end = int64(len(b))
			b = append(appendBlock(b, p[0], end, p[1:]), p[1:]...)
		}
		return resum(appendTrailer(b, end, [32]byte{}))
	}
	block := func(kind byte, payload string) []byte { return append([]byte{kind}, payload...) }
	end := func(parts ...partInfo) []byte { return append([]byte{kindEnd}, appendTable(nil, parts)...) }
	large := strings.Repeat("x", chunkSize)
	first := int64(len(raw())) - trailerSize
	if _, _, _, err := readAll(raw(block(kindPart, "p"), block(kindChunk, "abc"), end(partInfo{"p", first, 3}))); err != nil {
		t.Fatalf("what the writer makes: %v", err)
	}
	for name, file := range map[string][]byte{
		"no end":             raw(block(kindPart, "p")),
		"chunk without part": raw(block(kindChunk, "abc"), end()),
		"empty chunk":        raw(block(kindPart, "p"), block(kindChunk, ""), end(partInfo{"p", first, 0})),
		"chunk after a short one": raw(block(kindPart, "p"), block(kindChunk, "abc"), block(kindChunk, "d"),
			end(partInfo{"p", first, 4})),
		"chunk too large":    raw(block(kindPart, "p"), block(kindChunk, large+"x"), end(partInfo{"p", first, chunkSize + 1})),
		"part without name":  raw(block(kindPart, ""), end(partInfo{"", first, 0})),
		"strange part name":  raw(block(kindPart, "\n"), end(partInfo{"\n", first, 0})),
		"part twice":         raw(block(kindPart, "p"), block(kindPart, "p"), end(partInfo{"p", first, 0}, partInfo{"p", first + 13, 0})),
		"part not in table":  raw(block(kindPart, "p"), end()),
		"only in the table":  raw(end(partInfo{"p", first, 0})),
		"wrong bytes":        raw(block(kindPart, "p"), block(kindChunk, "abc"), end(partInfo{"p", first, 4})),
		"wrong offset":       raw(block(kindPart, "p"), block(kindChunk, "abc"), end(partInfo{"p", first + 1, 3})),
		"block after end":    raw(end(), end()),
		"unknown kind":       raw(block(9, "p"), end()),
		"end block too long": raw(block(kindEnd, strings.Repeat("t", maxTable+1))),
	} {
		if _, _, _, err := readAll(file); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Blocks that changed places are found where they stand, although each is whole.
func TestBlocksMoved(t *testing.T) {
	a, b := sample(1, chunkSize), sample(2, chunkSize)
	file, c := encode(t, testHeader(9), []Part{bytesPart("p", append(bytes.Clone(a), b...))})
	at := c.parts[0].offset + blockSize + 1
	x, y := file[at:at+blockSize+chunkSize], file[at+blockSize+chunkSize:at+2*(blockSize+chunkSize)]
	moved := bytes.Clone(file)
	copy(moved[at:], y)
	copy(moved[at+int64(len(y)):], x)
	_, parts, _, err := readAll(moved)
	var damage *CorruptError
	if !errors.As(err, &damage) || damage.Offset != at+8 || len(parts[0].b) != 0 {
		t.Errorf("%v, %d bytes were given away", err, len(parts[0].b))
	}
}

// A part's reader may be left anywhere: the next part begins where it should, and the end is checked all the same.
func TestSkip(t *testing.T) {
	sizes := []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 3 * chunkSize}
	var parts []Part
	for i, n := range sizes {
		parts = append(parts, bytesPart(fmt.Sprint(i), sample(uint64(i), n)))
	}
	file, _ := encode(t, testHeader(9), parts)
	for _, take := range []int{0, 1, 1000, chunkSize, chunkSize + 5, 10 * chunkSize} {
		var left io.Reader
		next := 0
		_, _, err := Read(iotest.HalfReader(bytes.NewReader(file)), nil, func(name string, r io.Reader) error {
			if name != fmt.Sprint(next) {
				t.Errorf("part %s, want %d", name, next)
			}
			b, err := io.ReadAll(io.LimitReader(r, int64(take)))
			if err != nil || !bytes.Equal(b, sample(uint64(next), sizes[next])[:min(take, sizes[next])]) {
				t.Errorf("part %s: %d bytes, %v", name, len(b), err)
			}
			left = r
			next++
			return nil
		})
		must(t, err)
		if next != len(parts) {
			t.Errorf("%d parts of %d", next, len(parts))
		}
		if n, err := left.Read(make([]byte, 10)); n != 0 || err != io.EOF {
			t.Errorf("a part that is over gave %d bytes, %v", n, err)
		}
	}
	file[len(file)-trailerSize-200] ^= 1 // in the last part, that nobody looks at
	if _, _, err := Read(bytes.NewReader(file), nil, func(string, io.Reader) error { return nil }); !errors.Is(err, ErrCorrupt) {
		t.Errorf("damage in a skipped part: %v", err)
	}
	if _, _, err := Read(bytes.NewReader(file), nil, nil); !errors.Is(err, ErrCorrupt) {
		t.Errorf("damage, and nobody reads: %v", err)
	}
}

func TestReadErrors(t *testing.T) {
	file := encoded(t, 40, 0)
	mine := errors.New("mine")
	called := false
	_, _, err := Read(bytes.NewReader(file), func(h Header) error {
		if h.Index != 40 {
			t.Errorf("index %d", h.Index)
		}
		return mine
	}, func(string, io.Reader) error { called = true; return nil })
	if !errors.Is(err, mine) || called {
		t.Errorf("an error of visit gives %v, parts were read: %v", err, called)
	}
	if _, _, err := Read(bytes.NewReader(file), nil, func(string, io.Reader) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("an error of a part gives %v", err)
	}
	sick := io.MultiReader(bytes.NewReader(file[:500]), iotest.ErrReader(mine))
	if _, _, err := Read(sick, nil, nil); !errors.Is(err, mine) || errors.Is(err, ErrCorrupt) {
		t.Errorf("an error of the reader gives %v", err)
	}
	bad := bytes.Clone(file)
	bad[500] ^= 1
	for _, say := range []error{nil, mine} { // a part that swallows the error, or makes another of it, does not hide it
		_, _, err = Read(bytes.NewReader(bad), nil, func(_ string, r io.Reader) error {
			_, _ = io.Copy(io.Discard, r)
			return say
		})
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("damage, and a part that says %v, give %v", say, err)
		}
	}
}
