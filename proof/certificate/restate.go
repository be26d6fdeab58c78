package certificate

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/record"
)

// Account is the part of a certificate that follows from census leaves.
type Account struct {
	Verdict   string
	Statement Statement
	Streams   []Stream
	NotProven []Caveat
}

// Within says which numbers of an epoch lie in the time of a scope: first and last one, or none. It is asked only about scopes with a time.
type Within func(key frame.StreamKey, e *census.Epoch) ([]uint64, error)

// Restate says what census leaves say of a scope, in the words of a certificate. The leaves are those of all streams in scope, ascending.
func Restate(scope *Scope, leaves []*census.Leaf, within Within) (*Account, error) {
	r := newRestating(scope, within, nil)
	for _, l := range leaves {
		if err := r.stream(l); err != nil {
			return nil, err
		}
	}
	return r.end(), nil
}

// restating is Restate, leaf by leaf.
type restating struct {
	Account
	scope  *Scope
	within Within
	room   *room
	worst  ledger.Grade
	seen   seen
	device string   // of the last stream
	absent []string // devices of the scope behind it
}

func newRestating(scope *Scope, within Within, room *room) *restating {
	r := &restating{scope: scope, within: within, room: room, worst: ledger.Complete, absent: scope.Devices}
	r.Streams, r.Statement.Causes = []Stream{}, map[string]uint64{}
	return r
}

// end is what the streams say together. Of a device that is not there nothing is known, and of a scope without any stream either.
func (r *restating) end() *Account {
	r.Statement.Absent = append(r.Statement.Absent, r.absent...)
	if len(r.Streams) == 0 || len(r.Statement.Absent) > 0 {
		r.grade(ledger.Indeterminate)
	}
	r.Verdict = r.worst.String()
	r.NotProven = caveats(r.scope, &r.seen)
	return &r.Account
}

func (r *restating) grade(g ledger.Grade) { r.worst = min(r.worst, g) }

// reach goes on to a device of the scope, and notes those before it of which there was no stream.
func (r *restating) reach(device string) {
	if r.Statement.Devices > 0 && r.device == device {
		return
	}
	r.Statement.Devices, r.device = r.Statement.Devices+1, device
	for len(r.absent) > 0 && r.absent[0] < device {
		r.Statement.Absent, r.absent = append(r.Statement.Absent, r.absent[0]), r.absent[1:]
	}
	if len(r.absent) > 0 && r.absent[0] == device {
		r.absent = r.absent[1:]
	}
}

// stream adds one. Of a stream none of whose epochs is in scope nothing is known.
func (r *restating) stream(l *census.Leaf) error {
	r.reach(l.Key.Device)
	s := Stream{Device: l.Key.Device, Stream: l.Key.Stream, Epochs: []Epoch{}}
	worst, beside := ledger.Grade(0), neighbours{}
	for i := range l.Epochs {
		e := &l.Epochs[i]
		if !r.scope.HoldsEpoch(e.Ordinal) {
			continue
		}
		words, st, err := r.epoch(l.Key, e)
		if err != nil {
			return err
		}
		s.Epochs = append(s.Epochs, words)
		silent := r.silent(&words)
		beside.next(e, st, silent)
		if !silent && (worst == 0 || st.Grade < worst) {
			worst = st.Grade
		}
	}
	if beside.reach {
		worst = min(worst, ledger.CompleteBetweenSeen)
	}
	r.grade(max(worst, ledger.Indeterminate))
	r.Streams = append(r.Streams, s)
	r.Statement.Streams++
	r.Statement.Epochs += len(s.Epochs)
	return nil
}

// silent reports whether an epoch has no number in the scope's time. It says nothing of the stream, unless they all are so, or it may reach into the time.
func (r *restating) silent(e *Epoch) bool { return len(r.scope.Time) > 0 && len(e.Seq) == 0 }

// neighbours finds out whether a silent epoch of a stream may reach into the time, with numbers that were all lost. It may if the nearest epoch with numbers
// behind it begins in the time, and nobody declared its own end; or if the nearest one before it goes on in the time to its last number, and nobody declared
// its own beginning. Of a silent epoch without numbers nobody knows on which side of the time it lies: there both ends count.
type neighbours struct {
	reach bool // one may
	open  bool // one may, if the next epoch with numbers begins in the time
	wide  bool // the last epoch with numbers goes on in the time to its last one
}

