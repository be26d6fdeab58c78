package query

import (
	"encoding/binary"
	"math/bits"

	"github.com/gaplessdb/gapless/ledger"
)

// completeness says how much of what an answer selects is stored. missing is what is expected and not stored, whatever the cause.
type completeness struct {
	verdict          ledger.Grade
	expected, stored uint64
	through          through
}

// through is the end of what is complete without a hole: epoch and number where the answer is about one stream, and the time.
type through struct {
	hasSeq, hasTime bool
	epoch           uint32
	seq             uint64
	timeNS          int64
}

func (c *completeness) missing() uint64 { return c.expected - min(c.stored, c.expected) }

// ratio is stored / expected in millionths of a millionth, rounded down: it is 10^12 only when nothing is missing.
func (c *completeness) ratio() uint64 {
	const one = 1_000_000_000_000
	if c.stored >= c.expected {
		return one
	}
	hi, lo := bits.Mul64(c.stored, one)
	q, _ := bits.Div64(hi, lo, c.expected) // stored < expected, so the quotient is below one
	return q
}

// writeRatio writes the ratio as a decimal number; null when nothing was expected.
func (c *completeness) writeRatio(w *writer) {
	if c.expected == 0 {
		w.null()
		return
	}
	ratio := c.ratio()
	if ratio == 1_000_000_000_000 {
		w.raw("1")
		return
	}
	digits := [14]byte{'0', '.'}
	for i := len(digits) - 1; i >= 2; i-- {
		digits[i] = '0' + byte(ratio%10)
		ratio /= 10
	}
	end := len(digits)
	for end > 3 && digits[end-1] == '0' {
		end--
	}
	w.raw(string(digits[:end]))
}

func (c *completeness) write(w *writer) {
	w.open('{')
	w.key("ratio")
	c.writeRatio(w)
	w.key("verdict")
	w.str(c.verdict.String())
	w.key("expected")
	w.uint(c.expected)
	w.key("stored")
	w.uint(c.stored)
	w.key("missing")
	w.uint(c.missing())
	w.key("complete_through")
	c.through.write(w)
	w.close('}')
}

func (t *through) write(w *writer) {
	if !t.hasSeq && !t.hasTime {
		w.null()
		return
	}
	w.open('{')
	if t.hasSeq {
		w.key("epoch")
		w.uint(uint64(t.epoch))
		w.key("seq")
		w.uint(t.seq)
	}
	if t.hasTime {
		w.key("time")
		w.timeNS(t.timeNS)
	}
	w.close('}')
}

// append encodes the completeness for a cursor.
func (c *completeness) append(b []byte) []byte {
	b = append(b, byte(c.verdict))
	b = binary.AppendUvarint(b, c.expected)
	b = binary.AppendUvarint(b, c.stored)
	flags := byte(0)
	if c.through.hasSeq {
		flags |= 1
	}
	if c.through.hasTime {
		flags |= 2
	}
	b = append(b, flags)
	b = binary.AppendUvarint(b, uint64(c.through.epoch))
	b = binary.AppendUvarint(b, c.through.seq)
	return binary.AppendVarint(b, c.through.timeNS)
}

// completeness decodes what append wrote.
func (d *decoder) completeness() *completeness {
	c := &completeness{verdict: ledger.Grade(d.byte()), expected: d.uvarint(), stored: d.uvarint()}
	flags := d.byte()
	c.through = through{hasSeq: flags&1 != 0, hasTime: flags&2 != 0, epoch: d.uvarint32(), seq: d.uvarint(), timeNS: d.varint()}
	d.bad = d.bad || flags > 3 || c.verdict == 0 || c.verdict > ledger.Complete
	return c
}
