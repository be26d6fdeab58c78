package proof

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"time"

	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/leaves"
)

// censuses takes what is due: of every seal that is not agreed on, of the newest CENSUS in the log, and of the one in the newest checkpoint, which
// certificates speak of, whatever the node hashes meanwhile. Nothing else takes any: the floor that one needs goes with the second flush behind it.
func (s *Sealer) censuses(ctx context.Context, look *Look) (again bool, err error) {
	if err := s.archive.open(); err != nil {
		return false, err
	}
	s.alarm(look)
	s.prune(look)
	for _, c := range look.Section.Cuts() {
		said, _ := c.Report(s.opt.Server)
		err = errors.Join(err, s.takeIfDue(ctx, look, c.Last, said.Census != nil))
	}
	s.mu.Lock()
	newest, ok := s.index.censusBefore(math.MaxInt64)
	s.mu.Unlock()
	for _, index := range []uint64{newest.Census.Index, look.Section.newest.Index} {
		if index != 0 && look.Section.Wants(index) { // else one that nobody asks for any more is the newest that this node has read of
			err = errors.Join(err, s.takeIfDue(ctx, look, index, true))
		}
	}
	if ok {
		err = errors.Join(err, s.compareCensus(ctx, &newest))
	}
	return false, err
}

// takeIfDue takes a census if its floor is here and it was not taken, or cannot be said or read any more. known is whether what it says is known.
func (s *Sealer) takeIfDue(ctx context.Context, look *Look, index uint64, known bool) error {
	if _, here := s.archive.Has(leaves.Census, index); here && (known || s.taking(index) != nil) {
		return nil
	}
	this := task{leaves.Census, index}
	if look.Floor < index || s.isGone(index) || s.resting(this) {
		return nil
	}
	err := s.takeCensus(ctx, index)
	if errors.Is(err, ErrNotCounted) {
		err = s.rememberCensus(ctx, look, index)
	}
	switch {
	case errors.Is(err, ErrNotCounted):
		s.mu.Lock()
		defer s.mu.Unlock()
		s.gone[index] = true
		s.move()
		return nil
	case err != nil:
		s.rest(this, err)
		return fmt.Errorf("proof: census at %d: %w", index, err)
	}
	return nil
}

// prune forgets what nobody asks for any more.
func (s *Sealer) prune(look *Look) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.taken, func(index uint64, _ CensusRoot) bool { return !look.Section.Wants(index) })
	maps.DeleteFunc(s.gone, func(index uint64, _ bool) bool { return !look.Section.Wants(index) })
}

// taking is what this node found out of a census in this life, nil where it did not.
func (s *Sealer) taking(index uint64) *CensusRoot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if root, ok := s.taken[index]; ok {
		return &root
	}
	return nil
}

// isGone reports whether the floor of a census was not here when it was due.
func (s *Sealer) isGone(index uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone[index]
}

// censusOf is what this node says of all streams at a cut, nil where the floor is gone. It is not known while the floor is here and the census is
// being taken.
func (s *Sealer) censusOf(c *Cut) (root *CensusRoot, known bool) {
	if root := s.taking(c.Last); root != nil {
		return root, true
	}
	if said, _ := c.Report(s.opt.Server); said.Census != nil {
		return said.Census, true
	}
	return nil, s.isGone(c.Last)
}

// rememberCensus reads out of its file what a census said that was taken in an earlier life, and whose floor is gone. Without a file, or where the log
// does not tell the policy, it is ErrNotCounted.
func (s *Sealer) rememberCensus(ctx context.Context, look *Look, index uint64) error {
	own, here := s.archive.Has(leaves.Census, index)
	if !here {
		return ErrNotCounted
	}
	if s.readUpTo() < look.Section.LogSize() { // the change of the policy may be a record that was not read yet
		return fmt.Errorf("%w: the log", ErrNotYet)
	}
	s.mu.Lock()
	policy := s.index.policyAt(index)
	s.mu.Unlock()
	if policy == "" {
		return ErrNotCounted
	}
	totals, err := s.totals(ctx, index)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken[index] = CensusRoot{Root: hashText(own.Root), Streams: own.Count, Totals: totals, Policy: policy}
	s.move()
	return nil
}

