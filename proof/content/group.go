package content

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/gaplessdb/gapless/frame"
)

// A group is a leaf of the frame tree of a strip: the frames of one epoch and one seal ordinal with equal seq>>6, ascending. Integers are
// little endian.
//
//	group = "gapless/frames/v1", 3 x { length u16, tenant | device | stream }, epoch u32, seal ordinal u32, frames u8, frames x frame
//	frame = seq u64, flags u8 (1 snapshot, 2 no device time, 128 the fields of the frame before), time ns i64 (0 without device time),
//	        unless flag 128 is set: fields u16, fields x { length u16, name, kind u8 }, ascending by name,
//	        values x { 8 bytes of float bits, int, uint or bool | length u32, bytes of string or bytes }, length u32, raw
//
// Flag 128 is set exactly when names and kinds are those of the frame before in the group: a group has one form.
const (
	groupDomain = "gapless/frames/v1"

	groupBits   = 6
	groupFrames = 1 << groupBits // most frames of a group
	groupMask   = groupFrames - 1

	flagSnapshot  = 1 << 0
	flagNoTime    = 1 << 1
	flagSameShape = 1 << 7
)

// Group is the frames that are hashed together.
type Group struct {
	Key     frame.StreamKey
	Epoch   uint32
	Ordinal uint32
	Frames  []Frame // 1 to 64, ascending by seq, with equal seq>>6
}

// Frame is what of a stored frame is content. The rest (receive time, position in the log, what the ledger found out) is not hashed.
type Frame struct {
	Seq    uint64
	TimeNS int64 // device time; 0 with NoTime
	NoTime bool
	Class  frame.Class
	Fields []frame.Field // ascending by name, none twice; no value has the decimal hint
	Raw    []byte        // nil when there is none
}

// AppendGroup appends the canonical bytes. Those of a group that breaks a rule are refused by ParseGroup.
func AppendGroup(dst []byte, g *Group) []byte {
	dst = appendHead(dst, groupDomain, g.Key, g.Epoch)
	dst = binary.LittleEndian.AppendUint32(dst, g.Ordinal)
	dst = append(dst, byte(len(g.Frames)))
	var shape, before []byte
	for i := range g.Frames {
		f := &g.Frames[i]
		shape = f.appendShape(shape[:0])
		dst = f.append(dst, shape, i > 0 && bytes.Equal(shape, before))
		shape, before = before, shape
	}
	return dst
}

// appendShape appends names and kinds.
func (f *Frame) appendShape(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(f.Fields)))
	for i := range f.Fields {
		dst = append(appendName(dst, f.Fields[i].Name), byte(f.Fields[i].Value.Kind))
	}
	return dst
}

func (f *Frame) append(dst, shape []byte, same bool) []byte {
	flags := flagsOf(f.Class, f.NoTime)
	if same {
		flags |= flagSameShape
	}
	dst = append(binary.LittleEndian.AppendUint64(dst, f.Seq), flags)
	ns := f.TimeNS
	if f.NoTime {
		ns = 0
	}
	dst = binary.LittleEndian.AppendUint64(dst, uint64(ns))
	if !same {
		dst = append(dst, shape...)
	}
	for i := range f.Fields {
		if v := &f.Fields[i].Value; isText(v.Kind) {
			dst = appendText(dst, v.Str)
		} else {
			dst = binary.LittleEndian.AppendUint64(dst, v.Num)
		}
	}
	return appendText(dst, f.Raw)
}

func appendText(dst, text []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(text))), text...)
}

func isText(k frame.Kind) bool { return k == frame.KindString || k == frame.KindBytes }

func flagsOf(class frame.Class, noTime bool) (flags byte) {
	if class == frame.ClassSnapshot {
		flags |= flagSnapshot
	}
	if noTime {
		flags |= flagNoTime
	}
	return flags
}

