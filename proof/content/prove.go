package content

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/segment"
)

// ErrNoFrame says that there is no frame of that number in the epoch and seal ordinal.
var ErrNoFrame = errors.New("content: there is no such frame")

// ErrProof is found in the error about a FrameProof that does not prove its frame.
var ErrProof = errors.New("content: the proof does not hold")

// FrameProof proves that a strip has a frame with these bytes. Whether the strip is in a content root is another proof's business.
type FrameProof struct {
	Group []byte        // canonical bytes of the group that the frame is in
	Index int64         // place of the group among those of the strip
	Size  int64         // how many groups the strip has
	Proof []merkle.Hash // audit path of RFC 9162, from the leaf up
	Strip Strip
}

// ProveFrame makes the proof of one frame from the segments that have the frames of its epoch. A frame that is not there, in this ordinal, is
// ErrNoFrame. Memory holds 64 bytes for each group of the strip.
func ProveFrame(ctx context.Context, in []*segment.Reader, key frame.StreamKey, epoch, ordinal uint32, seq uint64) (FrameProof, error) {
	var p FrameProof
	var tree merkle.Tree
	h := newHasher()
	h.group = func(number uint64, group []byte, leaf merkle.Hash) {
		if number == seq>>groupBits {
			p.Group, p.Index = slices.Clone(group), tree.Size()
		}
		tree.Append(leaf)
	}
	walk, err := segment.WalkSealsOf(in, key, epoch, ordinal, ordinal, func(int) error { return ctx.Err() })
	if err != nil {
		return FrameProof{}, err
	}
	h.begin(key, epoch)
	if err := h.hash(walk); err != nil {
		return FrameProof{}, err
	}
	err = h.finish(func(s *Strip) error {
		p.Strip = *s // the hasher ends here, and with it who else would write to it
		return nil
	})
	if err != nil {
		return FrameProof{}, err
	}
	if _, seqs, ok := p.Strip.Index(seq >> groupBits); !ok || !slices.Contains(seqs, seq) {
		return FrameProof{}, fmt.Errorf("%w: seq %d of epoch %d of %s/%s/%s in seal ordinal %d",
			ErrNoFrame, seq, epoch, key.Tenant, key.Device, key.Stream, ordinal)
	}
	p.Size = tree.Size()
	p.Proof, err = tlog.ProveRecord(p.Size, p.Index, &tree)
	return p, err
}

// Check makes sure that the strip has the frame of that number as the group says, and returns it: that the group is canonical and one of the
// strip, has exactly the numbers of its part of the strip's runs, and leads to the strip's root. What does not is ErrProof, or ErrNoFrame where
// the strip does not have the number at all. The frame refers to p.Group.
func (p *FrameProof) Check(seq uint64) (Frame, error) {
	g, err := ParseGroup(p.Group)
	if err != nil {
		return Frame{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	s, err := ParseStrip(p.Strip.Append(nil)) // it may come from anywhere
	if err != nil {
		return Frame{}, fmt.Errorf("%w: %w", ErrProof, err)
	}
	if g.Key != s.Key || g.Epoch != s.Epoch || g.Ordinal != s.Ordinal {
		return Frame{}, fmt.Errorf("%w: a group of epoch %d of %q in seal ordinal %d, the strip is of %d of %q in %d",
			ErrProof, g.Epoch, g.Key, g.Ordinal, s.Epoch, s.Key, s.Ordinal)
	}
	index, seqs, ok := s.Index(seq >> groupBits)
	at := slices.Index(seqs, seq)
	if !ok || at < 0 {
		return Frame{}, fmt.Errorf("%w: seq %d is in no run of the strip", ErrNoFrame, seq)
	}
	if !slices.EqualFunc(g.Frames, seqs, func(f Frame, seq uint64) bool { return f.Seq == seq }) {
		return Frame{}, fmt.Errorf("%w: the group has other numbers than the strip's runs between %d and %d", ErrProof, seqs[0], seqs[len(seqs)-1])
	}
	if size := s.Groups(); p.Index != index || p.Size != size {
		return Frame{}, fmt.Errorf("%w: group %d of %d, by the strip's runs it is %d of %d", ErrProof, p.Index, p.Size, index, size)
	}
	if err := tlog.CheckRecord(p.Proof, p.Size, s.Root, p.Index, tlog.RecordHash(p.Group)); err != nil {
		return Frame{}, fmt.Errorf("%w: it does not lead to the strip's frame root %s: %w", ErrProof, s.Root, err)
	}
	return g.Frames[at], nil
}
