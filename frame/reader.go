package frame

import (
	"encoding/binary"
	"iter"
)

// Reader decodes one batch. Reset checks all of it; after that nothing can fail. What it returns refers to the batch, which must not
// change while any of it is in use: copy what shall live longer. Strings may be kept. A Reader keeps its buffers across batches, also
// when Bodies of an earlier batch are still in use. Not safe for concurrent use.
//
//	for r.NextGroup(&g) {
//		for r.Next(&it) { ... }
//	}
type Reader struct {
	b       []byte
	header  Header
	table   *shapeTable
	names   interner
	ids     []StreamID // scratch of Rebase
	content []byte     // scratch of VerifyFingerprints

	ndefs, ngroups, nframes, nrejects     int
	defsAt, shapesAt, groupsAt, rejectsAt int

	// The iteration: groups not begun yet, where the next one starts, and the state of the one at hand.
	groupsLeft int
	groupAt    int
	frames     groupFrames
}

// groupFrames is the iteration over the frames of one group.
type groupFrames struct {
	b        []byte // the batch up to the group's end
	i        int
	next     uint64 // sequence number that a delta of 0 means
	lastTime int64
	unseq    bool
}

// Reset takes a batch and validates it: *VersionError for another version, *CorruptError for anything else that is not a well-formed
// batch. After an error the Reader is empty. It allocates in proportion to the table of shapes, and nothing when that is the one
// of the batch before.
func (r *Reader) Reset(b []byte) error {
	replicated, err := checkPreamble(b)
	r.b, r.header = b, Header{Replicated: replicated}
	if err == nil {
		err = r.check()
	}
	if err != nil {
		r.clear()
		return err
	}
	r.Rewind()
	return nil
}

func (r *Reader) clear() {
	r.b, r.header = nil, Header{}
	r.ndefs, r.ngroups, r.nframes, r.nrejects = 0, 0, 0, 0
	r.Rewind()
}

// Rewind starts the iteration over groups again.
func (r *Reader) Rewind() {
	r.groupsLeft, r.groupAt, r.frames = r.ngroups, r.groupsAt, groupFrames{}
}

// Header says who received the batch and when.
func (r *Reader) Header() Header { return r.header }

// Frames is the number of frames in the batch.
func (r *Reader) Frames() int { return r.nframes }

// Groups is the number of groups in the batch.
func (r *Reader) Groups() int { return r.ngroups }

// NextGroup moves to the next group, past what is left of the one at hand; false at the end of the batch.
func (r *Reader) NextGroup(g *Group) bool {
	if r.groupsLeft == 0 {
		r.frames = groupFrames{}
		return false
	}
	r.groupsLeft--
	i := r.readCounter(g, r.groupAt)
	_, i = uvarint(r.b, i)
	size, i := uvarint(r.b, i)
	r.groupAt = i + int(size)
	r.frames = groupFrames{b: r.b[:r.groupAt], i: i, unseq: g.Unseq}
	return true
}

// readCounter decodes a validated counter and returns the index after it.
func (r *Reader) readCounter(g *Group, i int) int {
	id, i := uvarint(r.b, i)
	flags := r.b[i]
	*g = Group{Stream: StreamID(id), Bits: r.b[i+1], HasFirst: flags&counterFirst != 0, Unseq: flags&counterUnseq != 0}
	i += 2
	if flags&counterEpoch != 0 {
		var epoch []byte
		epoch, i = text(r.b, i)
		g.Epoch = r.names.bytes(epoch)
	}
	if g.HasFirst {
		g.First, i = uvarint(r.b, i)
	}
	return i
}

// Next decodes the head of the next frame of the group; false at the group's end. The values stay encoded in it.Body.
func (r *Reader) Next(it *Item) bool {
	f := &r.frames
	b := f.b
	if f.i >= len(b) {
		return false
	}
	size, i := uvarint(b, f.i)
	end := i + int(size)
	flags := b[i]
	i++
	it.Seq = 0
	if !f.unseq {
		var delta int64
		delta, i = varint(b, i)
		it.Seq = f.next + uint64(delta)
		f.next = it.Seq + 1
	}
	it.NoTime = flags&frameNoTime != 0
	if it.NoTime {
		it.TimeNS = r.header.ReceiveMS * 1_000_000
	} else {
		var delta int64
		delta, i = varint(b, i)
		f.lastTime += delta
		it.TimeNS = f.lastTime
	}
	it.Class = ClassEvent + Class(flags&frameSnapshot)
	it.Fingerprint = binary.LittleEndian.Uint32(b[i:])
	shape, i := uvarint(b, i+fingerprintBytes)
	it.Body = Body{data: b[i:end:end], shape: r.table.at(shape)}
	f.i = end
	return true
}

// Defs yields the definitions in the order of the batch.
func (r *Reader) Defs() iter.Seq[Def] {
	return func(yield func(Def) bool) {
		i := r.defsAt
		for range r.ndefs {
			var d Def
			d, i = r.readDef(i)
			if !yield(d) {
				return
			}
		}
	}
}

// NumDefs is the number of definitions.
func (r *Reader) NumDefs() int { return r.ndefs }

func (r *Reader) readDef(i int) (Def, int) {
	id, i := uvarint(r.b, i)
	tenant, i := text(r.b, i)
	device, i := text(r.b, i)
	stream, i := text(r.b, i)
	return Def{StreamID(id), StreamKey{r.names.bytes(tenant), r.names.bytes(device), r.names.bytes(stream)}}, i
}

// Rejects yields the refused frames in the order of the batch.
func (r *Reader) Rejects() iter.Seq[Reject] {
	return func(yield func(Reject) bool) {
		i := r.rejectsAt
		for range r.nrejects {
			var rej Reject
			rej, i = r.readReject(i)
			if !yield(rej) {
				return
			}
		}
	}
}

// NumRejects is the number of refused frames.
func (r *Reader) NumRejects() int { return r.nrejects }

func (r *Reader) readReject(i int) (rej Reject, next int) {
	i = r.readCounter(&rej.Group, i)
	rej.Seq, i = uvarint(r.b, i)
	rej.Cause = Cause(r.b[i])
	code, i := text(r.b, i+1)
	rej.Code = r.names.bytes(code)
	rej.Raw, i = text(r.b, i)
	if len(rej.Raw) == 0 {
		rej.Raw = nil
	}
	return rej, i
}
