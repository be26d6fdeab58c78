package query

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// The store's own devices that keep what is about single numbers of others (package raftfsm writes them). Their frames are numbered by the server in
// the order of commits, each says whose number it is about, and there is no index over that.
const (
	deviceDeadLetter = "_dlq"      // what a door refused although its number was readable
	deviceConflict   = "_conflict" // a frame whose number was stored before with other bytes
)

const (
	traceMargin = time.Minute // beside the times of a number in which the search begins
	traceChunk  = 1 << 13     // frames of a recorder that are looked at in one piece
)

// recorderFields say which number a frame of a recorder is about.
var recorderFields = []string{"device", "epoch", "seq", "stream"}

// recorder is what one of these devices has about the traced number.
type recorder struct {
	device string
	target target
	all    ledger.Run // its numbers in the state; First is above Last when it has none

	found   []uint64 // about the number, in the order of the search
	list    []segment.Record
	looked  uint64
	skipped []ledger.Run // what a limit kept the search from
	limits  []string     // that were reached
}

// recorderOf finds the device in a View.
func recorderOf(v *View, tenant, device string) recorder {
	key := frame.StreamKey{Tenant: tenant, Device: device, Stream: frame.DefaultStream}
	rec := recorder{device: device, all: ledger.Run{First: 1}}
	id, _ := v.Ledger.ID(key)
	if ordinal, top, ok := v.Ledger.HighestStored(id); ok {
		rec.target = targetOf(v, id, key, ordinal)
		rec.all.Last = top
	}
	return rec
}

// search looks for evidence: around the time of the number first, then through what is newer, then through what is older; in each the newest first.
func (p *tracePage) search() error {
	fromNS, toNS := p.times()
	for _, rec := range []*recorder{&p.letters, &p.conflicts} {
		low, high, err := p.numbers(rec, fromNS, toNS)
		if err != nil {
			return err
		}
		left := uint64(p.api.opt.MaxTraceFrames)
		for _, run := range []ledger.Run{{First: low, Last: high}, {First: high + 1, Last: rec.all.Last}, {First: rec.all.First, Last: low - 1}} {
			if left, err = p.searchIn(rec, run, left); err != nil {
				return err
			}
		}
		if len(rec.skipped) > 0 && len(rec.limits) == 0 {
			p.reach(rec, "query.max_trace_frames")
		}
		if err := p.read(rec); err != nil {
			return err
		}
	}
	return nil
}

// reach notes a limit.
func (p *tracePage) reach(rec *recorder, limit string) {
	if slices.Contains(rec.limits, limit) {
		return
	}
	rec.limits = append(rec.limits, limit)
	p.api.metrics.limited.WithLabelValues(limit).Inc()
}

// times is when the number was on its way, as far as its row or the rows beside it tell, with a margin.
func (p *tracePage) times() (fromNS, toNS int64) {
	before, after := &p.before, &p.after
	if p.row.found {
		before, after = &p.row, &p.row
	}
	fromNS, toNS = math.MinInt64, math.MaxInt64
	if before.found {
		fromNS, _ = rowTimes(&before.rec.Row)
		fromNS = max(fromNS, math.MinInt64+int64(traceMargin)) - int64(traceMargin)
	}
	if after.found {
		_, toNS = rowTimes(&after.rec.Row)
		toNS = min(toNS, math.MaxInt64-int64(traceMargin)) + int64(traceMargin)
	}
	return fromNS, toNS
}

// rowTimes is when a row was made and received, the earlier one first.
func rowTimes(row *segment.Row) (first, last int64) {
	received := segment.Row{ReceiveMS: row.ReceiveMS, Flags: segment.FlagSkew}
	made, came := row.FiledNS(), received.FiledNS()
	return min(made, came), max(made, came)
}

