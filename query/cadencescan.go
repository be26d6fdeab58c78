package query

import (
	"cmp"
	"math"
	"slices"

	"github.com/gaplessdb/gapless/segment"
)

// cadenceScan reads the times of one device, of all its streams and epochs together, in order. Frames are stored by number, and times may be
// in any order: where there are more than it holds at once, it finds them in rounds, the earliest first.
type cadenceScan struct {
	walk
	ranged bool
	most   int // stamps that are held when a round ends, and twice as many before

	stamps         []stamp
	firstNS, cutNS int64 // what is before or after belongs to another round
	left           bool  // there is something after

	whole             bool // the round sees every row, and counts those whose time goes back, or is implausible
	backwards, skewed uint64
	before            *target // of the row before, and its time
	beforeNS          int64
}

// measureCadence fills a report from the device's targets, as of one state.
func (a *API) measureCadence(r *request, asOf AsOf, targets []target, report *cadenceReport) error {
	span := segment.All()
	span.FirstNS, span.LastNS = report.fromNS, report.toNS
	s := &cadenceScan{
		walk:   walk{api: a, r: r, span: span, asOf: asOf, targets: targets},
		ranged: report.ranged(), most: a.cadenceStamps, firstNS: math.MinInt64, whole: true,
	}
	for s.left = true; s.left; s.whole = false {
		s.span = span
		if err := s.round(); err != nil {
			return err
		}
		for _, one := range s.stamps {
			report.take(one)
		}
		s.firstNS = s.cutNS + 1 // nothing is left behind a cut at the end of time
	}
	report.devices, report.backwards, report.skewed = 1, s.backwards, s.skewed
	report.edges(asOf.TimeMS)
	return nil
}

// round collects the earliest times from firstNS on. After the first one it reads only what can be among them: where all times are
// plausible, they are those that blocks are found by.
func (s *cadenceScan) round() error {
	s.walk.first, s.place = place{}, place{}
	s.stamps, s.cutNS, s.left, s.before = s.stamps[:0], math.MaxInt64, false, nil
	sparing := !s.whole && (s.ranged || s.skewed == 0)
	if sparing {
		s.span.FirstNS = max(s.span.FirstNS, s.firstNS)
	}
	for !s.ended() {
		if err := s.step(math.MaxInt, s.take); err != nil {
			return err
		}
		if err := s.r.reading.spent(); s.more && err != nil {
			return err
		}
		s.more = false
		if sparing {
			s.span.LastNS = min(s.span.LastNS, s.cutNS)
		}
	}
	s.squeeze()
	return nil
}

func (s *cadenceScan) take(t *target, rec *segment.Record) bool {
	ns, skewed := rec.TimeNS, rec.Flags&segment.FlagSkew != 0
	if s.whole && skewed {
		s.skewed++
	}
	if s.ranged && skewed {
		return true
	}
	if s.whole {
		if s.before == t && ns < s.beforeNS {
			s.backwards++
		}
		s.before, s.beforeNS = t, ns
	}
	switch {
	case ns < s.firstNS:
		return true
	case ns > s.cutNS:
		s.left = true
		return true
	}
	if s.stamps = append(s.stamps, stamp{ns, 1}); len(s.stamps) == 2*s.most {
		s.squeeze()
	}
	return true
}

// squeeze sorts the stamps, joins equal ones, and leaves the latest to a later round when there are too many.
func (s *cadenceScan) squeeze() {
	slices.SortFunc(s.stamps, func(a, b stamp) int { return cmp.Compare(a.ns, b.ns) })
	kept := s.stamps[:0]
	for _, one := range s.stamps {
		if n := len(kept); n > 0 && kept[n-1].ns == one.ns {
			kept[n-1].n += one.n
		} else {
			kept = append(kept, one)
		}
	}
	if len(kept) > s.most {
		kept, s.left = kept[:s.most], true
		s.cutNS = kept[s.most-1].ns
	}
	s.stamps = kept
}
