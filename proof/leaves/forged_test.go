package leaves

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/gaplessdb/gapless/proof/merkle"
	"golang.org/x/mod/sumdb/tlog"
)

// forged is a file with right checksums and any contents.
type forged struct {
	header  header
	records []forgedRecord
	gap     int // zeros behind the header
	end     func(*trailer)
}

type forgedRecord struct {
	item
	hashes []merkle.Hash
	less   int // what the length of the leaf is understated by
}

// forge prepares the file of these leaves; a test then makes it lie.
func forge(kind Kind, list []item) *forged {
	f := &forged{header: header{kind, 5}}
	var e merkle.Edge
	for _, x := range list {
		f.records = append(f.records, forgedRecord{x, e.Grow(tlog.RecordHash(x.leaf), nil), 0})
	}
	return f
}

func (f *forged) bytes() []byte {
	b := f.header.append(nil)
	salt := binary.LittleEndian.Uint32(b[16:])
	b = append(b, make([]byte, f.gap)...)
	var offsets []byte
	var e merkle.Edge
	for i, r := range f.records {
		offsets = binary.LittleEndian.AppendUint64(offsets, uint64(len(b)))
		b = append(appendHead(b, salt, int64(i), r.key, len(r.leaf)-r.less, r.hashes), r.leaf...)
		e.Append(tlog.RecordHash(r.leaf))
	}
	end := trailer{int64(len(b)), int64(len(f.records)), e.Root(), crc32.Checksum(offsets, castagnoli)}
	if f.end != nil {
		f.end(&end)
	}
	return end.append(append(b, offsets...), salt)
}

// What checksums do not find, because they were computed from it, Check finds all the same.
func TestForgedFiles(t *testing.T) {
	for name, lie := range map[string]func(*forged){
		"two leaves exchanged": func(f *forged) { f.records[3].item, f.records[4].item = f.records[4].item, f.records[3].item },
		"two keys exchanged":   func(f *forged) { f.records[3].key, f.records[4].key = f.records[4].key, f.records[3].key },
		"a key twice":          func(f *forged) { f.records[3].key = f.records[2].key },
		"an epoch 0":           func(f *forged) { f.records[0].key.Epoch = 0 },
		"a control character":  func(f *forged) { f.records[0].key.Tenant = "\n" },
		"another leaf":         func(f *forged) { f.records[2].leaf = []byte("another") },
		"another leaf and its hash": func(f *forged) {
			f.records[2].leaf = []byte("another")
			f.records[2].hashes[0] = tlog.RecordHash(f.records[2].leaf)
		},
		"another hash of two leaves":         func(f *forged) { f.records[1].hashes[1][0]++ },
		"another hash of eight leaves":       func(f *forged) { f.records[7].hashes[3][31]++ },
		"a leaf that is longer than it says": func(f *forged) { f.records[5].less = 3 },
		"a leaf that is shorter":             func(f *forged) { f.records[5].less = -3 },
		"a gap behind the header":            func(f *forged) { f.gap = 100 },
		"another root":                       func(f *forged) { f.end = func(t *trailer) { t.root[5]++ } },
		"another sum of the offsets":         func(f *forged) { f.end = func(t *trailer) { t.offSum++ } },
		"a file of a census":                 func(f *forged) { f.header.kind = Census },
	} {
		f := forge(Strips, items(Strips, 9))
		lie(f)
		r, err := open(t, f.bytes())
		must(t, err)
		if err := r.Check(context.Background()); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if b := forge(Strips, items(Strips, 9)).bytes(); !bytes.Equal(b, encode(t, Strips, 5, items(Strips, 9))) {
		t.Error("an honest forger writes another file than the writer: the cases above may pass for no reason")
	}
}

// Ends that cannot be are refused before anything is read by them.
func TestForgedEnds(t *testing.T) {
	for name, lie := range map[string]func(*trailer){
		"one leaf more": func(t *trailer) { t.count++ }, "one leaf less": func(t *trailer) { t.count-- },
		"offsets earlier": func(t *trailer) { t.index -= 8 }, "offsets in the header": func(t *trailer) { t.index = 3 },
		"offsets beyond the end": func(t *trailer) { t.index = 1 << 40 }, "negative": func(t *trailer) { t.index = -8 },
		"a count that overflows": func(t *trailer) { t.count += 1 << 61 }, "a negative count": func(t *trailer) { t.count = -1 },
		"more leaves than fit": func(t *trailer) { t.index, t.count = t.index-800, t.count+100 },
	} {
		f := forge(Strips, items(Strips, 9))
		f.end = lie
		if _, err := open(t, f.bytes()); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
