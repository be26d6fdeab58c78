package segment

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

func appendLengths(c *blockColumn) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(c.values)), uint64(c.length))
}

// What a later version may add without a new major version, this one reads past.
func TestLaterFilesAreRead(t *testing.T) {
	_, _, info, file := mixedFile(t)
	want, err := dump(openBytes(t, file, ReaderOptions{}))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change func(p *parts) []byte
	}{
		{"nothing", func(p *parts) []byte { return p.file(nil) }},
		{"compatible feature and newer minor version", func(p *parts) []byte {
			p.footer.header.compatible, p.footer.header.minor = 1<<63|1, 7
			return p.file(nil)
		}},
		{"section of an unknown kind at the end", func(p *parts) []byte {
			p.footer.sections = append(p.footer.sections, section{kind: 77})
			p.bodies = append(p.bodies, []byte("a Merkle tree, perhaps"))
			return p.file(nil)
		}},
		{"section of an unknown kind between others", func(p *parts) []byte {
			p.footer.sections = append(p.footer.sections[:1:1], append([]section{{kind: 78}}, p.footer.sections[1:]...)...)
			p.bodies = append(p.bodies[:1:1], append([][]byte{make([]byte, 100_000)}, p.bodies[1:]...)...)
			return p.file(nil)
		}},
		{"longer footer", func(p *parts) []byte { return p.file([]byte("more")) }},
		{"another encoder", func(p *parts) []byte {
			p.footer.header.encoder = 9
			return p.file(nil)
		}},
	}
	for _, tt := range tests {
		p := partsOf(t, file)
		later := tt.change(&p)
		if tt.name == "nothing" && !bytes.Equal(later, file) {
			t.Fatal("the test puts the pieces together in another way than the writer")
		}
		r, err := NewReader(bytes.NewReader(later), int64(len(later)), ReaderOptions{OnDamage: func(err error) { t.Error(tt.name, err) }})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got, err := dump(r); err != nil || got != want {
			t.Errorf("%s: what is read differs, %v", tt.name, err)
		}
		if got, err := Verify(bytes.NewReader(later), int64(len(later)), Name{}, nil); err != nil || got.Frames != info.Frames {
			t.Errorf("%s: Verify: %+v, %v", tt.name, got, err)
		}
	}
}

// Also a section that this version cannot read is under a checksum.
func TestDamageOfAnUnknownSection(t *testing.T) {
	_, _, _, file := mixedFile(t)
	p := partsOf(t, file)
	p.footer.sections = append(p.footer.sections, section{kind: 77})
	p.bodies = append(p.bodies, []byte("a Merkle tree, perhaps"))
	b := bytes.Replace(p.file(nil), []byte("perhaps"), []byte("Perhaps"), 1)
	if _, err := Verify(bytes.NewReader(b), int64(len(b)), Name{}, nil); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Verify: %v", err)
	}
	if _, err := dump(openBytes(t, b, ReaderOptions{})); err != nil {
		t.Errorf("reading past it: %v", err)
	}
}

// What this version cannot read it refuses as such, not as damage.
func TestNewerFilesAreRefused(t *testing.T) {
	_, _, _, file := mixedFile(t)
	major := func(b []byte) []byte {
		l := layoutOf(t, file)
		binary.LittleEndian.PutUint16(b[len(b)-8:], majorVersion+1)
		for _, h := range l.headers {
			binary.LittleEndian.PutUint16(b[h.from+4:], majorVersion+1)
		}
		l.mend(b)
		return b
	}
	tests := map[string][]byte{
		"newer major version": major(bytes.Clone(file)),
		"incompatible feature": func() []byte {
			p := partsOf(t, file)
			p.footer.header.incompatible = 1 << 5
			return p.file(nil)
		}(),
		"flags of a block": func() []byte {
			b, l := bytes.Clone(file), layoutOf(t, file)
			b[l.blocks[0].directory.from+23] = 1
			l.mend(b)
			return b
		}(),
		"flags of an index page": func() []byte {
			b, l := bytes.Clone(file), layoutOf(t, file)
			b[l.pages[0].from+13] = 1
			l.mend(b)
			return b
		}(),
	}
	for name, b := range tests {
		r, err := NewReader(bytes.NewReader(b), int64(len(b)), ReaderOptions{OnDamage: func(err error) { t.Error(name, err) }})
		if err == nil {
			_, err = dump(r)
		}
		if !errors.Is(err, ErrVersion) || errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Verify(bytes.NewReader(b), int64(len(b)), Name{}, nil); !errors.Is(err, ErrVersion) || errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: Verify: %v", name, err)
		}
	}
}

