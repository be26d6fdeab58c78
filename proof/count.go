package proof

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/merkle"
)

// restFailed is how long what could not be counted or explained is left alone.
const restFailed = 5 * time.Second

// count does the next thing that there is to compute: first what the cluster waits for, then what this node has not seen yet.
func (s *Sealer) count(ctx context.Context, look *Look) (again bool, err error) {
	for _, c := range look.Section.Cuts() {
		if look.Floor < c.Last || !look.Votes || s.resting(c.Ordinal) {
			continue
		}
		if c.Disputed() {
			if err := s.countAnew(look, c.span()); err != nil {
				return false, err
			}
		}
		if !s.due(look, c) {
			continue
		}
		if err := s.report(ctx, look, c); err != nil {
			if !errors.Is(err, errNotCommitted) {
				s.rest(c.Ordinal, err)
			}
			return false, fmt.Errorf("proof: seal %d: %w", c.Ordinal, err)
		}
		return true, nil
	}
	if err := s.lateCensus(ctx, look); err != nil {
		return false, err
	}
	return s.catchUp(ctx, look)
}

// due reports whether there is something to say of a cut: nothing was said, or something else, or saying it again settles the cut.
func (s *Sealer) due(look *Look, c *Cut) bool {
	own, here := s.Counted(c.Ordinal)
	reported, said := c.Report(s.opt.Server)
	switch {
	case here && s.said(rootsOf(c.Ordinal, own.Root)):
		return false
	case !said || look.Section.Ripe(c):
		return true
	case !here:
		return c.Disputed()
	}
	return reported.Content.Root != hashText(own.Root)
}

// rootsOf names what was said of an ordinal.
func rootsOf(ordinal uint32, root merkle.Hash) string {
	return fmt.Sprint("roots ", ordinal, " ", hashText(root))
}

// resting reports whether an ordinal could not be counted a moment ago.
func (s *Sealer) resting(ordinal uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.failed[ordinal].until)
}

// rest leaves an ordinal alone for a while. err says why, nil where that is no failure.
func (s *Sealer) rest(ordinal uint32, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed[ordinal] = failure{time.Now().Add(restFailed), err}
}

// report counts an ordinal and says what came of it. The census comes first: the floor that it needs goes soon.
func (s *Sealer) report(ctx context.Context, look *Look, c *Cut) error {
	roots := Roots{Server: s.opt.Server, Ordinal: c.Ordinal}
	var err error
	if roots.Census, err = s.censusOf(ctx, c); err != nil && !errors.Is(err, ErrNotCounted) {
		return err
	}
	if _, here := s.Counted(c.Ordinal); !here {
		if err := s.strips(ctx, look, c.span()); err != nil {
			return err
		}
	}
	own, err := s.contentRoot(ctx, c.Ordinal)
	if err != nil {
		return err
	}
	roots.Content = own
	root, err := merkle.ParseHash(own.Root)
	if err != nil {
		return err
	}
	return s.say(ctx, KindRoots, rootsOf(c.Ordinal, root), roots)
}

// censusOf is what this node says of all streams at a cut. What it has said, or found out in this life, it does not count again: the floor may be
// gone.
func (s *Sealer) censusOf(ctx context.Context, c *Cut) (*CensusRoot, error) {
	s.mu.Lock()
	known, ok := s.taken[c.Last]
	s.mu.Unlock()
	if ok {
		return &known, nil
	}
	if r, _ := c.Report(s.opt.Server); r.Census != nil {
		return r.Census, nil
	}
	return s.takeCensus(ctx, c.Last)
}

// contentRoot is what this node says of an ordinal that it has counted.
func (s *Sealer) contentRoot(ctx context.Context, ordinal uint32) (ContentRoot, error) {
	c, ok := s.Counted(ordinal)
	if !ok {
		return ContentRoot{}, ErrNotCounted
	}
	frames, err := s.archive.frames(ctx, uint64(ordinal), func(leaf []byte) (uint64, error) {
		strip, err := content.ParseStrip(leaf)
		return strip.Frames, err
	})
	return ContentRoot{Root: hashText(c.Root), Strips: c.Count, Frames: frames}, err
}

// countAnew forgets an ordinal that others count differently, so that it is counted again: once in a life of this node, and whenever the segments
// that hold its frames are others.
func (s *Sealer) countAnew(look *Look, p span) error {
	_, here := s.Counted(p.first)
	if _, now := p.inputs(look.Manifest); !here || s.countedFrom(p.first) == now {
		return nil
	}
	s.log.Info("counting again what others count differently", "seal", p.first)
	return s.archive.Discard(leaves.Strips, uint64(p.first))
}

// countedFrom is the sum of the segments that an ordinal was counted from in this life, zero where it was not.
func (s *Sealer) countedFrom(ordinal uint32) merkle.Hash {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counted[ordinal]
}
