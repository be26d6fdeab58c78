package proof

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Seal ends the open ordinal now and waits until a checkpoint has the census that is taken there: it counts everything that was acknowledged before
// the call, if this node's state was up to date then. Calls at once share a cut.
func (s *Sealer) Seal(ctx context.Context) (Look, error) {
	look := s.opt.Catalog.Look()
	if !look.Active {
		return look, ErrInactive
	}
	ordinal := look.Section.Ordinal()
	if err := s.propose(ctx, KindCut, cutCommand{ordinal}); err != nil && !tooLate(err) { // that is: somebody else has just cut
		return look, err
	}
	return s.wait(ctx, ordinal)
}

var (
	// ErrInactive says that the cluster's version has no proof yet.
	ErrInactive = errors.New("proof: the cluster version has no proof yet: upgrade every node, then run `gapless ctl cluster raise`")
	// ErrNoCensus says that an ordinal has its SEAL, and that its census was left out.
	ErrNoCensus = errors.New("proof: no majority of the nodes has counted the streams, or they differ: seal again")
)

// wait returns once a checkpoint has a census of an ordinal, or of a later one.
func (s *Sealer) wait(ctx context.Context, ordinal uint32) (Look, error) {
	for {
		changed := s.opt.Catalog.Changed()
		look := s.opt.Catalog.Look()
		section := &look.Section
		if section.newest.Counted >= ordinal {
			return look, nil
		}
		if section.SealedThrough() >= ordinal && section.CountedThrough() < ordinal && !section.pending(ordinal) {
			return look, fmt.Errorf("seal %d: %w", ordinal, ErrNoCensus)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			st := s.Status()
			return look, fmt.Errorf("proof: waiting for seal %d: %w: %s", ordinal, ctx.Err(), st.waitsFor(ordinal))
		}
	}
}

// pending reports whether an ordinal has ended and is not done with.
func (s *Section) pending(ordinal uint32) bool {
	return slices.ContainsFunc(s.cuts, func(c *Cut) bool { return c.Ordinal == ordinal })
}