// numbers is between which numbers all frames of a recorder lie that are filed in a range of times.
func (p *tracePage) numbers(rec *recorder, fromNS, toNS int64) (low, high uint64, err error) {
	if rec.all.First > rec.all.Last {
		return rec.all.First, rec.all.Last, nil
	}
	low, high = rec.all.Last+1, 0
	add := func(since, until reach) {
		if since.hasAt {
			low = min(low, since.at)
		}
		if until.hasAt {
			high = max(high, until.at)
		}
	}
	var l *layers
	err = p.again(func(v *View) {
		newest := headLayer{&p.r.reading, v.Head, &rec.target}
		since, _ := newest.since(fromNS)
		until, _ := newest.until(toNS)
		add(since, until)
		l = p.r.reading.capture(v)
	})
	if err != nil {
		return 0, 0, err
	}
	keep := func(i *segment.Info) bool { return i.LastNS >= fromNS && i.FirstNS <= toNS }
	err = l.each(&rec.target, keep, func(x layer) (bool, error) {
		since, err := x.since(fromNS)
		if err != nil {
			return false, err
		}
		until, err := x.until(toNS)
		add(since, until)
		return true, err
	})
	high = min(high, rec.all.Last)
	return min(low, high+1), high, err
}

// searchIn goes through a range of the recorder's numbers, the newest first, piece by piece. It returns how many frames may still be looked at.
func (p *tracePage) searchIn(rec *recorder, run ledger.Run, left uint64) (uint64, error) {
	for run.First <= run.Last {
		n := min(run.Last-run.First+1, traceChunk, left)
		if n == 0 {
			rec.skipped = append(rec.skipped, run)
			return 0, nil
		}
		whole, err := p.scan(rec, ledger.Run{First: run.Last - n + 1, Last: run.Last})
		if err != nil {
			return 0, err
		}
		if !whole {
			rec.skipped = append(rec.skipped, run)
			return 0, nil
		}
		rec.looked += n
		left -= n
		run.Last -= n
	}
	return left, nil
}

// scan looks at one piece. It is false when a limit of what a question may read ended it.
func (p *tracePage) scan(rec *recorder, run ledger.Run) (whole bool, err error) {
	span := segment.All()
	span.FirstSeq, span.LastSeq = run.First, run.Last
	w := walk{api: p.api, r: p.r, span: span, cols: segment.Columns{Fields: recorderFields}, asOf: p.asOf, targets: []target{rec.target}}
	from := len(rec.found)
	var decoded frame.Frame
	for !w.ended() && !w.more {
		err := w.step(traceChunk+1, func(_ *target, one *segment.Record) bool {
			fields := one.Fields
			if one.Body.Size() > 0 { // of a head
				one.Body.Decode(&decoded)
				fields = decoded.Fields
			}
			if p.about(fields) {
				rec.found = append(rec.found, one.Seq)
			}
			return true
		})
		if err != nil {
			return false, err
		}
	}
	slices.Reverse(rec.found[from:])
	return !w.more || !p.spent(rec), nil
}

// spent notes the limit of reads that was reached, if one was.
func (p *tracePage) spent(rec *recorder) bool {
	var e *Error
	if !errors.As(p.r.reading.spent(), &e) {
		return false
	}
	p.reach(rec, e.limit)
	return true
}

// again looks at a later state of the same history.
func (p *tracePage) again(fn func(*View)) error {
	return p.api.view(p.r, func(v *View) error {
		if v.AsOf.History != p.asOf.History {
			return stateGone(p.asOf, v.AsOf)
		}
		fn(v)
		return nil
	})
}

// about reports whether a recorder's frame is about the traced number.
func (p *tracePage) about(fields []frame.Field) bool {
	hits := 0
	for i := range fields {
		v := &fields[i].Value
		switch fields[i].Name {
		case "device":
			if string(v.Str) != p.target.key.device {
				return false
			}
		case "stream":
			if string(v.Str) != p.target.key.stream {
				return false
			}
		case "epoch":
			if v.Int64() != int64(p.target.key.ordinal) {
				return false
			}
		case "seq":
			if v.Int64() != int64(p.seq) {
				return false
			}
		default:
			continue
		}
		hits++
	}
	return hits == len(recorderFields)
}

// read reads the first frames that were found, with what they have.
func (p *tracePage) read(rec *recorder) error {
	for _, seq := range rec.found {
		if len(rec.list) == p.api.opt.MaxTraceEvidence {
			p.reach(rec, "query.max_trace_evidence")
			return nil
		}
		if p.spent(rec) {
			return nil
		}
		var one traced
		var l *layers
		err := p.again(func(v *View) {
			one.take(v.Head.Get(rec.target.id, rec.target.key.ordinal, seq))
			l = p.r.reading.capture(v)
		})
		if err == nil && !one.found {
			one, err = l.row(&rec.target, seq, segment.Columns{All: true})
		}
		if err != nil {
			return err
		}
		rec.list = append(rec.list, one.rec)
	}
	return nil
}
