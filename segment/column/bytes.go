package column

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// Encodings of texts and binary values.
//
//	BytesConst  │ the value │
//	BytesPlain  │ row of integers: lengths │ all values in a row │
//	BytesDict   │ count - 1 │ row: lengths of the distinct values │ those in a row │ row: place of each value among them │
func appendBytes(e *Encoder, dst []byte, v [][]byte) ([]byte, Encoding) {
	if allEqual(v) {
		return append(dst, v[0]...), BytesConst
	}
	defer e.texts.forget()
	if e.texts.collect(v) && e.texts.pays(v) {
		dst = binary.AppendUvarint(dst, uint64(len(e.texts.entries)-1))
		dst = e.appendTexts(dst, e.texts.entries)
		return appendRow(e, dst, e.texts.codes, top), BytesDict
	}
	return e.appendTexts(dst, v), BytesPlain
}

func allEqual(v [][]byte) bool {
	for _, x := range v[1:] {
		if !bytes.Equal(x, v[0]) {
			return false
		}
	}
	return true
}

// pays reports whether entries and codes take less than the values, a length counted as one byte.
func (t *textTable) pays(v [][]byte) bool {
	plain := 0
	for _, x := range v {
		plain += len(x) + 1
	}
	return t.distinct+len(t.entries)+packedBytes(len(v), uint(bits.Len(uint(len(t.entries)-1)))) < plain
}

func (e *Encoder) appendTexts(dst []byte, v [][]byte) []byte {
	lengths := slices.Grow(e.mantissas[:0], len(v))
	for _, x := range v {
		lengths = append(lengths, int64(len(x)))
	}
	e.mantissas = lengths
	dst = appendRow(e, dst, lengths, top)
	for _, x := range v {
		dst = append(dst, x...)
	}
	return dst
}

func readBytes(d *Decoder, c *cursor, dst [][]byte, enc Encoding) {
	switch enc {
	case BytesConst:
		value := d.copyBytes(c, len(c.b))
		for i := range dst {
			dst[i] = value
		}
	case BytesPlain:
		d.readTexts(c, dst)
	case BytesDict:
		d.readBytesDict(c, dst)
	}
}

func (d *Decoder) readBytesDict(c *cursor, dst [][]byte) {
	entries := make([][]byte, c.count(len(dst)-1, "entries less one")+1)
	d.readTexts(c, entries)
	d.mantissas = slices.Grow(d.mantissas[:0], len(dst))[:len(dst)]
	readRow(d, c, d.mantissas, top)
	if c.err != nil {
		return
	}
	for i, code := range d.mantissas {
		if code < 0 || code >= int64(len(entries)) {
			c.fail("code %d of %d", code, len(entries))
			return
		}
		dst[i] = entries[code]
	}
}

// readTexts reads lengths and contents into dst.
func (d *Decoder) readTexts(c *cursor, dst [][]byte) {
	lengths := slices.Grow(d.mantissas[:0], len(dst))[:len(dst)]
	d.mantissas = lengths
	readRow(d, c, lengths, top)
	if c.err != nil {
		return
	}
	left := int64(len(c.b))
	for _, l := range lengths {
		if l < 0 || l > left {
			c.fail("a value of %d bytes where %d are left", l, left)
			return
		}
		left -= l
	}
	all := d.copyBytes(c, len(c.b)-int(left))
	for i, l := range lengths {
		if c.err == nil {
			dst[i], all = all[:l:l], all[l:]
		}
	}
}

// copyBytes takes n bytes out of the payload into a buffer of their own.
func (d *Decoder) copyBytes(c *cursor, n int) []byte {
	if n > d.maxBytes() {
		c.fail("%d bytes of values, the limit is %d", n, d.maxBytes())
	}
	return bytes.Clone(c.take(n))
}
