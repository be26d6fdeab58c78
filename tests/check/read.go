package check

// Read is the newest frame of one stream: one row of GET /v1/latest, or that there is none. An answer 404 unknown_device says so, too, and
// has no index: History and Index are 0. Where an empty list says it, ParseState reads its index.
type Read struct {
	Answer
	Counter Counter // of the frame that was found; else Epoch is ""
	Ordinal uint32  // the server's number of the epoch, 0 when nothing was found
	Latest  uint64  // number of the frame
	Found   bool
	Wrong   string // what is wrong with its bytes (Verify), "" for nothing
	Variant uint64 // which bytes they are
	Failed  bool   // there was no answer: only Client, Node, Consistency, Invoke, Return and Counter count
}

// indexed reports whether the answer said which state it shows.
func (d *Read) indexed() bool { return !d.Failed && d.Index != 0 }

// GapReport is what a node says of one counter: one report of GET /v1/devices/{device}/gaps (ParseGaps).
type GapReport struct {
	Answer
	Counter   Counter
	Ordinal   uint32
	Server    bool // numbered by the server: there are no gaps
	Part      bool // only some numbers were asked for: First and Last are no ends (Certificate)
	Known     bool // both ends are known; else nothing is expected, and First and Last are 0
	First     uint64
	Last      uint64
	HeadBasis string
	TailBasis string
	Expected  uint64
	Stored    uint64
	Gaps      []Gap
	GapsTotal uint64 // Gaps lists the first ones
	Duplicate uint64
	Conflict  uint64
	Verdict   string
	A         BalanceA
}

// Gap is consecutive missing numbers of one state and cause.
type Gap struct {
	Span
	State string // OPEN, REQUESTED, FINAL
	Cause string // "" while it is open
}

// missing is what the report lists.
func (r *GapReport) missing() Numbers {
	spans := make([]Span, 0, len(r.Gaps))
	for _, g := range r.Gaps {
		spans = append(spans, g.Span)
	}
	return NumbersOf(spans...)
}

// expected is what the report says exists.
func (r *GapReport) expected() Numbers {
	if !r.Known || r.Last+1 <= r.First {
		return Numbers{}
	}
	return Numbers{[]Span{{r.First, r.Last}}}
}

// whole reports whether every gap is listed.
func (r *GapReport) whole() bool { return uint64(len(r.Gaps)) == r.GapsTotal }
