package ledger

import "github.com/gaplessdb/gapless/frame"

// Trace is what the ledger knows of one number of an epoch, beside what Report says of the epoch.
type Trace struct {
	Stored     bool
	Gap        *GapReport // that the number is in, nil when it is stored or not expected
	Claim      *Claim     // a cause that was stated for a number outside the ends of the epoch: it counts once the number is expected
	Unverified uint32     // duplicates of it that wait for a verdict
	Said       []Said     // what the device declared about the ends of the epoch
	Elsewhere  []Elsewhere

	ElsewhereTotal int  // Elsewhere lists the first ones
	Ambiguous      bool // it is not stored, and what an epoch has whose numbers are in an unknown relation to this one's may be it
}

// Claim is a stated cause.
type Claim struct {
	Cause      string `json:"cause"`
	Confidence string `json:"confidence"`
	Reason     string `json:"reason,omitempty"` // the device's words
}

// Said is one declaration about an end of an epoch, also one that later frames have overtaken.
type Said struct {
	Basis string  `json:"basis"`              // that it gives an end: declared, watermark, seal, successor
	First *uint64 `json:"first,omitempty"`    // declared
	Next  *uint64 `json:"next_seq,omitempty"` // watermark
	Last  *uint64 `json:"last_seq,omitempty"` // seal, successor
	Count *uint64 `json:"count,omitempty"`    // seal
	At    string  `json:"at,omitempty"`       // commit time; of a declared first number nobody keeps it
}

// Elsewhere is another epoch of the stream that has something to do with the number.
type Elsewhere struct {
	Epoch  EpochInfo
	Seq    uint64     // the number there
	Stored bool       // there
	Why    string     // WhySameNumber, WhyLinked or WhyAmbiguous
	Wraps  *[2]uint64 // of an ambiguous one: least and greatest number of wraps in the silence between the two, nil when it is not about wraps
}

// Why another epoch has to do with a number.
const (
	WhyLinked     = "linked"      // evidence came how the two epochs continue each other: the number there is the same one of the device
	WhyAmbiguous  = "ambiguous"   // the later one was split from the earlier one, and how their numbers relate is not known
	WhySameNumber = "same_number" // it has stored the same number, of another life of the counter
)

// Trace looks a number up. At most limit other epochs are listed, the newest first. It is false for an unknown stream or epoch.
func (l *Ledger) Trace(id frame.StreamID, ordinal uint32, seq uint64, limit int) (t Trace, ok bool) {
	s := l.stream(id)
	if s == nil || s.epoch(ordinal) == nil {
		return t, false
	}
	e := s.epoch(ordinal)
	t.Stored, t.Said = e.cov.Contains(seq), e.declarations()
	switch {
	case t.Stored:
		t.Unverified = e.less().waiting(seq)
	case e.missing(seq):
		for g := range e.gaps(seq) {
			rep := e.reportGap(&g)
			t.Gap = &rep
			break
		}
	default:
		t.Claim = e.less().claim(seq)
	}
	for i := len(s.epochs) - 1; i >= 0; i-- {
		for _, x := range e.elsewhere(s.epochs[i], seq) {
			if t.ElsewhereTotal++; len(t.Elsewhere) < limit {
				t.Elsewhere = append(t.Elsewhere, x)
			}
			t.Ambiguous = t.Ambiguous || x.Why == WhyAmbiguous
		}
	}
	return t, true
}

// waiting is how many duplicates of a number wait for a verdict.
func (r *rare) waiting(n uint64) uint32 {
	if u, any := r.unsettled.at(r.unsettledAt(n)); any && u.n == n {
		return u.times
	}
	return 0
}

// claim is the cause that was stated for a number, nil for none.
func (r *rare) claim(n uint64) *Claim {
	f, any := r.facts.at(r.factAt(n))
	if !any || f.first > n {
		return nil
	}
	g := gapOfFact(f)
	return &Claim{Cause: f.cause.String(), Confidence: g.confidence(), Reason: f.reason}
}

// declarations lists what the device said, in the order of the numbers' strength: the first number, and then of the end the strongest first.
func (e *epoch) declarations() (list []Said) {
	d := e.said
	if d == nil {
		return nil
	}
	if d.hasFirst {
		first := d.first
		list = append(list, Said{Basis: BasisDeclared, First: &first})
	}
	if d.sealed {
		last := d.sealLast
		said := Said{Basis: BasisSeal, Last: &last, At: formatMS(d.sealMS)}
		if d.hasCount {
			count := d.sealCount
			said.Count = &count
		}
		list = append(list, said)
	}
	if d.succeeded {
		last := d.successor
		list = append(list, Said{Basis: BasisSuccessor, Last: &last, At: formatMS(d.successorMS)})
	}
	if d.hasMark {
		next := d.mark
		list = append(list, Said{Basis: BasisWatermark, Next: &next, At: formatMS(d.markMS)})
	}
	return list
}

// elsewhere is what another epoch has to do with number n of e.
func (e *epoch) elsewhere(o *epoch, n uint64) (list []Elsewhere) {
	if o == e {
		return nil
	}
	add := func(why string, seq uint64, wraps [2]uint64) {
		x := Elsewhere{Epoch: o.info(), Seq: seq, Stored: o.cov.Contains(seq), Why: why}
		if wraps[1] > 0 {
			x.Wraps = &wraps
		}
		list = append(list, x)
	}
	same, mine, its := o.cov.Contains(n), e.less(), o.less()
	switch m, linked := e.across(o, n); {
	case linked && o.begun && o.base <= m && m < o.next:
		add(WhyLinked, m, [2]uint64{})
		same = same && m != n
	case o.ambiguous && its.after == e.ordinal && e.aboveAll(n):
		add(WhyAmbiguous, n, its.wraps)
		same = false
	case e.ambiguous && mine.after == o.ordinal && e.belowAll(n):
		add(WhyAmbiguous, n, mine.wraps)
		same = false
	}
	if same {
		add(WhySameNumber, n, [2]uint64{})
	}
	return list
}

// across is number n of e in the numbers of an epoch that evidence linked with it.
func (e *epoch) across(o *epoch, n uint64) (uint64, bool) {
	mine, its := e.less(), o.less()
	switch {
	case its.linked && its.after == e.ordinal:
		return n - its.linkDelta, n >= its.linkDelta
	case mine.linked && mine.after == o.ordinal:
		return n + mine.linkDelta, n <= MaxSeq-mine.linkDelta
	}
	return 0, false
}

// aboveAll reports whether nothing is stored at or above n. What an epoch that was split from this one has can only be numbers of which that is true.
func (e *epoch) aboveAll(n uint64) bool {
	top, any := e.top()
	return !any || n > top
}

// belowAll is the same of the other end: what the epoch has that this one was split from.
func (e *epoch) belowAll(n uint64) bool {
	first := e.cov.first()
	return first.empty() || n < first.first
}
