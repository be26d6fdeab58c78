package segment

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/gaplessdb/gapless/frame"
)

// Options says what a segment is about. All of it goes into the file.
type Options struct {
	Cluster               string // at most 256 bytes
	Partition             uint32
	History               uint64
	FirstIndex, LastIndex uint64 // Raft indexes whose frames it holds, both inclusive
}

// Writer writes one segment as a stream. What it keeps in memory is one block and the device index. It is for one goroutine.
// After an error every later call returns it.
type Writer struct {
	out    *output
	block  *blockBuilder
	index  indexBuilder
	footer footer
	start  int64 // where the blocks begin
	err    error

	// The epoch at hand.
	key     []byte
	ordinal uint32
	lastSeq uint64
	begun   bool // Begin was called
	any     bool // it has a frame
	open    bool // it has a run in the block at hand

	keys []byte // room that keys are cut from; they are never changed
}

// NewWriter starts a segment on w.
func NewWriter(w io.Writer, opt Options) *Writer {
	s := &Writer{out: newOutput(w), block: newBlockBuilder()}
	s.index.pack.enc = &s.block.enc
	s.footer = footer{header: header{minor: minorVersion, encoder: EncoderFast, options: opt}, minNS: math.MaxInt64, maxNS: math.MinInt64}
	if len(opt.Cluster) > maxCluster {
		s.err = fmt.Errorf("segment: the cluster's name has %d bytes, at most %d are allowed", len(opt.Cluster), maxCluster)
		return s
	}
	s.footer.headerBytes = s.footer.header.append(nil)
	s.out.write(s.footer.headerBytes)
	s.out.crc = 0
	s.start = s.out.at
	return s
}

// Begin starts the frames of an epoch. Keys ascend by (tenant, device, stream), and ordinals in a key; neither comes twice. An epoch that
// gets no frame is not written.
func (w *Writer) Begin(key frame.StreamKey, ordinal uint32) error {
	if w.err != nil {
		return w.err
	}
	if err := key.Validate(); err != nil {
		return w.fail(fmt.Errorf("segment: %w", err))
	}
	encoded := w.keep(key)
	if w.begun && cmp.Or(bytes.Compare(w.key, encoded), cmp.Compare(w.ordinal, ordinal)) >= 0 {
		return w.fail(fmt.Errorf("segment: epoch %d of %q comes after epoch %d of %q", ordinal, encoded, w.ordinal, w.key))
	}
	w.begin(encoded, ordinal)
	return w.err
}

// begin is Begin for an encoded key that is in order and does not change any more.
func (w *Writer) begin(key []byte, ordinal uint32) {
	if b := w.block; b.rows > 0 && (b.last().rows >= sharedRows || !sameTenant(b.last().key, key)) {
		w.closeBlock()
	}
	w.key, w.ordinal, w.begun, w.any, w.open = key, ordinal, true, false, false
}

// keep encodes the key into room of its own.
func (w *Writer) keep(key frame.StreamKey) []byte {
	if cap(w.keys)-len(w.keys) < maxKeyBytes {
		w.keys = make([]byte, 0, 64*maxKeyBytes)
	}
	at := len(w.keys)
	w.keys = appendKey(w.keys, key)
	return w.keys[at:len(w.keys):len(w.keys)]
}

var errNotBegun = errors.New("segment: a frame before the first epoch")

// Add adds a frame of the epoch. Numbers ascend. The bytes of the values must not change until Finish.
func (w *Writer) Add(rec *Record) error {
	if w.err != nil {
		return w.err
	}
	if !w.begun {
		return w.fail(errNotBegun)
	}
	return w.add(&rec.Row, rec.Fields, rec.Raw)
}

func (w *Writer) add(row *Row, fields []frame.Field, raw []byte) error {
	if w.any && row.Seq <= w.lastSeq {
		return w.fail(w.disorder(row.Seq))
	}
	fresh, size, err := w.block.fields.resolve(fields)
	if err != nil {
		return w.fail(err)
	}
	w.place(row, fields, raw, fresh, size+len(raw))
	w.lastSeq, w.any = row.Seq, true
	return w.err
}

func (w *Writer) disorder(seq uint64) error {
	return fmt.Errorf("segment: seq %d comes after %d in epoch %d of %q", seq, w.lastSeq, w.ordinal, w.key)
}

// closeBlock writes the block at hand and begins a new one.
func (w *Writer) closeBlock() {
	b := w.block
	if b.rows == 0 {
		return
	}
	head, chunks := b.encode()
	ref := blockRef{offset: w.out.at, length: uint32(len(head) + len(chunks))}
	w.out.write(head)
	w.out.write(chunks)
	f := &w.footer
	for i := range b.runs {
		r := &b.runs[i]
		ref.run, ref.rows = uint16(i), uint16(r.rows)
		seqs := b.seq[r.first : r.first+r.rows]
		ref.firstSeq, ref.lastSeq, ref.minNS, ref.maxNS = seqs[0], seqs[len(seqs)-1], r.minNS, r.maxNS
		w.index.add(r, ref, seqs)
		f.minNS, f.maxNS = min(f.minNS, r.minNS), max(f.maxNS, r.maxNS)
	}
	w.index.flush(false)
	f.frames += uint64(b.rows)
	f.blocks++
	b.reset()
	w.open = false
	w.keepError()
}

// keepError takes over what went wrong below.
func (w *Writer) keepError() {
	switch {
	case w.err != nil:
	case w.out.err != nil:
		w.err = fmt.Errorf("segment: %w", w.out.err)
	default:
		w.err = w.index.err
	}
}

// Finish writes what is left and returns what a manifest says of the file. A segment without frames is ErrEmpty.
func (w *Writer) Finish() (Info, error) {
	if w.err != nil {
		return Info{}, w.err
	}
	w.closeBlock()
	f := &w.footer
	if w.err == nil && f.frames == 0 {
		w.err = ErrEmpty
	}
	if w.err != nil {
		return Info{}, w.err
	}
	w.index.flush(true)
	if w.index.err != nil {
		return Info{}, w.fail(w.index.err)
	}
	f.epochs = w.index.epochs
	f.sections = append(f.sections, w.out.section(sectionBlocks, w.start))
	start := w.out.at
	w.out.write(w.index.pages)
	f.sections = append(f.sections, w.out.section(sectionPages, start))
	start = w.out.at
	w.out.write(appendTop(nil, &w.index.pack, w.index.top))
	f.sections = append(f.sections, w.out.section(sectionTop, start))
	w.out.write(f.append(nil))
	if w.out.err != nil {
		return Info{}, w.fail(fmt.Errorf("segment: %w", w.out.err))
	}
	w.err = errFinished
	return f.info(w.out.name(), w.out.at), nil
}

var errFinished = errors.New("segment: the writer is finished")

func (w *Writer) fail(err error) error {
	w.err = err
	return err
}
