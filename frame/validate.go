package frame

import (
	"fmt"
	"unicode/utf8"
)

// cursor walks the parts of a batch that are not frames. The first fault sticks and later reads return zeros, so that the callers need
// one check where it matters: before they loop or allocate.
type cursor struct {
	b   []byte
	i   int
	err error
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = &CorruptError{Offset: c.i, Reason: fmt.Sprintf(format, args...)}
	}
	c.i = len(c.b)
}

func (c *cursor) uvarint(what string) uint64 {
	v, i := uvarint(c.b, c.i)
	if i > len(c.b) {
		c.fail("%s is not a number", what)
		return 0
	}
	c.i = i
	return v
}

// count reads a number of things that have at least size bytes each, so that what follows can hold them.
func (c *cursor) count(what string, size int) int {
	v := c.uvarint(what)
	if left := len(c.b) - c.i; v > uint64(left/size) {
		c.fail("%s is %d, the %d bytes that follow cannot hold so many", what, v, left)
		return 0
	}
	return int(v)
}

func (c *cursor) byte(what string) byte {
	if c.i >= len(c.b) {
		c.fail("%s is missing", what)
		return 0
	}
	c.i++
	return c.b[c.i-1]
}

func (c *cursor) text(what string, limit int) []byte {
	s, i := text(c.b, c.i)
	if i > len(c.b) || len(s) > limit {
		c.fail("%s is longer than %d bytes or than the batch", what, limit)
		return nil
	}
	c.i = i
	return s
}

func (c *cursor) name(what string, limit int) []byte {
	at := c.i
	s := c.text(what, limit)
	if fault := nameProblem(s, limit); fault != nameOK && c.err == nil {
		c.i = at
		c.fail("%s name is %s", what, fault)
	}
	return s
}

func (c *cursor) optionalName(what string, limit int) []byte {
	if c.i < len(c.b) && c.b[c.i] == 0 {
		c.i++
		return nil
	}
	return c.name(what, limit)
}

// check validates the body and notes where its parts are.
func (r *Reader) check() error {
	c := cursor{b: r.b, i: preambleBytes}
	r.checkHeader(&c)
	r.checkDefs(&c)
	r.shapesAt = c.i
	nshapes, nnames, section := checkShapes(&c)
	if c.err != nil {
		return c.err
	}
	if r.table == nil || r.table.section != string(section) {
		r.table = parseShapes(section, nshapes, nnames)
	}
	r.checkGroups(&c)
	r.checkRejects(&c)
	if c.i != len(c.b) {
		c.fail("%d bytes follow the end", len(c.b)-c.i)
	}
	return c.err
}

func (r *Reader) checkHeader(c *cursor) {
	ms := unzigzag(c.uvarint("receive time"))
	if ms > maxReceiveMS || ms < -maxReceiveMS {
		c.fail("receive time is %d ms, beyond what nanoseconds can hold", ms)
	}
	r.header.ReceiveMS = ms
	r.header.Node = r.names.bytes(c.optionalName("node", MaxNameBytes))
	r.header.Listener = r.names.bytes(c.optionalName("listener", MaxNameBytes))
}

func (r *Reader) checkDefs(c *cursor) {
	r.ndefs = c.count("number of definitions", 7)
	r.defsAt = c.i
	for k := 1; k <= r.ndefs && c.err == nil; k++ {
		id := c.uvarint("stream id")
		if id == 0 || id > 1<<32-1 || !r.header.Replicated && id != uint64(k) {
			c.fail("stream id of definition %d is %d", k, id)
		}
		c.name("tenant", MaxNameBytes)
		c.name("device", MaxNameBytes)
		c.name("stream", MaxNameBytes)
	}
}

// checkShapes returns how many shapes and names the section has, and its bytes.
func checkShapes(c *cursor) (nshapes, nnames int, section []byte) {
	start := c.i
	nshapes = c.count("number of shapes", 3)
	for k := 0; k < nshapes && c.err == nil; k++ {
		fields := c.count("number of fields", 2)
		if fields == 0 || fields > MaxFields {
			c.fail("shape %d has %d fields, 1 to %d are allowed", k+1, fields, MaxFields)
		}
		var last []byte
		for n := 0; n < fields && c.err == nil; n++ {
			name := c.name("field", MaxNameBytes)
			if n > 0 && string(name) <= string(last) && c.err == nil {
				c.fail("field names %q, %q are not ascending", last, name)
			}
			last = name
		}
		nnames += fields
	}
	return nshapes, nnames, c.b[start:c.i]
}

