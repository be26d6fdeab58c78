package proof

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/leaves"
)

// takeCensus counts every stream at an index, out of the floor there. It is ErrNotCounted where that floor is gone.
func (s *Sealer) takeCensus(ctx context.Context, index uint64) (*CensusRoot, error) {
	l, policy, err := s.opt.Catalog.Ledger(index)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	w, err := s.archive.create(leaves.Census, index)
	if err != nil {
		return nil, err
	}
	var totals census.Totals
	var room []byte
	err = census.Walk(l, func(leaf *census.Leaf) error {
		totals.Add(leaf)
		room = leaf.Append(room[:0])
		if err := w.Add(leaves.Key{StreamKey: leaf.Key}, room); err != nil {
			return err
		}
		return ctx.Err()
	})
	var info leaves.Info
	if err == nil {
		info, err = w.Finish()
	}
	if err != nil {
		return nil, errors.Join(err, w.Discard())
	}
	s.archive.added(leaves.Census, index, info)
	s.metrics.censusSeconds.Observe(time.Since(start).Seconds())
	root := CensusRoot{Root: hashText(info.Root), Streams: info.Count, Totals: totalsOf(&totals), Policy: PolicyHash(policy)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.taken) > maxCuts {
		clear(s.taken)
	}
	s.taken[index] = root
	s.move()
	return &root, nil
}

func totalsOf(t *census.Totals) Totals {
	return Totals{
		Expected: t.Expected, Stored: t.Stored, Open: t.Open, Lost: t.Lost, Declared: t.Declared, Shed: t.Shed, Rejected: t.Rejected, Expired: t.Expired,
	}
}

// lateCensus compares the newest CENSUS in the log with what this node counted, and counts it first where others were faster, if the floor is still
// here.
func (s *Sealer) lateCensus(ctx context.Context, look *Look) error {
	s.mu.Lock()
	p, ok := s.index.censusBefore(math.MaxInt64)
	gone, compared := s.gone, s.compared
	s.mu.Unlock()
	index := p.Census.Index
	own, here := s.archive.Has(leaves.Census, index)
	if !ok || here && compared == index || !here && (gone == index || look.Floor < index || s.resting(p.Census.Seal)) {
		return nil
	}
	if !here {
		_, err := s.takeCensus(ctx, index)
		if errors.Is(err, ErrNotCounted) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.gone = index
			return nil
		}
		if err != nil {
			s.rest(p.Census.Seal, err)
			return fmt.Errorf("proof: census at %d: %w", index, err)
		}
		own, _ = s.archive.Has(leaves.Census, index)
	}
	s.compareCensus(&p, own)
	return nil
}

// compareCensus holds a census of this node against the cluster's.
func (s *Sealer) compareCensus(p *censusPlace, own Counted) {
	c := &p.Census
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.taken[c.Index]
	differs := own.differs(c.Root, c.Streams) || ok && known != CensusRoot{Root: c.Root, Streams: c.Streams, Totals: c.Totals, Policy: c.Policy}
	s.compared, s.census = c.Index, nil
	if differs {
		s.census = &Difference{Ordinal: c.Seal, Census: c.Index, Want: c.Root, Got: hashText(own.Root)}
		s.log.Error("this node's census is not the cluster's: it does not sign; its ledger or this binary is at fault",
			"seal", c.Seal, "index", c.Index, "root", s.census.Got, "cluster", c.Root)
	}
	s.move()
}
