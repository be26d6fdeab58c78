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

// count does the next thing that there is to hash: first what the cluster waits for, then what this node has not seen yet.
func (s *Sealer) count(ctx context.Context, look *Look) (again bool, err error) {
	if err := s.archive.open(); err != nil {
		return false, err
	}
	for _, c := range look.Section.Cuts() {
		if look.Floor < c.Last || !look.Votes || s.resting(c.task()) {
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
		if again, err = s.report(ctx, look, c); err != nil {
			if !errors.Is(err, errNotCommitted) {
				s.rest(c.task(), err)
			}
			return false, fmt.Errorf("proof: seal %d: %w", c.Ordinal, err)
		}
		if again {
			return true, nil
		}
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

// task is a file that is to be counted.
type task struct {
	kind   leaves.Kind
	number uint64
}

func (c *Cut) task() task { return task{leaves.Strips, uint64(c.Ordinal)} }

// resting reports whether something could not be counted a moment ago.
func (s *Sealer) resting(t task) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.failed[t].until)
}

// rest leaves something alone for a while. err says why, nil where that is no failure.
func (s *Sealer) rest(t task, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed[t] = failure{time.Now().Add(restFailed), err}
}

// report counts an ordinal, and says what came of it and of the census. It says nothing while the census is being taken.
func (s *Sealer) report(ctx context.Context, look *Look, c *Cut) (done bool, err error) {
	if _, here := s.Counted(c.Ordinal); !here {
		return true, s.strips(ctx, look, c.span())
	}
	before, _ := c.Report(s.opt.Server)
	roots := Roots{Server: s.opt.Server, Ordinal: c.Ordinal, History: c.History, Index: c.Last, Count: before.Count + 1}
	var known bool
	if roots.Census, known = s.censusOf(c); !known {
		return false, nil
	}
	if _, ok := s.Signer(look); !ok { // the log has to have this node's key first
		return false, nil
	}
	if roots.Content, err = s.contentRoot(ctx, c.Ordinal); err != nil {
		return false, err
	}
	root, err := merkle.ParseHash(roots.Content.Root)
	if err != nil {
		return false, err
	}
	if err := s.signRoots(&roots); err != nil {
		return false, err
	}
	return true, s.say(ctx, KindRoots, rootsOf(c.Ordinal, root), roots)
}

// contentRoot is what this node says of an ordinal that it has counted.
func (s *Sealer) contentRoot(ctx context.Context, ordinal uint32) (ContentRoot, error) {
	c, ok := s.Counted(ordinal)
	if !ok {
		return ContentRoot{}, ErrNotCounted
	}
	frames := uint64(0)
	err := s.archive.each(ctx, leaves.Strips, uint64(ordinal), func(leaf []byte) error {
		strip, err := content.ParseStrip(leaf)
		frames += strip.Frames
		return err
	})
	return ContentRoot{Root: hashText(c.Root), Strips: c.Count, Frames: frames}, err
}

// countAnew forgets an ordinal that others count differently, so that it is counted again: once in a life of this node, and whenever the segments
// that hold its frames are others.
func (s *Sealer) countAnew(look *Look, p span) error {
	own, here := s.Counted(p.first)
	if _, now := p.inputs(look.Manifest); !here || s.countedFrom(p.first) == now {
		return nil
	}
	s.log.Info("counting again what others count differently", "seal", p.first)
	return s.archive.discard(leaves.Strips, uint64(p.first), own.generation)
}

// countedFrom is the sum of the segments that an ordinal was counted from in this life, zero where it was not.
func (s *Sealer) countedFrom(ordinal uint32) merkle.Hash {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counted[ordinal]
}
