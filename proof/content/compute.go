package content

import (
	"context"
	"fmt"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// Options are the settings of Compute. The zero value is usable.
type Options struct {
	Progress func(frames uint64) // called for each block that is read, with how many frames were hashed before; may be nil

	Want func(key frame.StreamKey, epoch uint32) bool // whether Compute makes the strips of an epoch; nil: of all. What is not wanted is not read

	// Only leaves out the frames of some ordinals between first and last; nil: of none.
	Only func(ordinal uint32) bool

	// From is called for the key of an epoch that is not wanted, and gives the first key from there on of which one may be; ok is false behind all. What
	// lies between is not even looked at. May be nil.
	From func(key frame.StreamKey) (from frame.StreamKey, ok bool)

	// Rows is called for the frames of the epochs that are wanted, ascending, before their strips are emitted. May be nil.
	Rows func(key frame.StreamKey, epoch uint32, rows *segment.SealedRows) error

	// Limit is called before n bytes are read. It may wait; an error ends the work. May be nil.
	Limit func(n int) error
}

// ConflictError says that two segments have different frames under one number.
type ConflictError = segment.ConflictError

// Compute makes the strips of the seal ordinals first..last from the segments that hold their frames, and calls emit for each: ascending by key
// (tenant, device, stream, as bytes) and epoch, and then by ordinal. Which segments the frames are in, and whether a segment comes together with
// others that it was merged from, makes no difference: a frame that several have counts once, and must be the same in all of them, else the error
// is a *ConflictError. One that two segments have under two ordinals is found where both are in the range. The strip that emit gets is valid until
// it returns.
//
// Each segment is read once, and of its blocks those that have a frame of such an ordinal. Memory holds the blocks that the work is inside of, one
// of a segment at most, up to 64 frames, and for each ordinal of the epoch at hand its runs. Damage is a *segment.CorruptError, and what this
// program is too old to read whole is segment.ErrVersion: there is no root of a part.
func Compute(ctx context.Context, in []*segment.Reader, first, last uint32, opt Options, emit func(*Strip) error) error {
	first = max(first, 1)
	if last < first {
		return fmt.Errorf("content: seal ordinals from %d to %d", first, last)
	}
	h := newHasher()
	walk, err := segment.WalkSeals(in, first, last, opt.before(ctx, h))
	if err != nil {
		return err
	}
	walk.Only(opt.Only)
	h.rows = opt.Rows
	for {
		key, epoch, ok, err := walk.Next()
		if err != nil || !ok {
			return err
		}
		if opt.Want != nil && !opt.Want(key, epoch) {
			if more, err := opt.skip(walk, key); err != nil || !more {
				return err
			}
			continue
		}
		h.begin(key, epoch)
		if err := h.hash(walk); err != nil {
			return err
		}
		if err := h.finish(emit); err != nil {
			return err
		}
	}
}

// skip goes on to what may be wanted behind a key. It is false where nothing is.
func (o *Options) skip(walk *segment.SealWalk, key frame.StreamKey) (more bool, err error) {
	if o.From == nil {
		return true, nil
	}
	from, ok := o.From(key)
	if !ok || from == key {
		return ok, nil
	}
	return true, walk.Seek(from, 0)
}

// before is called before so many bytes are read.
func (o *Options) before(ctx context.Context, h *hasher) func(n int) error {
	return func(n int) error {
		if o.Progress != nil {
			o.Progress(h.frames)
		}
		if err := ctx.Err(); err != nil || o.Limit == nil {
			return err
		}
		return o.Limit(n)
	}
}

// Seals are the lowest and the highest seal ordinal of a segment's frames. It reads the seal ordinals of each block, and nothing else of it.
func Seals(in *segment.Reader) (first, last uint32, err error) { return in.Seals() }