// withUnknownColumns makes columns of raw payloads ones of a part that this version does not know.
func withUnknownColumns(tb testing.TB, file []byte) []byte {
	l := layoutOf(tb, file)
	b := bytes.Clone(file)
	for i := range l.blocks {
		d, _ := parseDirectory(file[l.blocks[i].directory.from:], l.blocks[i].directory.from)
		last := len(d.columns) - 1
		if d.columns[last].part != partRaw {
			continue
		}
		at := l.blocks[i].sums[last] - int64(len(appendLengths(&d.columns[last]))) - 3 - 1 - 2
		if b[at] != byte(partRaw) {
			tb.Fatal("the part is not where the test looks for it")
		}
		b[at] = byte(partRaw) + 40
	}
	l.mend(b)
	return b
}

// A column of an unknown part, and what stands behind the known end of a directory's entry, are skipped.
func TestUnknownColumnsAreSkipped(t *testing.T) {
	_, _, _, file := mixedFile(t)
	b := withUnknownColumns(t, file)
	r := openBytes(t, b, ReaderOptions{OnDamage: func(err error) { t.Error(err) }})
	e, _, err := r.Epoch(testKeys[2], 1)
	if err != nil {
		t.Fatal(err)
	}
	n := uint64(0)
	if _, err := r.Scan(&e, All(), Columns{All: true}, func(rec *Record) bool {
		if rec.Raw != nil {
			t.Errorf("raw payload %q", rec.Raw)
		}
		n++
		return true
	}); err != nil || n != e.Frames {
		t.Errorf("%d rows, %v", n, err)
	}
	if _, err := Verify(bytes.NewReader(b), int64(len(b)), Name{}, nil); err != nil {
		t.Errorf("Verify: %v", err)
	}
}

func TestLongerDirectoryEntriesAreRead(t *testing.T) {
	_, _, _, file := mixedFile(t)
	at := layoutOf(t, file).blocks[0].directory.from
	old, err := parseDirectory(file[at:], 0)
	if err != nil {
		t.Fatal(err)
	}
	b := bytes.Clone(file[at:][:blockHead])
	c := cursor{b: file[at:][:old.bytes], i: blockHead}
	for range old.columns {
		entry := append(bytes.Clone(c.text(1<<16)), "a field of the future"...)
		b = append(binary.AppendUvarint(b, uint64(len(entry))), entry...)
	}
	more := len(b) - old.bytes
	binary.LittleEndian.PutUint32(b[4:], uint32(old.length)+uint32(more))
	binary.LittleEndian.PutUint32(b[8:], uint32(len(b)-blockHead))
	binary.LittleEndian.PutUint32(b[12:], checksum(b[:12], b[16:]))
	d, err := parseDirectory(b, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.columns {
		if d.columns[i].String() != old.columns[i].String() || d.columns[i].offset != old.columns[i].offset+int64(more) || d.columns[i].crc != old.columns[i].crc {
			t.Errorf("%+v, want %+v", d.columns[i], old.columns[i])
		}
	}
}

func TestLongerHeaderIsRead(t *testing.T) {
	want := header{minor: 3, compatible: 4, encoder: EncoderFast, options: testOptions}
	b := append(want.append(nil), "what a later minor version needs"...)
	sealHeader(b)
	got, n, err := parseHeader(append(b, "and what follows"...))
	if err != nil || got != want || n != len(b) {
		t.Errorf("%+v of %d bytes, %v; want %+v of %d", got, n, err, want, len(b))
	}
}
