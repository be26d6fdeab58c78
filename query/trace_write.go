package query

import (
	"errors"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// write writes the answer.
func (p *tracePage) write() error {
	p.r.rows = 1
	w := &p.r.w
	w.open('{')
	w.key("device")
	w.str(p.target.key.device)
	w.key("stream")
	w.str(p.target.key.stream)
	w.key("seq")
	w.uint(p.seq)
	w.key("result")
	w.str(p.result())
	if err := p.writeEpoch(w); err != nil {
		return err
	}
	if p.row.found {
		p.writeStored(w)
	}
	if err := p.writeAbsent(w); err != nil {
		return err
	}
	p.writeBeside(w, "before", &p.before)
	p.writeBeside(w, "after", &p.after)
	if err := p.writeElsewhere(w); err != nil {
		return err
	}
	p.writeRecorder(w, "dead_letters", &p.letters, deadLetterMembers)
	p.writeRecorder(w, "conflicts", &p.conflicts, conflictMembers)
	p.r.writeState(p.asOf, &p.completeness)
	p.r.reading.write(w)
	w.close('}')
	return nil
}

// result is the answer in one word.
func (p *tracePage) result() string {
	switch {
	case p.number.Stored:
		return "stored"
	case p.number.Gap != nil:
		return "in_gap"
	case p.report.Tail.Last == nil:
		return "nothing_expected"
	case p.report.Head.First != nil && p.seq < *p.report.Head.First:
		return "below_first"
	}
	return "beyond_last"
}

// writeEpoch writes what is known of the epoch and its ends.
func (p *tracePage) writeEpoch(w *writer) error {
	w.key("epoch")
	if err := w.marshal(&p.report.Epoch); err != nil {
		return err
	}
	w.key("numbering")
	w.str(p.report.Numbering)
	w.key("head")
	if err := w.marshal(&p.report.Head); err != nil {
		return err
	}
	w.key("tail")
	if err := w.marshal(&p.report.Tail); err != nil {
		return err
	}
	w.key("said")
	w.open('[')
	for i := range p.number.Said {
		if err := w.marshal(&p.number.Said[i]); err != nil {
			return err
		}
	}
	w.close(']')
	return nil
}

// writeStored writes the frame, where it was committed, where it lies and what proves it.
func (p *tracePage) writeStored(w *writer) {
	row := &p.row.rec.Row
	w.key("frame")
	frames := frameWriter{history: p.asOf.History}
	frames.write(w, &p.target.key, &p.row.rec)
	w.key("commit")
	w.open('{')
	w.key("history")
	w.uint(p.asOf.History)
	w.key("index")
	w.uint(row.Index)
	w.key("ordinal")
	w.uint(uint64(row.Ordinal))
	w.key("applied_index")
	w.uint(p.asOf.Index)
	w.close('}')
	w.key("layer")
	p.row.writeLayer(w, &p.target)
	w.key("seal")
	w.open('{')
	w.key("ordinal")
	if row.Seal == 0 {
		w.null()
	} else {
		w.uint(uint64(row.Seal))
	}
	w.key("proof")
	if p.proof == nil {
		w.null()
	} else {
		p.proof.write(w)
	}
	if p.unproven != nil {
		writeUnproven(w, p.unproven)
	}
	w.close('}')
	w.key("unverified")
	w.uint(uint64(p.number.Unverified))
}

// writeUnproven writes why there is no proof.
func writeUnproven(w *writer, err error) {
	var shaped interface {
		HTTPError() (status int, code, message, hint string)
	}
	if !errors.As(err, &shaped) {
		return
	}
	_, code, message, hint := shaped.HTTPError()
	w.key("error")
	w.open('{')
	w.key("code")
	w.str(code)
	w.key("message")
	w.str(message)
	w.key("hint")
	w.str(hint)
	w.close('}')
}

// writeLayer says where the row lies: in memory, or in which block of which segment.
func (r *traced) writeLayer(w *writer, t *target) {
	w.open('{')
	w.key("kind")
	switch x := r.layer.(type) {
	case nil:
		w.str("head")
	case *fileLayer:
		info := x.reader.Info()
		w.str("segment")
		w.key("segment")
		w.str(info.Name.String())
		w.key("first_index")
		w.uint(info.FirstIndex)
		w.key("last_index")
		w.uint(info.LastIndex)
		if at, ok := x.epoch.Place(r.rec.Seq); ok {
			x.writeBlock(w, at)
		}
	default:
		w.str("sealed_head")
	}
	w.close('}')
}

func (f *fileLayer) writeBlock(w *writer, at segment.BlockPlace) {
	w.key("block")
	w.int(int64(at.Block))
	w.key("blocks")
	w.int(int64(f.epoch.Blocks()))
	w.key("offset")
	w.int(at.Offset)
	w.key("bytes")
	w.uint(uint64(at.Bytes))
	w.key("first_seq")
	w.uint(at.FirstSeq)
	w.key("last_seq")
	w.uint(at.LastSeq)
}

// writeAbsent writes why a number is not there.
func (p *tracePage) writeAbsent(w *writer) error {
	if g := p.number.Gap; g != nil {
		around := around{hasBefore: p.before.found, hasAfter: p.after.found, before: pointOf(&p.before.rec.Row), after: pointOf(&p.after.rec.Row)}
		g.Between = around.between()
		w.key("gap")
		if err := w.marshal(g); err != nil {
			return err
		}
	}
	if c := p.number.Claim; c != nil {
		w.key("claim")
		return w.marshal(c)
	}
	return nil
}

// writeBeside writes a stored neighbour.
func (p *tracePage) writeBeside(w *writer, name string, r *traced) {
	w.key(name)
	if !r.found {
		w.null()
		return
	}
	w.open('{')
	w.key("seq")
	w.uint(r.rec.Seq)
	p.writeWhen(w, &r.rec.Row)
	w.flags(r.rec.Flags)
	w.close('}')
}

// writeWhen writes the times of a row and where it was committed.
func (p *tracePage) writeWhen(w *writer, row *segment.Row) {
	w.key("time")
	w.timeNS(row.TimeNS)
	w.key("received")
	w.timeMS(row.ReceiveMS)
	w.key("position")
	w.str(frame.Position{History: p.asOf.History, Index: row.Index, Ordinal: row.Ordinal}.String())
}

// writeElsewhere writes what other epochs have to do with the number.
func (p *tracePage) writeElsewhere(w *writer) error {
	w.key("ambiguous")
	w.bool(p.number.Ambiguous)
	w.key("elsewhere")
	w.open('{')
	w.key("total")
	w.int(int64(p.number.ElsewhereTotal))
	w.key("list")
	w.open('[')
	for i := range p.number.Elsewhere {
		x, row := &p.number.Elsewhere[i], &p.elsewhere[i]
		w.open('{')
		w.key("epoch")
		if err := w.marshal(&x.Epoch); err != nil {
			return err
		}
		w.key("why")
		w.str(x.Why)
		w.key("seq")
		w.uint(x.Seq)
		w.key("stored")
		w.bool(x.Stored)
		if row.found {
			p.writeWhen(w, &row.rec.Row)
		}
		if x.Wraps != nil {
			w.key("wraps")
			w.open('[')
			w.uint(x.Wraps[0])
			w.uint(x.Wraps[1])
			w.close(']')
		}
		w.close('}')
	}
	w.close(']')
	w.close('}')
	return nil
}
