package frame

import (
	"hash/crc32"
	"slices"
)

// Builder encodes one batch. The zero value is ready after Reset. It keeps its buffers, and the names it has seen, across batches, so
// a reused one hardly allocates. It copies what it is given. Not safe for concurrent use.
//
// The same calls give the same bytes. A call that returns an error adds nothing.
type Builder struct {
	header  Header
	streams map[StreamKey]StreamID
	ndefs   int
	defs    []byte
	shapes  shapeSet
	epochs  interner
	byGroup map[Group]int
	groups  []builderGroup
	last    int   // group of the last Add, -1 for none
	recent  []int // by local stream id: the group of the stream's last Add, -1 for none

	data     []byte  // encoded frames in the order of Add
	added    []added // one for each
	order    []uint32
	content  []byte // canonical content of the frame at hand
	nrejects int
	rejects  []byte
	size     int // upper bound of the encoded batch
}

// builderGroup is a group and where its deltas stand.
type builderGroup struct {
	Group
	head     int // upper bound of the encoded group without its frames
	maxSeq   uint64
	nextSeq  uint64
	lastTime int64
	arranged *arrangement // of its last frame
	frames   int
	bytes    int
	place    int // in Finish: where in order its next frame goes
}

// added is where a frame went: its group, and where its bytes end in data.
type added struct {
	group uint32
	end   uint32
}

// Reset begins a batch. The header is checked in Finish.
func (b *Builder) Reset(h Header) {
	if b.streams == nil || max(len(b.streams), len(b.byGroup)) > internLimit {
		b.streams = make(map[StreamKey]StreamID)
		b.byGroup = make(map[Group]int)
	}
	clear(b.streams)
	clear(b.byGroup)
	b.header = h
	b.shapes.reset()
	b.defs, b.ndefs = b.defs[:0], 0
	b.groups, b.last, b.recent = b.groups[:0], -1, append(b.recent[:0], -1)
	b.data, b.added, b.order = b.data[:0], b.added[:0], b.order[:0]
	b.rejects, b.nrejects = b.rejects[:0], 0
	b.size = preambleBytes + 10 + 4 + len(h.Node) + len(h.Listener) + 4*4
}

// Stream returns the batch's local id of a stream and defines it at its first use. Parts that may be left out get their defaults. Only
// for client batches: replicated ids come from the ledger, through Define.
func (b *Builder) Stream(key StreamKey) (StreamID, error) {
	key = key.WithDefaults()
	if id, ok := b.streams[key]; ok {
		return id, nil
	}
	if b.header.Replicated {
		return 0, invalid("replicated_batch", "call Define with the replicated id", "local ids do not exist in a replicated batch")
	}
	id := StreamID(b.ndefs + 1)
	if err := b.define(Def{ID: id, Key: key}); err != nil {
		return 0, err
	}
	return id, nil
}

// Define adds a definition to a replicated batch: the id is new with this batch.
func (b *Builder) Define(d Def) error {
	if !b.header.Replicated || d.ID == 0 {
		return invalid("bad_stream", "define replicated ids in replicated batches only",
			"stream id %d cannot be defined in this batch", d.ID)
	}
	return b.define(d)
}

func (b *Builder) define(d Def) error {
	if err := d.Key.Validate(); err != nil {
		return err
	}
	names := &b.shapes.names
	d.Key = StreamKey{names.text(d.Key.Tenant), names.text(d.Key.Device), names.text(d.Key.Stream)}
	before := len(b.defs)
	b.defs = appendDef(b.defs, &d)
	if err := b.room(len(b.defs) - before); err != nil {
		b.defs = b.defs[:before]
		return err
	}
	b.ndefs++
	b.recent = append(b.recent, -1)
	b.streams[d.Key] = d.ID
	return nil
}

// room takes n bytes of what the batch may hold.
func (b *Builder) room(n int) error {
	if b.size+n > MaxBatchBytes {
		return invalid("batch_full", "finish this batch and begin another",
			"batch has %d bytes, %d more would exceed %d", b.size, n, MaxBatchBytes)
	}
	b.size += n
	return nil
}

