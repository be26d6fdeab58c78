package query

import (
	"math"

	"github.com/gaplessdb/gapless/segment"
)

// listing is the rows of a selection in one state, with what is known of their completeness there.
type listing struct {
	walk
	sel selection

	layers       *layers // of the state
	parts        []*part // completeness of the streams of one device,
	sum          sum     // and of all others
	completeness completeness
	silent       int      // selected devices that never said anything
	stored       uint64   // rows that lie in the selected numbers: exactly those that will come, but where times are selected too
	windows      *windows // of the range of times
}

// start finds the state, the epochs to read, and their completeness. The time of a range is looked up in segments before the state is
// chosen whose ledger counts the numbers in it. In the View of that state it calls also, which may be nil.
func (l *listing) start(also func(*View) error) error {
	for {
		var ask *layers
		err := l.api.view(l.r, func(v *View) (err error) {
			if ask, err = l.choose(v); err == nil && ask == nil && also != nil {
				err = also(v)
			}
			return err
		})
		if err != nil {
			return err
		}
		if ask == nil {
			break
		}
		if err := l.windows.ask(ask, l.targets, l.api.opt.MaxRanges); err != nil {
			return err
		}
	}
	return l.settle()
}

// timed reports whether the selection is a range of times.
func (l *listing) timed() bool {
	return l.span.FirstNS != math.MinInt64 || l.span.LastNS != math.MaxInt64
}

// choose takes the View's state, or returns the layers whose segments are to be asked about the range of times first.
func (l *listing) choose(v *View) (ask *layers, err error) {
	if err := l.sel.exist(v); err != nil {
		return nil, err
	}
	if l.targets, err = l.sel.targets(v, l.api.opt.MaxStreams); err != nil {
		return nil, err
	}
	if l.timed() {
		if l.windows == nil {
			l.windows = newWindows(l.span.FirstNS, l.span.LastNS)
		}
		if len(l.targets) > 0 && !l.windows.know(v.Manifest) {
			return l.r.reading.capture(v), nil
		}
	}
	l.asOf, l.layers = v.AsOf, l.r.reading.capture(v)
	return nil, l.measure(v)
}

// measure is the completeness of everything that the listing selects.
func (l *listing) measure(v *View) error {
	for range l.sel.silent(v) {
		l.silent++
		l.sum.add(nothingSaid())
	}
	whole := l.sel.epoch == 0 && l.span == segment.All()
	var sides []aside // of the stream at hand
	for i := range l.targets {
		if err := l.r.expired(); err != nil {
			return err
		}
		t := &l.targets[i]
		switch {
		case !whole:
			one, side := ofRange(v, t, l.span, l.windows)
			if one != nil {
				l.add(one)
			}
			sides = append(sides, side)
			if i+1 == len(l.targets) || l.targets[i+1].id != t.id {
				l.sum.bound(unseen(sides))
				sides = sides[:0]
			}
		case t.key.ordinal > 1: // the stream as a whole, once
		case l.sel.device == "":
			if s, ok := v.Ledger.Summary(t.id); ok {
				l.add(&part{completeness: completeness{verdict: s.Verdict, expected: s.Totals.Expected, stored: s.Totals.Stored}})
			}
		default:
			if one, ok := ofStream(v, t.id, t.stream()); ok {
				l.add(one)
			}
		}
	}
	return nil
}

// add takes in the completeness of a stream or epoch. How far it is complete is told of one device only: looking it up for a fleet would
// read a block of every stream.
func (l *listing) add(p *part) {
	l.stored += p.stored
	if l.sel.device != "" {
		l.parts = append(l.parts, p)
		return
	}
	p.through = through{}
	l.sum.add(p.completeness)
}

// settle looks up what the View could not tell.
func (l *listing) settle() error {
	if err := l.layers.settle(l.parts...); err != nil {
		return err
	}
	for _, p := range l.parts {
		l.sum.add(p.completeness)
	}
	l.completeness, l.parts, l.windows, l.layers = l.sum.result(), nil, nil, nil
	return nil
}