// counter validates a group's or reject's counter and returns it without the epoch's text, which it returns apart.
func (c *cursor) counter(r *Reader) (g Group, epoch []byte) {
	id := c.uvarint("stream id")
	if id == 0 || id > 1<<32-1 || !r.header.Replicated && id > uint64(r.ndefs) {
		c.fail("stream id %d is not defined, %d are", id, r.ndefs)
	}
	flags := c.byte("counter flags")
	if flags&^(counterEpoch|counterFirst|counterUnseq) != 0 || flags&counterFirst != 0 && flags&counterUnseq != 0 {
		c.fail("counter flags are %02x", flags)
	}
	g = Group{Stream: StreamID(id), Bits: c.byte("bits"), HasFirst: flags&counterFirst != 0, Unseq: flags&counterUnseq != 0}
	limit := maxSeqOf(g.Bits)
	if limit == 0 {
		c.fail("a counter has %d bits", g.Bits)
	}
	if flags&counterEpoch != 0 {
		epoch = c.name("epoch", MaxEpochBytes)
	}
	if g.HasFirst {
		if g.First = c.uvarint("first number"); g.First > limit {
			c.fail("first number %d does not fit into %d bits", g.First, g.Bits)
		}
	}
	return g, epoch
}

func (r *Reader) checkGroups(c *cursor) {
	r.ngroups = c.count("number of groups", 5+1+minFrameBytes)
	r.groupsAt = c.i
	r.nframes = 0
	for k := 0; k < r.ngroups && c.err == nil; k++ {
		g, _ := c.counter(r)
		frames := c.uvarint("number of frames")
		size := c.count("length of frames", 1)
		if frames == 0 || frames > uint64(size/(1+minFrameBytes)) || frames > uint64(MaxBatchFrames-r.nframes) {
			c.fail("%d frames cannot be in %d bytes, or are too many for one batch", frames, size)
			return
		}
		r.nframes += int(frames)
		at, fault := r.checkFrames(c.b[c.i:c.i+size], &g, int(frames))
		c.i += at
		if fault != "" {
			c.fail("%s", fault)
		}
	}
}

// checkFrames validates the frames of one group. It returns where it stopped, which is the end, or where the fault lies.
func (r *Reader) checkFrames(b []byte, g *Group, frames int) (at int, fault string) {
	next, limit := uint64(0), maxSeqOf(g.Bits)
	i := 0
	for range frames {
		size, j := uvarint(b, i)
		if j > len(b) || size > uint64(len(b)-j) || size > MaxFrameBytes || size < minFrameBytes {
			return i, "length of a frame does not fit"
		}
		p := b[j : j+int(size)]
		k := 1
		if p[0]&^(frameSnapshot|frameNoTime) != 0 {
			return j, "unknown frame flags"
		}
		if !g.Unseq {
			var delta int64
			delta, k = varint(p, k)
			if next += uint64(delta); next > limit {
				return j, "number of a frame does not fit the counter"
			}
			next++
		}
		if p[0]&frameNoTime == 0 {
			_, k = uvarint(p, k)
		}
		shape, k := uvarint(p, k+fingerprintBytes)
		if k > len(p) || shape > uint64(len(r.table.shapes)) {
			return j, "frame is too short, or has an unknown shape"
		}
		for range r.table.at(shape).names {
			k = checkValue(p, k)
		}
		if k > len(p) {
			return j, "value does not fit its frame or its kind"
		}
		i = j + int(size)
	}
	if i != len(b) {
		return i, "bytes follow the last frame of a group"
	}
	return i, ""
}

// checkValue returns the index after the value, one beyond len(b) when it is damaged.
func checkValue(b []byte, i int) int {
	bad := len(b) + 1
	if i >= len(b) {
		return bad
	}
	var v uint64
	switch tag := b[i]; tag {
	case tagFloat:
		return i + 9
	case tagInt:
		_, i = uvarint(b, i+1)
		return i
	case tagUint:
		if v, i = uvarint(b, i+1); v < 1<<63 {
			return bad
		}
		return i
	case tagFalse, tagTrue:
		return i + 1
	case tagString:
		var s []byte
		if s, i = text(b, i+1); !utf8.Valid(s) {
			return bad
		}
		return i
	case tagBytes:
		_, i = text(b, i+1)
		return i
	default:
		if tag < tagDecimal || tag > tagDecimal+maxScale {
			return bad
		}
		if v, i = uvarint(b, i+1); v > 2*maxMantissa { // zigzag doubles it
			return bad
		}
		return i
	}
}

func (r *Reader) checkRejects(c *cursor) {
	r.nrejects = c.count("number of rejects", 3+1+1+2+1)
	r.rejectsAt = c.i
	for k := 0; k < r.nrejects && c.err == nil; k++ {
		g, _ := c.counter(r)
		if seq := c.uvarint("number of a reject"); seq > maxSeqOf(g.Bits) || g.Unseq {
			c.fail("reject of number %d does not fit a counter of %d bits", seq, g.Bits)
		}
		if cause := Cause(c.byte("cause")); !cause.Rejected() && !cause.Shed() {
			c.fail("cause %d is not one of a door", cause)
		}
		c.name("code", maxCodeBytes)
		c.text("evidence", MaxRejectBytes)
	}
}