// takeCensus counts every stream at an index, out of the floor there. It is ErrNotCounted where that floor is gone.
func (s *Sealer) takeCensus(ctx context.Context, index uint64) error {
	if err := s.archive.room(); err != nil { // reading the whole ledger would be in vain
		return err
	}
	l, policy, err := s.opt.Catalog.Ledger(index)
	if err != nil {
		return err
	}
	start := time.Now()
	w, err := s.archive.create(leaves.Census, index)
	if err != nil {
		return err
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
		return errors.Join(err, w.Discard())
	}
	s.metrics.censusSeconds.Observe(time.Since(start).Seconds())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken[index] = CensusRoot{Root: hashText(info.Root), Streams: info.Count, Totals: totalsOf(&totals), Policy: PolicyHash(policy)}
	delete(s.failed, task{leaves.Census, index})
	if s.compared == index { // the file before was lost
		s.compared = 0
	}
	s.move()
	return nil
}

func totalsOf(t *census.Totals) Totals {
	return Totals{
		Expected: t.Expected, Stored: t.Stored, Open: t.Open, Lost: t.Lost, Declared: t.Declared, Shed: t.Shed, Rejected: t.Rejected, Expired: t.Expired,
	}
}

// compareCensus holds a census of this node against the cluster's, once.
func (s *Sealer) compareCensus(ctx context.Context, p *censusPlace) error {
	own, here := s.archive.Has(leaves.Census, p.Census.Index)
	s.mu.Lock()
	compared := s.compared
	s.mu.Unlock()
	if !here || compared == p.Census.Index {
		return nil
	}
	known, err := s.ownCensus(ctx, p, own)
	if err != nil {
		return err
	}
	c := &p.Census
	s.mu.Lock()
	defer s.mu.Unlock()
	s.compared, s.census = c.Index, nil
	if known != (CensusRoot{Root: c.Root, Streams: c.Streams, Totals: c.Totals, Policy: c.Policy}) {
		s.census = &Difference{Ordinal: c.Seal, Census: c.Index, Want: c.Root, Got: known.Root}
		if known.Root == c.Root {
			s.census.What, s.census.explained = "every stream is the same; the totals differ, or the policy in force", true
		}
		s.log.Error("this node's census is not the cluster's: it does not sign; its ledger or this binary is at fault",
			"seal", c.Seal, "index", c.Index, "root", known.Root, "cluster", c.Root, "totals", known.Totals, "policy", known.Policy)
	}
	s.move()
	return nil
}

// ownCensus is what this node says of a census that it has. One of an earlier life is read out of its file; which policy was in force there the log
// tells, or nobody.
func (s *Sealer) ownCensus(ctx context.Context, p *censusPlace, own Counted) (CensusRoot, error) {
	s.mu.Lock()
	known, ok := s.taken[p.Census.Index]
	policy := cmp.Or(s.index.policyAt(p.Census.Index), p.Census.Policy)
	s.mu.Unlock()
	if ok && known.Root == hashText(own.Root) {
		return known, nil
	}
	totals, err := s.totals(ctx, p.Census.Index)
	return CensusRoot{Root: hashText(own.Root), Streams: own.Count, Totals: totals, Policy: policy}, err
}

// totals adds up a census out of its file.
func (s *Sealer) totals(ctx context.Context, index uint64) (Totals, error) {
	var totals census.Totals
	err := s.archive.each(ctx, leaves.Census, index, func(b []byte) error {
		leaf, err := census.Parse(b)
		if err == nil {
			totals.Add(leaf)
		}
		return err
	})
	return totalsOf(&totals), err
}