// ParseGroup reads canonical bytes and nothing else: what it accepts, AppendGroup writes again byte for byte. Everything else is ErrForm. Texts
// and raw payloads refer to b.
func ParseGroup(b []byte) (Group, error) {
	p := parser{what: "group", b: b}
	var g Group
	g.Key, g.Epoch, g.Ordinal = p.head(groupDomain)
	count := p.u8("count of frames")
	if p.err == nil && (count < 1 || count > groupFrames) {
		p.fail(fmt.Sprintf("1 to %d frames", groupFrames), count)
	}
	var s shapeParser
	for i := 0; i < int(count) && p.err == nil; i++ {
		f := p.frame(&s, i == 0)
		if i > 0 && p.err == nil {
			if before := g.Frames[i-1].Seq; f.Seq <= before || f.Seq>>groupBits != before>>groupBits {
				p.fail(fmt.Sprintf("a number from %d to %d", before+1, before|groupMask), f.Seq)
			}
		}
		g.Frames = append(g.Frames, f)
	}
	if err := p.end(); err != nil {
		return Group{}, err
	}
	return g, nil
}

// shapeParser knows the names and kinds of the frame before.
type shapeParser struct {
	bytes  []byte
	fields []frame.Field // without values
}

func (p *parser) frame(s *shapeParser, first bool) (f Frame) {
	f.Seq = p.u64("seq")
	flags := p.u8("flags")
	same := flags&flagSameShape != 0
	if p.err == nil && (flags&^(flagSnapshot|flagNoTime|flagSameShape) != 0 || same && first) {
		p.fail("flags 1, 2, and 128 behind a frame", flags)
	}
	f.Class, f.NoTime = frame.ClassEvent, flags&flagNoTime != 0
	if flags&flagSnapshot != 0 {
		f.Class = frame.ClassSnapshot
	}
	f.TimeNS = int64(p.u64("time"))
	if f.NoTime && f.TimeNS != 0 {
		p.fail("time 0 where there is none", f.TimeNS)
	}
	if !same {
		p.shape(s, first)
	}
	f.Fields = append([]frame.Field(nil), s.fields...)
	for i := range f.Fields {
		p.value(&f.Fields[i].Value)
	}
	if raw := p.take(uint64(p.u32("length of raw")), "raw"); len(raw) > 0 {
		f.Raw = raw
	}
	return f
}

// shape reads names and kinds, which differ from those of the frame before.
func (p *parser) shape(s *shapeParser, first bool) {
	from := p.at
	count := int(p.u16("count of fields"))
	if count > frame.MaxFields {
		p.fail(fmt.Sprintf("%d fields at most", frame.MaxFields), count)
	}
	fields := make([]frame.Field, 0, min(count, 64))
	for i := 0; i < count && p.err == nil; i++ {
		f := frame.Field{Name: p.name("field"), Value: frame.Value{Kind: frame.Kind(p.u8("kind"))}}
		if p.err == nil && i > 0 && f.Name <= fields[i-1].Name {
			p.fail(fmt.Sprintf("a name above %q", fields[i-1].Name), fmt.Sprintf("%q", f.Name))
		}
		if k := f.Value.Kind; p.err == nil && (k < frame.KindFloat || k > frame.KindBytes) {
			p.fail("a kind from 1 to 6", uint8(k))
		}
		fields = append(fields, f)
	}
	shape := p.b[from:p.at]
	if p.err == nil && !first && bytes.Equal(shape, s.bytes) {
		p.fail("flag 128 for the fields of the frame before", "them again")
	}
	s.bytes, s.fields = shape, fields
}

func (p *parser) value(v *frame.Value) {
	if isText(v.Kind) {
		v.Str = p.take(uint64(p.u32("length of a text")), "text")
		return
	}
	v.Num = p.u64("value")
	if v.Kind == frame.KindBool && v.Num > 1 {
		p.fail("a bool of 0 or 1", v.Num)
	}
}