// Add encodes a frame and sets its Fingerprint. Fields may come in any order. Frames of equal groups are stored together, in the order
// of their calls. The error is an *InvalidError; batch_full says that the frame is fine and belongs into the next batch.
func (b *Builder) Add(g Group, f *Frame) error {
	gb, err := b.group(&g)
	if err != nil {
		return err
	}
	if f.Class != ClassEvent && f.Class != ClassSnapshot {
		return invalid("bad_class", "use event or snapshot", "class %d does not exist", f.Class)
	}
	if f.Seq > gb.maxSeq {
		return seqError(f.Seq, &gb.Group)
	}
	if len(b.added) >= MaxBatchFrames {
		return invalid("batch_full", "finish this batch and begin another", "batch has %d frames, the most that are allowed", len(b.added))
	}
	a := gb.arranged
	if !a.matches(f.Fields) {
		if a, err = b.shapes.find(f.Fields); err != nil {
			return err
		}
	}
	return b.encode(gb, a, f)
}

// encode appends the frame to data, and takes it back if it does not fit.
func (b *Builder) encode(gb *builderGroup, a *arrangement, f *Frame) error {
	start := len(b.data)
	data, err := b.appendFrame(b.data, gb, a, f)
	if err != nil {
		return err
	}
	size := len(data) - start
	if gb.frames == 0 {
		size += gb.head
	}
	if a.shape.batch != b.shapes.batch {
		size += encodedShapeBytes(a.shape)
	}
	if err := b.room(size); err != nil {
		return err
	}
	b.data = data
	b.shapes.use(a.shape)
	gb.arranged = a
	gb.frames++
	gb.bytes += len(data) - start
	gb.nextSeq = f.Seq + 1
	if !f.NoTime {
		gb.lastTime = f.TimeNS
	}
	b.added = append(b.added, added{group: uint32(b.last), end: uint32(len(data))})
	return nil
}

// appendFrame does the encoding and touches nothing but scratch space.
func (b *Builder) appendFrame(dst []byte, gb *builderGroup, a *arrangement, f *Frame) ([]byte, error) {
	start := len(dst) + 1 // one byte for the length, which mostly is enough
	dst = append(dst, 0, frameFlags(f.Class, f.NoTime))
	if !gb.Unseq {
		dst = appendVarint(dst, int64(f.Seq-gb.nextSeq))
	}
	if !f.NoTime {
		dst = appendVarint(dst, f.TimeNS-gb.lastTime)
	}
	fingerprintAt := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = appendUvarint(dst, uint64(b.shapes.number(a.shape)))

	content := appendContentHead(b.content[:0], f.Class, f.NoTime, f.TimeNS)
	for i := range f.Fields {
		field := &f.Fields[a.at(i)]
		if len(dst)-start+len(field.Value.Str) > MaxFrameBytes {
			return nil, frameTooLarge()
		}
		var err error
		if dst, err = appendValue(dst, field); err != nil {
			return nil, err
		}
		content = appendContentValue(content, &field.Value)
	}
	if len(dst)-start+len(f.Raw) > MaxFrameBytes {
		return nil, frameTooLarge()
	}
	dst = append(dst, f.Raw...)
	content = append(content, f.Raw...)
	b.content = content
	f.Fingerprint = crc32.Update(a.shape.crc, castagnoli, content)
	putFingerprint(dst[fingerprintAt:], f.Fingerprint)
	return prefixLength(dst, start), nil
}

// prefixLength writes the length of dst[start:] before it, where one byte was left for it, and moves the rest when that is too few.
func prefixLength(dst []byte, start int) []byte {
	n := len(dst) - start
	if n < 0x80 {
		dst[start-1] = byte(n)
		return dst
	}
	var prefix [5]byte
	p := appendUvarint(prefix[:0], uint64(n))
	return slices.Replace(dst, start-1, start, p...)
}

func frameTooLarge() error {
	return invalid("frame_too_large", "split it into several frames", "frame has more than %d bytes", MaxFrameBytes)
}

func encodedShapeBytes(sh *builderShape) int {
	n := 2
	for _, name := range sh.names {
		n += 2 + len(name)
	}
	return n
}

// Frames is the number of frames added since Reset.
func (b *Builder) Frames() int { return len(b.added) }

// Rejects is the number of rejects added since Reset.
func (b *Builder) Rejects() int { return b.nrejects }

// Size is an upper bound of the encoded batch in bytes.
func (b *Builder) Size() int { return b.size }

// Order returns, after Finish, how many'th Add call each frame of the batch was, from 0, in the order of the batch. It is valid until
// the next Reset.
func (b *Builder) Order() []uint32 { return b.order }
