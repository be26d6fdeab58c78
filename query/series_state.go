package query

import (
	"math"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// find lists the epochs that are asked for, and cuts the range where that is still to be done.
func (s *seriesRun) find(v *View) error {
	sel, opt := &s.plan.sel, &s.api.opt
	if err := sel.exist(v); err != nil {
		return err
	}
	for _, label := range s.plan.group.labels {
		if err := labelInUse(v, sel.tenant, label); err != nil {
			return err
		}
	}
	targets, err := sel.targets(v, opt.MaxSeries+1)
	if err != nil || len(targets) > opt.MaxSeries {
		return limitError("query.max_series", opt.MaxSeries, "it bounds the epochs of all streams that one answer reads: select fewer devices")
	}
	if err := sel.haveStream(v); err != nil {
		return err
	}
	if s.grid == nil {
		s.nowMS = v.AsOf.TimeMS
		if s.grid, err = s.plan.resolve(v.AsOf.TimeMS, opt.MaxBuckets); err != nil {
			return err
		}
		s.span = segment.All()
		s.span.FirstNS, s.span.LastNS = s.grid.Starts[0], s.grid.Last
	}
	s.epochs = make([]*seriesEpoch, len(targets))
	for i := range targets {
		s.epochs[i] = &seriesEpoch{target: targets[i]}
	}
	return nil
}

// choose takes the View's state: what is expected of every epoch, and which groups there are.
func (s *seriesRun) choose(v *View) error {
	s.chosen, s.asOf = true, v.AsOf
	room := s.api.opt.MaxGaps
	var sides []aside // of the stream at hand
	for i, e := range s.epochs {
		if err := s.r.expired(); err != nil {
			return err
		}
		if !e.measure(v, s.parts.epochs[e.id()], s.span.FirstNS, s.span.LastNS, room) {
			return limitError("query.max_gaps", s.api.opt.MaxGaps, "select fewer devices or a narrower range")
		}
		room -= len(e.missing)
		s.total(v, e)
		sides = append(sides, e.side)
		if i+1 == len(s.epochs) || s.epochs[i+1].target.id != e.target.id {
			s.whole.bound(unseen(sides))
			sides = sides[:0]
		}
	}
	silent := s.plan.sel.silent(v)
	s.silent = len(silent)
	for range silent {
		s.whole.add(nothingSaid())
	}
	return s.divide(v, silent)
}

// total takes in the completeness of an epoch, or, where the range is everything, of the whole stream with its first one. How far it is
// complete is told of one device only.
func (s *seriesRun) total(v *View, e *seriesEpoch) {
	p, ok := (*part)(nil), false
	switch {
	case s.span.FirstNS != math.MinInt64 || s.span.LastNS != math.MaxInt64:
		if ok = e.any; ok {
			p = e.part(v)
		}
	case e.key.ordinal == 1:
		p, ok = ofStream(v, e.target.id, e.stream())
	}
	switch {
	case !ok:
	case s.plan.sel.device != "":
		s.ends = append(s.ends, p)
	default:
		p.through = through{}
		s.whole.add(p.completeness)
	}
}

// seriesStretch is what one View gives to read, and the layers that go with it.
type seriesStretch struct {
	sealed []*segment.Head
	live   map[segment.Name]bool // the segments of the state
	layers *layers
	jobs   []seriesJob
}

// seriesJob is the work on one stream.
type seriesJob struct {
	track  *seriesTrack
	pieces []seriesPiece
	ended  bool // nothing of the stream is left
}

// seriesPiece is a range of numbers of one epoch, with the rows of the newest head.
type seriesPiece struct {
	epoch       *seriesEpoch
	first, last uint64
	rows        []headRow
	ended       bool // nothing of the epoch is left
}

// headRow is what is kept of a row of the newest head.
type headRow struct {
	seq     uint64
	filedNS int64
	body    frame.Body
}

// stretch copies as many rows of the newest head as the lock may be held for.
func (s *seriesRun) stretch(v *View) *seriesStretch {
	out := &seriesStretch{sealed: v.Sealed, live: map[segment.Name]bool{}, layers: s.r.reading.capture(v)}
	for _, i := range v.Manifest.Segments() {
		out.live[i.Name] = true
	}
	for budget := s.api.opt.LockRows; s.next.track < len(s.tracks) && budget > 0; {
		job := seriesJob{track: s.tracks[s.next.track]}
		for list := job.track.epochs; s.next.epoch < len(list) && budget > 0; {
			piece := seriesPiece{epoch: list[s.next.epoch], first: s.next.seq, last: math.MaxUint64, ended: true}
			budget = s.copyRows(v, &piece, budget)
			if job.pieces = append(job.pieces, piece); piece.ended {
				s.next.epoch, s.next.seq = s.next.epoch+1, 0
			} else {
				s.next.seq = piece.last + 1
			}
		}
		if job.ended = s.next.epoch == len(job.track.epochs); job.ended {
			s.next.track, s.next.epoch = s.next.track+1, 0
		}
		out.jobs = append(out.jobs, job)
	}
	return out
}

// copyRows copies a piece's rows, and ends it where the budget does.
func (s *seriesRun) copyRows(v *View, piece *seriesPiece, budget int) (left int) {
	span := s.span
	span.FirstSeq, span.Budget = piece.first, budget
	looked, next, more := v.Head.Scan(piece.epoch.target.id, piece.epoch.key.ordinal, span, func(row *segment.Row) bool {
		if row.Index <= s.asOf.Index { // later ones are not of the state
			piece.rows = append(piece.rows, headRow{row.Seq, row.FiledNS(), row.Body})
		}
		return true
	})
	if more {
		piece.last, piece.ended = next-1, false
	}
	s.meter.rows.Add(int64(looked))
	return budget - looked
}
