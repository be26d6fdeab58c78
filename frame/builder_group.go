package frame

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// group finds or opens the group of an Add; the error is an *InvalidError. A group that gets no frame is left out of the batch.
func (b *Builder) group(g *Group) (*builderGroup, error) {
	if b.last >= 0 && b.groups[b.last].Group == *g {
		return &b.groups[b.last], nil
	}
	local := !b.header.Replicated && int(g.Stream) < len(b.recent)
	if local {
		if i := b.recent[g.Stream]; i >= 0 && b.groups[i].Group == *g {
			b.last = i
			return &b.groups[i], nil
		}
	}
	i, ok := b.byGroup[*g]
	if !ok {
		if err := b.checkGroup(g); err != nil {
			return nil, err
		}
		i = b.openGroup(*g)
	}
	if local {
		b.recent[g.Stream] = i
	}
	b.last = i
	return &b.groups[i], nil
}

func (b *Builder) openGroup(g Group) int {
	g.Epoch = b.epochs.text(g.Epoch)
	b.content = appendCounter(b.content[:0], &g)
	opened := builderGroup{Group: g, head: len(b.content) + maxLengthsBytes, maxSeq: maxSeqOf(g.Bits)}
	if g.Unseq {
		opened.maxSeq = 0
	}
	if b.last >= 0 {
		opened.arranged = b.groups[b.last].arranged // the neighbour is often of the same kind
	}
	b.groups = append(b.groups, opened)
	b.byGroup[g] = len(b.groups) - 1
	return len(b.groups) - 1
}

// checkGroup validates what the caller says of a counter.
func (b *Builder) checkGroup(g *Group) error {
	if g.Stream == 0 || !b.header.Replicated && int(g.Stream) > b.ndefs {
		return invalid("unknown_stream", "call Stream first and use the id it returns",
			"stream id %d is not defined in this batch", g.Stream)
	}
	if err := ValidateEpoch(g.Epoch); err != nil {
		return err
	}
	limit := maxSeqOf(g.Bits)
	if limit == 0 {
		return invalid("bad_bits", "use 8, 16, 32 or 64", "a counter of %d bits is not supported", g.Bits)
	}
	if g.HasFirst && g.Unseq || !g.HasFirst && g.First != 0 {
		return invalid("bad_first", "declare a first number together with numbered frames only", "first number %d has no counter", g.First)
	}
	if g.First > limit {
		return seqError(g.First, g)
	}
	return nil
}

func seqError(seq uint64, g *Group) error {
	if g.Unseq {
		return invalid("seq_without_counter", "leave the number out, or declare the counter",
			"number %d in a stream whose numbers the server assigns", seq)
	}
	if seq > MaxSeq {
		return invalid("seq_out_of_range", "begin a new epoch and count from 0 or 1",
			"number %d is above the largest allowed, %d", seq, uint64(MaxSeq))
	}
	return invalid("seq_out_of_range", "send the number modulo 2^bits, or declare more bits",
		"number %d does not fit into a counter of %d bits", seq, g.Bits)
}

// Reject records a frame that the door refused. Evidence beyond MaxRejectBytes is cut off. The error is an *InvalidError.
func (b *Builder) Reject(r Reject) error {
	if err := b.checkGroup(&r.Group); err != nil {
		return err
	}
	if r.Group.Unseq {
		return invalid("bad_reject", "only frames with numbers can be accounted for", "a reject needs a number")
	}
	if r.Seq > maxSeqOf(r.Group.Bits) {
		return seqError(r.Seq, &r.Group)
	}
	if !r.Cause.Rejected() && !r.Cause.Shed() {
		return invalid("bad_cause", "use a rejected.* or shed.* cause", "cause %s is not one of a door", r.Cause)
	}
	if fault := nameProblem(r.Code, maxCodeBytes); fault != nameOK {
		return nameError("code", r.Code, fault, maxCodeBytes)
	}
	if len(r.Raw) > MaxRejectBytes {
		r.Raw = r.Raw[:MaxRejectBytes]
	}
	before := len(b.rejects)
	b.rejects = appendReject(b.rejects, &r)
	if err := b.room(len(b.rejects) - before); err != nil {
		b.rejects = b.rejects[:before]
		return err
	}
	b.nrejects++
	return nil
}

func appendReject(dst []byte, r *Reject) []byte {
	dst = appendCounter(dst, &r.Group)
	dst = appendUvarint(dst, r.Seq)
	dst = append(dst, byte(r.Cause))
	dst = appendText(dst, r.Code)
	return appendText(dst, r.Raw)
}

func putFingerprint(dst []byte, fp uint32) { binary.LittleEndian.PutUint32(dst, fp) }

// appendValue encodes one value after checking it; the error is an *InvalidError.
func appendValue(dst []byte, f *Field) ([]byte, error) {
	v := &f.Value
	switch v.Kind {
	case KindFloat:
		if v.hasDecimal() {
			return appendVarint(append(dst, tagDecimal+v.Scale), v.Mantissa), nil
		}
		return binary.LittleEndian.AppendUint64(append(dst, tagFloat), v.Num), nil
	case KindInt:
		return appendVarint(append(dst, tagInt), int64(v.Num)), nil
	case KindUint:
		if v.Num <= math.MaxInt64 {
			return nil, badValue(f, "is below 2^63 and must be an int")
		}
		return appendUvarint(append(dst, tagUint), v.Num), nil
	case KindBool:
		if v.Num > 1 {
			return nil, badValue(f, "is neither 0 nor 1")
		}
		return append(dst, tagFalse+byte(v.Num)), nil
	case KindString:
		if !utf8.Valid(v.Str) {
			return nil, invalid("bad_utf8", "send text as UTF-8, other bytes as raw", "field %q is not valid UTF-8", f.Name)
		}
		return appendText(append(dst, tagString), v.Str), nil
	case KindBytes:
		return appendText(append(dst, tagBytes), v.Str), nil
	default:
		return nil, invalid("bad_value", "send a number, a bool or a string",
			"field %q has a value of kind %d, which does not exist", f.Name, v.Kind)
	}
}

func badValue(f *Field, what string) error {
	return invalid("bad_value", "build values with frame.Uint and frame.Bool",
		"field %q: %s value %d %s", f.Name, f.Value.Kind, f.Value.Num, what)
}
