package certificate

import (
	"fmt"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/census"
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
	r := restating{scope: scope, within: within, worst: ledger.Complete}
	r.Streams, r.Statement.Causes = []Stream{}, map[string]uint64{}
	for _, l := range leaves {
		if err := r.stream(l); err != nil {
			return nil, err
		}
	}
	r.absent(leaves)
	r.Verdict = r.worst.String()
	r.NotProven = caveats(scope, &r.seen)
	return &r.Account, nil
}

type restating struct {
	Account
	scope  *Scope
	within Within
	worst  ledger.Grade
	seen   seen
	device string
}

func (r *restating) grade(g ledger.Grade) { r.worst = min(r.worst, g) }

// stream adds one. Of a stream none of whose epochs is in scope nothing is known.
func (r *restating) stream(l *census.Leaf) error {
	s := Stream{Device: l.Key.Device, Stream: l.Key.Stream, Epochs: []Epoch{}}
	worst := ledger.Grade(0)
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
		if r.silent(&words) {
			continue
		}
		if worst == 0 || st.Grade < worst {
			worst = st.Grade
		}
	}
	r.grade(max(worst, ledger.Indeterminate))
	r.Streams = append(r.Streams, s)
	r.Statement.Streams++
	r.Statement.Epochs += len(s.Epochs)
	if r.Statement.Devices == 0 || r.device != l.Key.Device {
		r.Statement.Devices, r.device = r.Statement.Devices+1, l.Key.Device
	}
	return nil
}

// silent reports whether an epoch has no number in the scope's time. It says nothing of the stream, unless they all are so.
func (r *restating) silent(e *Epoch) bool { return len(r.scope.Time) > 0 && len(e.Seq) == 0 }

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
		st = e.Within(census.Range{First: in[0], Last: in[1]})
		seq = numbers(&st)
	}
	r.seen.note(e, &st)
	r.count(&st)
	return words(e, &st, seq), &st, nil
}

func numbers(st *census.Statement) []uint64 {
	if st.Expected == 0 {
		return []uint64{}
	}
	return []uint64{st.Range.First, st.Range.Last}
}

func (r *restating) count(st *census.Statement) {
	sum := &r.Statement
	sum.Expected += st.Expected
	sum.Stored += st.Stored
	sum.Missing += st.Expected - st.Stored
	sum.Open += st.Open
	for cause, n := range st.Causes {
		sum.Causes[cause] += n
	}
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

// absent lists the devices of the scope that are not there. Of those nothing is known, and of a scope without any stream either.
func (r *restating) absent(leaves []*census.Leaf) {
	at := 0
	for _, d := range r.scope.Devices {
		for at < len(leaves) && leaves[at].Key.Device < d {
			at++
		}
		if at == len(leaves) || leaves[at].Key.Device != d {
			r.Statement.Absent = append(r.Statement.Absent, d)
		}
	}
	if len(leaves) == 0 || len(r.Statement.Absent) > 0 {
		r.grade(ledger.Indeterminate)
	}
}
