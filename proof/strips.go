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

const (
	atOnce      = 64              // ordinals that one pass over the segments counts
	reportEvery = 5 * time.Second // of a long pass
)

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

// strips counts a span in one pass over the segments that may have its frames.
func (s *Sealer) strips(ctx context.Context, look *Look, p span) (err error) {
	start := time.Now()
	list, sum := p.inputs(look.Manifest)
	inputs, release, err := s.open(list)
	defer release()
	if err != nil {
		return err
	}
	w := stripWriters{archive: s.archive, first: p.first}
	defer func() { err = errors.Join(err, w.discard()) }()
	if err := w.create(p.last); err != nil {
		return err
	}
	told := start
	opt := content.Options{Limit: s.opt.Limit, Progress: func(frames uint64) {
		if now := time.Now(); now.Sub(told) >= reportEvery {
			told = now
			s.log.Info("counting what is stored", "seals", fmt.Sprintf("%d..%d", p.first, p.last), "frames", frames)
		}
	}}
	if err := content.Compute(ctx, inputs, p.first, p.last, opt, w.add); err != nil {
		return err
	}
	s.mu.Lock()
	for n := p.first; n <= p.last; n++ {
		s.counted[n] = sum
		delete(s.failed, n)
	}
	s.mu.Unlock()
	if err := w.finish(); err != nil {
		return err
	}
	took := time.Since(start)
	s.metrics.contentSeconds.Observe(took.Seconds())
	s.metrics.frames.Add(float64(w.frames))
	s.log.Info("counted", "seals", fmt.Sprintf("%d..%d", p.first, p.last), "frames", w.frames, "segments", len(inputs), "took", took)
	return nil
}

// open opens segments. release gives them back, also where there was an error.
func (s *Sealer) open(list []segment.Info) (inputs []*segment.Reader, release func(), err error) {
	var releases []func()
	release = func() {
		for _, r := range releases {
			r()
		}
	}
	for i := range list {
		r, done, err := s.opt.Catalog.Segment(list[i].Name)
		if err != nil {
			return nil, release, err
		}
		inputs, releases = append(inputs, r), append(releases, done)
	}
	return inputs, release, nil
}

// stripWriters are the files of consecutive ordinals.
type stripWriters struct {
	archive *Archive
	first   uint32 // ordinal of the first one that is open
	open    []*leaves.Writer
	frames  uint64
	room    []byte
}

func (w *stripWriters) create(last uint32) error {
	for n := w.first; n <= last; n++ {
		f, err := w.archive.create(leaves.Strips, uint64(n))
		if err != nil {
			return err
		}
		w.open = append(w.open, f)
	}
	return nil
}

func (w *stripWriters) add(strip *content.Strip) error {
	w.frames += strip.Frames
	w.room = strip.Append(w.room[:0])
	return w.open[strip.Ordinal-w.first].Add(leaves.Key{StreamKey: strip.Key, Epoch: strip.Epoch}, w.room)
}

// finish makes the files what was counted, the oldest first.
func (w *stripWriters) finish() error {
	for len(w.open) > 0 {
		info, err := w.open[0].Finish()
		if err != nil {
			return err
		}
		w.archive.added(leaves.Strips, uint64(w.first), info)
		w.open = w.open[1:]
		w.first++
	}
	return nil
}

// discard removes what is not finished.
func (w *stripWriters) discard() (err error) {
	for _, f := range w.open {
		err = errors.Join(err, f.Discard())
	}
	w.open = nil
	return err
}
