package proof

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Between two seals on demand: each is a flush on every node, and a record for ever.
const (
	betweenSeals = time.Second
	mostWaiting  = 4           // ordinals that wait for their SEAL, for a census, or for signatures
	patience     = time.Minute // behind the last end of one, beyond which those that have their SEAL count no more
	seldom       = 100 * time.Millisecond
)

// Seal ends the open ordinal now and waits until a checkpoint has the census that is taken there: it counts everything that was acknowledged before
// the call, if this node's state was up to date then. Calls share a cut: it is made a second behind the last one, and when no flush is under way.
func (s *Sealer) Seal(ctx context.Context) (Look, error) {
	look := s.opt.Catalog.Look()
	if !look.Active {
		return look, ErrInactive
	}
	ordinal := look.Section.Ordinal()
	if err := s.end(ctx, ordinal); err != nil {
		return look, err
	}
	return s.wait(ctx, ordinal)
}

// end returns once an ordinal has ended, as this node's state has it. One call at a time cuts.
func (s *Sealer) end(ctx context.Context, ordinal uint32) error {
	select {
	case s.cutting <- struct{}{}:
		defer func() { <-s.cutting }()
	case <-ctx.Done():
		return notEnded(ctx, ordinal)
	}
	look := s.opt.Catalog.Look()
	waits := ""
	pause := betweenSeals - time.Duration(look.NowMS-look.Section.CutMS())*time.Millisecond
	for cut := false; ; {
		changed := s.opt.Catalog.Changed()
		if look = s.opt.Catalog.Look(); look.Section.Ordinal() > ordinal { // perhaps somebody else has cut
			return nil
		}
		if pause <= 0 && !cut {
			err := s.cut(ctx, &look)
			switch cut = err == nil; {
			case refusedFor(err, CodeFlushUnderWay):
				waits = ": a flush was under way whenever it was tried"
			case err != nil:
				return err
			}
		}
		if pause <= 0 {
			pause = seldom
		}
		if !cut {
			changed = nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-changed:
		case <-timer.C:
			pause = 0
		case <-ctx.Done():
		}
		if timer.Stop(); ctx.Err() != nil {
			return fmt.Errorf("%w%s", notEnded(ctx, ordinal), waits)
		}
	}
}

func notEnded(ctx context.Context, ordinal uint32) error {
	return fmt.Errorf("proof: waiting for the end of seal %d: %w", ordinal, ctx.Err())
}

// cut ends the open ordinal.
func (s *Sealer) cut(ctx context.Context, look *Look) error {
	ordinal := look.Section.Ordinal()
	if waiting := look.Section.waiting(look.NowMS); waiting >= mostWaiting {
		return refuse(CodeProofLimit, "see GET /v1/proof: a majority of the nodes must agree on what they found and sign it first, or no seal end for a minute",
			"%d seals wait for their roots, a census or signatures", waiting)
	}
	err := s.propose(ctx, KindCut, cutCommand{ordinal})
	if tooLate(err) { // that is: somebody else has just cut
		return nil
	}
	return err
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
