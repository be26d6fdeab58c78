package proof

import (
	"context"
	"fmt"

	"github.com/gaplessdb/gapless/proof/leaves"
)

// catchUp counts sealed ordinals that this node has not. The clerk compares them.
func (s *Sealer) catchUp(ctx context.Context, look *Look) (again bool, err error) {
	if s.readUpTo() < look.Section.LogSize() { // more seals may come: one pass counts all of them
		return false, nil
	}
	next, sealed := s.unchecked()
	if next > sealed {
		return s.reconsider(ctx, look)
	}
	this := task{leaves.Strips, uint64(next)}
	if s.resting(this) {
		return false, nil
	}
	todo, ok := s.uncounted(next, look.Floor)
	if !ok {
		return false, nil
	}
	if err := s.strips(ctx, look, todo); err != nil {
		s.rest(this, err)
		return false, fmt.Errorf("proof: seals %d to %d: %w", todo.first, todo.last, err)
	}
	return true, nil
}

// compareCounted compares with the SEALs what this node has counted, as far as that was read. The clerk does it, who signs: were it left to the
// goroutine that hashes, no tree would be signed where seals end faster than that is done with them.
func (s *Sealer) compareCounted(ctx context.Context, look *Look) error {
	for ctx.Err() == nil {
		next, sealed := s.unchecked()
		if next > sealed {
			return nil
		}
		if _, here := s.Counted(next); !here {
			return nil
		}
		if err := s.compare(ctx, look, next); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// unchecked is the first ordinal that was not compared with its SEAL, and the newest that has one. A file that got lost has to be made and compared
// again.
func (s *Sealer) unchecked() (next, sealed uint32) {
	lost := s.archive.takeLost()
	s.mu.Lock()
	defer s.mu.Unlock()
	if lost > 0 && lost <= uint64(s.checked) {
		s.checked = uint32(lost) - 1
	}
	return s.checked + 1, uint32(len(s.index.seals))
}

// uncounted is how far ordinals from next on are not counted here. It is false where their floor is not here yet.
func (s *Sealer) uncounted(next uint32, floor uint64) (p span, ok bool) {
	for n := next; n < next+s.inPass.ordinals(); n++ {
		seal, _, sealed := s.SealOf(n)
		if _, here := s.Counted(n); here || !sealed || seal.Last > floor {
			break
		}
		if !ok {
			p, ok = span{first: n, firstIndex: seal.First}, true
		}
		p.last, p.lastIndex = n, seal.Last
	}
	return p, ok
}

// compare holds this node's root of an ordinal against the cluster's. One that differs is believed only when it was counted in this life.
func (s *Sealer) compare(ctx context.Context, look *Look, ordinal uint32) error {
	own, here := s.Counted(ordinal)
	seal, n, ok := s.SealOf(ordinal)
	if !here || !ok {
		return nil
	}
	differs := own.differs(seal.Root, seal.Strips)
	if differs {
		if err := s.countAnew(look, span{ordinal, ordinal, seal.First, seal.Last}); err != nil {
			return err
		}
		if _, here := s.Counted(ordinal); !here {
			return nil
		}
	}
	frames := seal.Frames
	if !differs && n >= look.Section.Newest().Size { // else a majority has compared this, and the file need not be read
		of, err := s.contentRoot(ctx, ordinal)
		if err != nil {
			return err
		}
		frames = of.Frames
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.differs, ordinal)
	if differs {
		s.differs[ordinal] = &Difference{Ordinal: ordinal, Want: seal.Root, Got: hashText(own.Root)}
		s.log.Error("this node's content is not the cluster's: it does not sign; a segment or this binary is at fault",
			"seal", ordinal, "root", hashText(own.Root), "cluster", seal.Root)
	}
	if frames != seal.Frames {
		s.differs[ordinal] = &Difference{Ordinal: ordinal, Want: seal.Root, Got: seal.Root, explained: true,
			What: fmt.Sprintf("the strips hold %d frames, the SEAL counts %d", frames, seal.Frames)}
		s.log.Error("a SEAL counts other frames than there are: this node does not sign it", "seal", ordinal, "frames", frames, "cluster", seal.Frames)
	}
	if s.checked == ordinal-1 { // else an older one got lost meanwhile
		s.checked = ordinal
	}
	s.move()
	return nil
}

// reconsider does what there is to do about ordinals in which this node's root is not the cluster's: count them again if their segments are others
// by now, and find out in which stream they differ.
func (s *Sealer) reconsider(ctx context.Context, look *Look) (again bool, err error) {
	for _, d := range s.Differences() {
		seal, _, ok := s.SealOf(d.Ordinal)
		if d.Census == 0 && ok {
			if err := s.countAnew(look, span{d.Ordinal, d.Ordinal, seal.First, seal.Last}); err != nil {
				return false, err
			}
			if _, here := s.Counted(d.Ordinal); !here {
				return true, nil
			}
		}
		if !d.explained && !s.resting(d.task()) {
			s.rest(d.task(), nil)
			s.explain(ctx, look, d)
		}
	}
	return false, nil
}
