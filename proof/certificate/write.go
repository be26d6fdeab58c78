package certificate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// WriteTo writes what Encode gives, piece by piece: a certificate may be larger than the memory that is there for a second copy.
func (c *Certificate) WriteTo(w io.Writer) (n int64, err error) {
	p := newPieces(w)
	c.signed(p)
	p.member("issuer", c.Proof.Issuer)
	p.text("}}\n")
	return p.end()
}

// signed writes what the issuer signs: all up to the comma before the member "issuer", which is the last one.
func (c *Certificate) signed(p *pieces) {
	p.text("{")
	p.member("v", c.V)
	p.member("kind", c.Kind)
	p.member("origin", c.Origin)
	p.member("issued", c.Issued)
	p.member("scope", &c.Scope)
	p.member("as_of", &c.AsOf)
	p.member("verdict", c.Verdict)
	p.member("statement", &c.Statement)
	list(p, "streams", c.Streams, func(s *Stream) { p.value(s) })
	p.member("durability", &c.Durability)
	p.member("uncertain", c.Uncertain)
	p.member("not_proven", c.NotProven)
	list(p, "segments", c.Segments, func(s *Segment) { p.value(s) })
	p.name("proof")
	c.Proof.signed(p)
}

func (f *Proof) signed(p *pieces) {
	p.text("{")
	p.member("checkpoint", f.Checkpoint)
	list(p, "log", f.Log, func(e *Entry) { p.value(e) })
	p.name("census")
	p.text("{")
	p.member("log_index", f.Census.LogIndex)
	list(p, "ranges", f.Census.Ranges, p.leaves)
	p.text("}")
	list(p, "seals", f.Seals, func(s *SealTree) {
		p.text("{")
		p.member("log_index", s.LogIndex)
		p.member("ordinal", s.Ordinal)
		list(p, "ranges", s.Ranges, p.leaves)
		p.text("}")
	})
	p.member("consistency", f.Consistency)
}

// pieces writes JSON as encoding/json does, without holding more than one value of it.
type pieces struct {
	w     *bufio.Writer
	n     int64
	first bool // of the members of an object
	room  bytes.Buffer
	enc   *json.Encoder
	err   error
}

func newPieces(w io.Writer) *pieces {
	p := &pieces{w: bufio.NewWriterSize(w, 64<<10)}
	p.enc = json.NewEncoder(&p.room)
	p.enc.SetEscapeHTML(false)
	return p
}

// end writes what is held back.
func (p *pieces) end() (int64, error) {
	if p.err == nil {
		p.err = p.w.Flush()
	}
	if p.err != nil {
		return p.n, fmt.Errorf("certificate: %w", p.err)
	}
	return p.n, nil
}

func (p *pieces) text(s string) {
	p.first = s == "{"
	if p.err == nil {
		var n int
		n, p.err = p.w.WriteString(s)
		p.n += int64(n)
	}
}

// name begins a member of an object.
func (p *pieces) name(name string) {
	if !p.first {
		p.text(",")
	}
	p.text(`"` + name + `":`)
}

func (p *pieces) value(v any) {
	p.room.Reset()
	if p.err == nil {
		p.err = p.enc.Encode(v)
	}
	if p.err == nil {
		var n int
		n, p.err = p.w.Write(bytes.TrimSuffix(p.room.Bytes(), []byte("\n")))
		p.n += int64(n)
	}
}

func (p *pieces) member(name string, v any) {
	p.name(name)
	p.value(v)
}

// list is a member that is written one element after the other.
func list[T any](p *pieces, name string, items []T, each func(*T)) {
	p.name(name)
	if items == nil {
		p.text("null")
		return
	}
	p.text("[")
	for i := range items {
		if i > 0 {
			p.text(",")
		}
		each(&items[i])
	}
	p.text("]")
}

func (p *pieces) leaves(r *Range) {
	p.text("{")
	p.member("first", r.First)
	list(p, "leaves", r.Leaves, func(leaf *[]byte) { p.value(leaf) })
	p.member("proof", r.Proof)
	p.text("}")
}