// next takes the next epoch of the stream.
func (n *neighbours) next(e *census.Epoch, st *census.Statement, silent bool) {
	if !silent {
		n.reach = n.reach || n.open && !st.HeadCut
		n.open, n.wide = false, !st.TailCut
		return
	}
	some, headOpen := e.Next > e.Base, e.Head != census.HeadDeclared
	n.reach = n.reach || n.wide && (headOpen || !some && st.TailOpen)
	n.open = st.TailOpen || !some && (headOpen || n.open)
	n.wide = n.wide && !some
}

func (r *restating) epoch(key frame.StreamKey, e *census.Epoch) (Epoch, *census.Statement, error) {
	st := e.Statement()
	seq := []uint64(nil)
	switch {
	case len(r.scope.Seq) == 2:
		st = e.Within(census.Range{First: r.scope.Seq[0], Last: r.scope.Seq[1]})
		seq = numbers(&st)
	case len(r.scope.Time) > 0:
		in, err := r.within(key, e)
		if err != nil {
			return Epoch{}, nil, err
		}
		if len(in) != 2 {
			in = []uint64{1, 0} // of which census says that nothing is known
		} else if in[0] > in[1] || in[0] < e.Base || in[1] >= e.Next {
			return Epoch{}, nil, fmt.Errorf("certificate: %s epoch %d has the numbers %d to %d, not %v", key, e.Ordinal, e.Base, int64(e.Next)-1, in)
		}
		_, to, err := r.scope.Times()
		if err != nil {
			return Epoch{}, nil, err
		}
		st = e.Until(ceilMS(to), census.Range{First: in[0], Last: in[1]})
		seq = numbers(&st)
	}
	if err := r.weigh(&st); err != nil {
		return Epoch{}, nil, err
	}
	r.seen.note(e, &st)
	r.count(&st)
	return words(e, &st, seq), &st, nil
}

// ceilMS is the first whole millisecond that is no earlier.
func ceilMS(ns int64) int64 {
	ms := ns / 1e6
	if ms*1e6 < ns {
		ms++
	}
	return ms
}

func numbers(st *census.Statement) []uint64 {
	if st.Expected == 0 {
		return []uint64{}
	}
	return []uint64{st.Range.First, st.Range.Last}
}

// weigh counts what an epoch takes in the document.
func (r *restating) weigh(st *census.Statement) error {
	n := int64(epochBytes)
	for i := range st.Gaps {
		n += gapBytes + int64(len(st.Gaps[i].Reason))
	}
	return r.room.take(n)
}

func (r *restating) count(st *census.Statement) {
	sum := &r.Statement
	sum.Expected = plus(sum.Expected, st.Expected)
	sum.Stored = plus(sum.Stored, st.Stored)
	sum.Missing = plus(sum.Missing, st.Expected-st.Stored)
	sum.Open = plus(sum.Open, st.Open)
	for cause, n := range st.Causes {
		sum.Causes[cause] = plus(sum.Causes[cause], n)
	}
}

// plus adds up to the greatest number there is.
func plus(a, b uint64) uint64 {
	sum, over := bits.Add64(a, b, 0)
	if over > 0 {
		return math.MaxUint64
	}
	return sum
}

// words is an epoch as a certificate writes it.
func words(e *census.Epoch, st *census.Statement, seq []uint64) Epoch {
	w := Epoch{
		Epoch: e.Ordinal, Raw: e.Value, Source: e.Source.String(), Numbering: "device",
		Head: Head{Basis: e.Head.String()}, Tail: Tail{Basis: e.Tail.String()}, Seq: seq,
		Expected: st.Expected, Stored: st.Stored, Verdict: st.Grade.String(), Reasons: append([]string{}, st.Reasons...),
		Gaps: make([]Gap, 0, len(st.Gaps)),
	}
	if e.Unnumbered {
		w.Numbering = "server"
	}
	if e.Begun {
		first := e.Base
		w.Head.First = &first
	}
	if e.Next > e.Base {
		last := e.Next - 1
		w.Tail.Last = &last
	}
	if e.Tail == census.TailWatermark {
		w.Tail.DeclaredAt = record.Time(e.TailMS)
	}
	for i := range st.Gaps {
		g := &st.Gaps[i]
		gap := Gap{From: g.First, To: g.Last, Count: g.Count(), State: string(g.State), Confidence: g.Confidence(), Reason: g.Reason}
		if g.Cause != 0 {
			gap.Cause = g.Cause.String()
		}
		w.Gaps = append(w.Gaps, gap)
	}
	return w
}
