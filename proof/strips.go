package proof

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/segment"
)

const reportEvery = 5 * time.Second // of a long pass

// span is consecutive ordinals, and the Raft indexes that their frames have.
type span struct {
	first, last           uint32
	firstIndex, lastIndex uint64
}

func (c *Cut) span() span { return span{c.Ordinal, c.Ordinal, c.First, c.Last} }

// inputs are the segments of a manifest that may have frames of a span, and a sum that is another one for others.
func (p span) inputs(m *segment.Manifest) (list []segment.Info, sum merkle.Hash) {
	h := sha256.New()
	for _, info := range m.Segments() {
		if info.LastIndex >= p.firstIndex && info.FirstIndex <= p.lastIndex {
			list = append(list, info)
			h.Write(info.Name[:])
		}
	}
	return list, merkle.Hash(h.Sum(nil))
}

// strips counts a span in one pass over the segments that may have its frames, or as much of it as there is memory for.
func (s *Sealer) strips(ctx context.Context, look *Look, p span) (err error) {
	start := time.Now()
	list, sum := p.inputs(look.Manifest)
	inputs, release, err := segment.OpenAll(list, s.opt.Catalog.Segment)
	defer release()
	if err != nil {
		return err
	}
	w := newStripWriter(s.archive, p)
	defer func() { err = errors.Join(err, w.discard()) }()
	if err := s.archive.room(); err != nil { // hashing would be in vain
		return err
	}
	told := start
	opt := content.Options{Limit: func(n int) error { return s.opt.Limit(ctx, n) }, Progress: func(frames uint64) {
		if now := time.Now(); now.Sub(told) >= reportEvery {
			told = now
			s.log.Info("counting what is stored", "seals", fmt.Sprintf("%d..%d", p.first, p.last), "frames", frames)
		}
	}}
	if err := content.Compute(ctx, inputs, p.first, p.last, opt, w.add); err != nil {
		return err
	}
	s.mu.Lock()
	for n := w.first; n <= w.last; n++ {
		s.counted[n] = sum
		delete(s.failed, task{leaves.Strips, uint64(n)})
	}
	s.mu.Unlock()
	if p.last > p.first {
		s.inPass.learn(&w)
	}
	if err := w.finish(); err != nil {
		return err
	}
	s.mu.Lock()
	s.move() // the clerk may compare
	s.mu.Unlock()
	took := time.Since(start)
	s.metrics.contentSeconds.Observe(took.Seconds())
	s.metrics.frames.Add(float64(w.frames))
	s.log.Info("counted", "seals", fmt.Sprintf("%d..%d", p.first, w.last), "frames", w.frames, "segments", len(inputs), "took", took)
	return nil
}
