package query

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gaplessdb/gapless/query/series"
	"github.com/gaplessdb/gapless/segment"
)

// seriesRun answers one question about buckets.
//
//	ask      outside: which epochs the segments of the state have, and what they say of the range's ends
//	choose   one View: the state; the streams, and what the ledger expects of them
//	stretch  one View each, the first is the same: rows of the newest head, as many as the lock may be held for
//	read     outside: the streams of the stretch, several at once; their cells go into groups in the order of names
//
// All stretches show the state that was chosen, whichever layers the rows moved through meanwhile.
type seriesRun struct {
	api  *API
	r    *request
	plan *seriesPlan

	nowMS int64
	grid  *series.Grid
	span  segment.Span // the grid's range
	parts seriesParts  // what segments have

	chosen bool
	asOf   AsOf           // the state
	epochs []*seriesEpoch // in order of names and ordinals,
	tracks []*seriesTrack // by streams
	groups []*seriesGroup // in order
	whole  sum            // the completeness of all but
	ends   []*part        // the streams of one device, whose end of what is complete is told
	widest int            // the most fields that a stream had so far
	silent int            // selected devices that never said anything
	next   struct {       // the first row of the newest head that is still to be read
		track, epoch int
		seq          uint64
	}

	meter   seriesMeter
	readers sync.Pool // of *seriesReader
}

// run answers.
func (s *seriesRun) run() error {
	s.readers.New = func() any { return &seriesReader{run: s} }
	var stretch *seriesStretch
	for done := false; !done; {
		var ask *layers
		err := s.api.view(s.r, func(v *View) (err error) {
			stretch, ask, err = s.collect(v)
			return err
		})
		switch {
		case err != nil:
		case ask != nil:
			if err = s.ask(ask); err != nil && s.movedOn() {
				err = nil // a later state has those rows elsewhere
			}
		default:
			done = s.next.track == len(s.tracks)
			err = s.read(stretch)
		}
		if err != nil {
			return err
		}
	}
	return s.settle(stretch)
}

// movedOn reports whether a segment that could not be opened was merged away meanwhile.
func (s *seriesRun) movedOn() (gone bool) {
	name := s.r.reading.refused
	if name == (segment.Name{}) {
		return false
	}
	s.r.reading.refused = segment.Name{}
	err := s.api.view(s.r, func(v *View) error {
		_, there := v.Manifest.Find(name)
		gone = !there
		return nil
	})
	return err == nil && gone
}

// collect takes out of one View what can be read only there, or returns the layers whose segments are to be asked first.
func (s *seriesRun) collect(v *View) (stretch *seriesStretch, ask *layers, err error) {
	if !s.chosen {
		if s.plan.relative() && v.AsOf.TimeMS != s.nowMS { // now is the commit time of the state
			s.grid, s.parts = nil, seriesParts{}
		}
		if err := s.find(v); err != nil {
			return nil, nil, err
		}
	}
	if len(s.epochs) > 0 && !s.parts.know(v.Manifest) {
		return nil, s.r.reading.capture(v), nil
	}
	if !s.chosen {
		if err := s.choose(v); err != nil {
			return nil, nil, err
		}
	}
	if v.AsOf.History != s.asOf.History {
		return nil, nil, stateGone(s.asOf, v.AsOf)
	}
	return s.stretch(v), nil, nil
}

// each calls fn for 0..n-1, in several goroutines where that is allowed. It returns the error with the lowest number.
func (s *seriesRun) each(n int, fn func(r *seriesReader, i int) error) error {
	var next atomic.Int64
	errs := make([]error, n)
	work := func() {
		r := s.readers.Get().(*seriesReader)
		defer s.readers.Put(r)
		for {
			i := int(next.Add(1)) - 1
			if i >= n {
				return
			}
			if errs[i] = fn(r, i); errs[i] != nil {
				next.Store(int64(n))
				return
			}
		}
	}
	if workers := min(s.api.opt.SeriesWorkers, runtime.GOMAXPROCS(0), n); workers > 1 {
		var all sync.WaitGroup
		for range workers {
			all.Go(work)
		}
		all.Wait()
	} else {
		work()
	}
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return errs[i]
	}
	return nil
}

// batchCells is about how many cells of streams that are not yet in their group may be held.
const batchCells = 1 << 16

// read reads a stretch. Streams are read side by side and put together in order, so that an answer does not depend on who is first.
func (s *seriesRun) read(stretch *seriesStretch) error {
	for jobs := stretch.jobs; len(jobs) > 0; {
		most := max(s.api.opt.SeriesWorkers, batchCells/(s.grid.Len()*max(1, s.widest, len(s.plan.fields))))
		batch := jobs[:min(most, len(jobs))]
		jobs = jobs[len(batch):]
		err := s.each(len(batch), func(r *seriesReader, i int) error { return r.job(stretch, &batch[i]) })
		if err != nil {
			return err
		}
		for i := range batch {
			if batch[i].ended {
				if err := batch[i].track.join(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
