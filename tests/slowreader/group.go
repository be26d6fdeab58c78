package slowreader

import (
	"fmt"
	"slices"
)

const (
	maxGroup  = 64
	maxFields = 1024
)

// ParseGroup reads the frames of a group, and refuses every form but the one that it has.
func ParseGroup(b []byte) (ordinal uint32, rows []Row, err error) {
	in := &input{rest: b}
	if got := in.fixed(len(groupMagic)); in.err == nil && string(got) != groupMagic {
		in.fail("a group begins with %q", got)
	}
	var key Key
	key.Tenant, key.Device, key.Stream = in.name(uint64(in.u16())), in.name(uint64(in.u16())), in.name(uint64(in.u16()))
	key.Epoch, ordinal = in.u32(), in.u32()
	frames := in.u8()
	if in.err == nil && (ordinal == 0 || frames == 0 || frames > maxGroup) {
		in.fail("ordinal %d, %d frames", ordinal, frames)
	}
	for i := 0; i < int(frames) && in.err == nil; i++ {
		r := Row{Key: key, Seal: ordinal}
		if i == 0 {
			in.frame(&r, nil)
		} else {
			in.frame(&r, &rows[i-1])
		}
		rows = append(rows, r)
	}
	if err := in.end(); err != nil {
		return 0, nil, fmt.Errorf("group: %w", err)
	}
	return ordinal, rows, nil
}

// frame reads one frame of a group, behind the one before, if any.
func (in *input) frame(r, before *Row) {
	r.Seq = in.u64()
	flags := in.u8()
	r.TimeNS = int64(in.u64())
	if in.err == nil && before != nil && (r.Seq <= before.Seq || r.Seq>>6 != before.Seq>>6) {
		in.fail("number %d stands behind %d", r.Seq, before.Seq)
	}
	r.Class = 1
	if flags&contentSnapshot != 0 {
		r.Class = 2
	}
	if flags&contentNoTime != 0 {
		if r.Flags = flagNoTime; r.TimeNS != 0 {
			in.fail("a time where there is none")
		}
	}
	same := flags&contentSameShape != 0
	if flags&^(contentSnapshot|contentNoTime|contentSameShape) != 0 || same && before == nil {
		in.fail("flags %#x", flags)
	}
	switch {
	case in.err != nil:
		return
	case same:
		for _, f := range before.Fields {
			r.Fields = append(r.Fields, Field{Name: f.Name, Kind: f.Kind})
		}
	default:
		in.shape(r)
		if before != nil && slices.EqualFunc(before.Fields, r.Fields, func(a, b Field) bool { return a.Name == b.Name && a.Kind == b.Kind }) {
			in.fail("a shape that repeats the one before")
		}
	}
	for i := range r.Fields {
		in.value(&r.Fields[i])
	}
	r.Raw = in.take(uint64(in.u32()))
}

func (in *input) shape(r *Row) {
	fields := in.u16()
	if fields > maxFields {
		in.fail("%d fields", fields)
	}
	for i := 0; i < int(fields) && in.err == nil; i++ {
		f := Field{Name: in.name(uint64(in.u16())), Kind: in.u8()}
		if in.err == nil && (f.Kind < kindFloat || f.Kind > kindBytes || i > 0 && f.Name <= r.Fields[i-1].Name) {
			in.fail("field %q of kind %d", f.Name, f.Kind)
		}
		r.Fields = append(r.Fields, f)
	}
}

func (in *input) value(f *Field) {
	switch f.Kind {
	case kindString, kindBytes:
		f.Bytes = in.take(uint64(in.u32()))
	default:
		if f.Bits = in.u64(); f.Kind == kindBool && f.Bits > 1 {
			in.fail("a truth value of %d", f.Bits)
		}
	}
}
