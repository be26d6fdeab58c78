package query

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// fieldUse is how the rows of an export use a field: which kinds of values it has, and how large integers are.
type fieldUse struct {
	kinds       uint8 // 1 << frame.Kind
	hasInt      bool
	least, most int64  // of KindInt
	greatest    uint64 // of KindUint
	name        string
	column      string // its name in the header
}

func (f *fieldUse) has(k frame.Kind) bool { return f.kinds&(1<<k) != 0 }

// note takes in a value.
func (f *fieldUse) note(v *frame.Value) {
	f.kinds |= 1 << v.Kind
	switch v.Kind {
	case frame.KindInt:
		f.noteInts(v.Int64(), v.Int64())
	case frame.KindUint:
		f.greatest = max(f.greatest, v.Uint64())
	}
}

func (f *fieldUse) noteInts(least, most int64) {
	if !f.hasInt {
		f.hasInt, f.least, f.most = true, least, most
	}
	f.least, f.most = min(f.least, least), max(f.most, most)
}

// fieldScan finds the fields of all rows of an export, before the first is written: a header cannot be written later. Of whole blocks it
// reads only what their directories say.
type fieldScan struct {
	walk
	show    shown
	fields  map[string]*fieldUse
	decoded frame.Frame
	err     error // there are too many
}

// scanFields returns the fields that rows of the export have, ascending by name. Each stretch has the deadline of an answer.
func (e *exportStream) scanFields(show shown) ([]*fieldUse, error) {
	f := &fieldScan{walk: e.walk, show: show, fields: map[string]*fieldUse{}}
	for !f.ended() {
		if err := f.stretch(); err != nil {
			return nil, err
		}
	}
	list := make([]*fieldUse, 0, len(f.fields))
	for _, name := range slices.Sorted(maps.Keys(f.fields)) {
		list = append(list, f.fields[name])
	}
	return list, nil
}

func (f *fieldScan) stretch() error {
	ctx, cancel := context.WithTimeout(context.Background(), f.api.opt.Deadline)
	defer cancel()
	f.r.ctx = ctx
	f.r.reading.renew(ctx)
	var s stretch
	if err := f.api.view(f.r, func(v *View) error { return f.collect(v, &s, math.MaxInt) }); err != nil {
		return err
	}
	for _, rows := range s.rows {
		for i := range rows {
			f.noteBody(rows[i].Body)
		}
		if err := f.layers(&s); err != nil {
			return timeoutError(err, f.api.opt.Deadline)
		}
		if f.err != nil {
			return f.err
		}
		if f.place = (place{at: f.at + 1}); f.at > s.end.at {
			f.place = s.end
		}
	}
	return nil
}

// layers looks at the rows of the target at hand that are in no newest head, as far as the stretch reaches.
func (f *fieldScan) layers(s *stretch) error {
	t := &f.targets[f.at]
	span := f.span
	span.FirstSeq = max(span.FirstSeq, f.seq)
	if f.at == s.end.at {
		span.LastSeq = min(span.LastSeq, s.end.seq-1)
	}
	wants := merge{span: span, asOf: f.asOf.Index}
	return s.layers.each(t, wants.wants, func(x layer) (bool, error) {
		if !x.overlaps(&span) {
			return true, nil
		}
		if file, ok := x.(*fileLayer); ok && file.reader.Info().LastIndex <= f.asOf.Index {
			return true, f.blocks(file, span)
		}
		return true, f.rows(x, span)
	})
}

// blocks reads the directories of the blocks that lie in the span, and the rows of those that do so in part or are shared with other
// epochs.
func (f *fieldScan) blocks(file *fileLayer, span segment.Span) error {
	var failed error
	err := file.reader.Statistics(&file.epoch, func(b segment.BlockStats) bool {
		if b.FirstSeq > span.LastSeq || b.LastSeq < span.FirstSeq || b.FirstNS > span.LastNS || b.LastNS < span.FirstNS {
			return true
		}
		inside := b.FirstSeq >= span.FirstSeq && b.LastSeq <= span.LastSeq && b.FirstNS >= span.FirstNS && b.LastNS <= span.LastNS
		if inside && !b.Shared {
			file.g.blocks++
			f.noteBlock(&b)
			return true
		}
		part := span
		part.FirstSeq, part.LastSeq = max(span.FirstSeq, b.FirstSeq), min(span.LastSeq, b.LastSeq)
		failed = f.rows(file, part)
		return failed == nil
	})
	if failed != nil {
		return failed
	}
	return damagedSegment(file.reader.Info().Name, err)
}

// rows looks at rows one by one.
func (f *fieldScan) rows(x layer, span segment.Span) error {
	if err := f.r.expired(); err != nil {
		return err
	}
	_, err := x.scan(span, f.show.columns(), func(rec *segment.Record) bool {
		if rec.Index > f.asOf.Index {
			return true
		}
		if rec.Body.Size() > 0 {
			f.noteBody(rec.Body)
		}
		for i := range rec.Fields {
			f.note(&rec.Fields[i])
		}
		return f.err == nil
	})
	return err
}

func (f *fieldScan) noteBody(b frame.Body) {
	b.Decode(&f.decoded)
	for i := range f.decoded.Fields {
		f.note(&f.decoded.Fields[i])
	}
}

func (f *fieldScan) note(field *frame.Field) {
	if f.show.field(field.Name) {
		f.use(field.Name).note(&field.Value)
	}
}

func (f *fieldScan) noteBlock(b *segment.BlockStats) {
	for i := range b.Fields {
		s := &b.Fields[i]
		if !f.show.field(s.Name) {
			continue
		}
		use := f.use(s.Name)
		use.kinds |= 1 << s.Kind
		switch s.Kind {
		case frame.KindInt:
			use.noteInts(s.Min.Int64(), s.Max.Int64())
		case frame.KindUint:
			use.greatest = max(use.greatest, s.Max.Uint64())
		}
	}
}

func (f *fieldScan) use(name string) *fieldUse {
	u := f.fields[name]
	if u == nil {
		u = &fieldUse{name: name}
		if len(f.fields) == f.api.opt.MaxColumns {
			f.err = limitError("query.max_columns", f.api.opt.MaxColumns, "name the fields with fields=, or take format=ndjson")
			return u
		}
		f.fields[name] = u
	}
	return u
}
