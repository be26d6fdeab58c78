package world

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// What no writer of segments does: a file whose parts are sound, and do not fit each other. The layout is that of docs/format/segment.md.

const (
	trailerBytes = 16
	pageHead     = 14
	offsetColumn = 6 // of a page
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// pieces are the parts of a segment file with a single block.
type pieces struct {
	header, counts []byte
	sections       [3][]byte // blocks, device index, top index
}

// Splice puts segments with the same header, a block and a page each, one behind the other into one file, whatever the order of their frames.
// Page by page it is sound, and so is the top index if the first frames of the segments ascend.
func (w *World) Splice(files ...[]byte) []byte {
	w.TB.Helper()
	var parts []pieces
	var counts [32]byte
	le := binary.LittleEndian
	for i, f := range files {
		p := piecesOf(f)
		parts = append(parts, p)
		if !bytes.Equal(p.header, parts[0].header) || le.Uint32(p.counts[12:]) != 1 {
			w.TB.Fatalf("segment %d has another header, or %d blocks", i, le.Uint32(p.counts[12:]))
		}
		le.PutUint64(counts[:], le.Uint64(counts[:])+le.Uint64(p.counts))
		le.PutUint32(counts[8:], le.Uint32(counts[8:])+le.Uint32(p.counts[8:]))
		le.PutUint32(counts[12:], le.Uint32(counts[12:])+1)
		copy(counts[16:], p.counts[16:]) // times, which no reader but Verify looks at
	}
	out := bytes.Clone(parts[0].header)
	footer := le.AppendUint16(bytes.Clone(parts[0].header), uint16(len(counts)))
	footer = le.AppendUint16(append(footer, counts[:]...), uint16(len(parts[0].sections)))
	at := int64(len(out)) // of a block
	for kind := range parts[0].sections {
		from := len(out)
		for i, p := range parts {
			b := p.sections[kind]
			if kind == 1 {
				b = w.moved(b, at)
				at += int64(len(parts[i].sections[0]))
			}
			out = append(out, b...)
		}
		footer = le.AppendUint32(le.AppendUint32(footer, uint32(kind+1)), crc32.Checksum(out[from:], castagnoli))
		footer = le.AppendUint64(le.AppendUint64(footer, uint64(from)), uint64(len(out)-from))
	}
	out = le.AppendUint32(append(out, footer...), uint32(len(footer)))
	end := files[0][len(files[0])-8:] // version and magic
	sum := crc32.Update(crc32.Checksum(out[len(out)-len(footer)-4:], castagnoli), castagnoli, end)
	return append(le.AppendUint32(out, sum), end...)
}

// piecesOf takes a file apart.
func piecesOf(file []byte) (p pieces) {
	le := binary.LittleEndian
	n := len(file) - trailerBytes
	footer := file[n-int(le.Uint32(file[n:])) : n]
	p.header, footer = footer[:le.Uint32(footer[8:])], footer[le.Uint32(footer[8:]):]
	p.counts, footer = footer[2:2+le.Uint16(footer)], footer[2+le.Uint16(footer)+2:]
	for i := range p.sections {
		from := le.Uint64(footer[24*i+8:])
		p.sections[i] = file[from : from+le.Uint64(footer[24*i+16:])]
	}
	return p
}

// moved is a page whose entries all lie in the block at an offset.
func (w *World) moved(page []byte, offset int64) []byte {
	w.TB.Helper()
	b := bytes.Clone(page)
	for at := pageHead; at < len(b); {
		length, n := binary.Uvarint(b[at+3:])
		payload := b[at+3+n : at+3+n+int(length)]
		if b[at] == offsetColumn {
			if moved := binary.AppendVarint(nil, offset); copy(payload, moved) != len(moved) || len(payload) != len(moved) {
				w.TB.Fatalf("an offset of %d bytes, the page has %d", len(moved), len(payload))
			}
		}
		at += 3 + n + int(length)
	}
	binary.LittleEndian.PutUint32(b, crc32.Checksum(b[4:], castagnoli))
	return b
}
