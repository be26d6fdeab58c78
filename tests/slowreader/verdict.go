package slowreader

import "math/big"

// Verdict is how complete an epoch, a stream or a range is: the higher, the better.
type Verdict int

// The verdicts.
const (
	Indeterminate Verdict = iota + 1
	Incomplete
	Explained
	CompleteBetweenSeen
	Complete
)

func (v Verdict) String() string {
	return [...]string{"", "INDETERMINATE", "INCOMPLETE", "EXPLAINED", "COMPLETE_BETWEEN_SEEN", "COMPLETE"}[v]
}

// causeNames, and the terms of the balance that they belong to, by number.
var causeNames = [...]struct{ name, term, confidence string }{
	1:                 {"declared_lost", "declared", "exact"},
	2:                 {"rejected.crc", "rejected", "header_unprotected"},
	3:                 {"rejected.schema", "rejected", "exact"},
	4:                 {"rejected.auth", "rejected", "exact"},
	5:                 {"rejected.oversize", "rejected", "exact"},
	6:                 {"shed.snapshot", "shed", "exact"},
	7:                 {"shed.quota", "shed", "exact"},
	8:                 {"shed.disk", "shed", "exact"},
	9:                 {"expired", "expired", "exact"},
	10:                {"erased", "expired", "exact"},
	causeNeverArrived: {"never_arrived", "lost", "inferred"},
}

// Statement is what is true of some numbers of an epoch.
type Statement struct {
	Expected, Stored, Open uint64
	Causes                 map[string]uint64
	Gaps                   []Piece
	Verdict                Verdict
	Reasons                []string
	In                     []uint64 // the first and the last number that is counted, none where there is none
	CutHead, CutTail       bool     // the range leaves out expected numbers below, or above
	OpenTail               bool     // it does not, and nobody declared the last number
}

// everything is the range of all numbers.
var everything = Run{First: 0, Last: maxNext - 1}

// Within says what is true of those numbers of an epoch that are in a range.
func (e *EpochAccount) Within(r Run) Statement {
	behind := r.First > e.Base && r.First >= e.Next && r.First <= r.Last
	return e.within(r, e.Tail == tailLastSeen || e.Tail == tailWatermark && behind)
}

// Until says it of the numbers that lie in a time, which ends at a moment in nanoseconds. A watermark that is older does not declare their end.
func (e *EpochAccount) Until(to int64, r Run) Statement {
	before := new(big.Int).Mul(big.NewInt(e.TailMS), big.NewInt(1e6)).Cmp(big.NewInt(to)) < 0
	return e.within(r, e.Tail == tailLastSeen || e.Tail == tailWatermark && before)
}

// within knows whether nobody declared the tail of the range, should it be that of the epoch.
func (e *EpochAccount) within(r Run, open bool) Statement {
	s := Statement{Causes: map[string]uint64{}, OpenTail: open}
	if r.Last < r.First {
		s.Verdict, s.Reasons = Indeterminate, []string{"empty_range"}
		return s
	}
	s.CutHead = e.Next > e.Base && e.Base < r.First
	s.CutTail = e.Next > e.Base && r.Last < e.Next-1
	s.OpenTail = open && !s.CutTail
	if from, to := max(e.Base, r.First), min(e.Next-1, r.Last); e.Next > e.Base && from <= to {
		s.In = []uint64{from, to}
	}
	lost := uint64(0)
	for _, p := range e.Pieces {
		p.First, p.Last = max(p.First, r.First), min(p.Last, r.Last)
		if p.First > p.Last {
			continue
		}
		n := p.Last - p.First + 1
		s.Expected += n
		switch p.Kind {
		case pieceStored:
			s.Stored += n
			continue
		case pieceOpen, pieceRequested:
			s.Open += n
		default:
			s.Causes[causeNames[p.cause()].name] += n
			if causeNames[p.cause()].term == "lost" {
				lost += n
			}
		}
		s.Gaps = append(s.Gaps, p)
	}
	s.judge(e, lost)
	return s
}

// judge finds the first line of the table of verdicts that holds.
func (s *Statement) judge(e *EpochAccount, lost uint64) {
	doubts := s.doubts(e)
	switch {
	case e.Is&isUnnumbered != 0:
		s.say(Indeterminate, true, "no sequence")
	case e.Is&(isAmbiguous|isProbation) != 0:
		s.say(Indeterminate, e.Is&isAmbiguous != 0, "wrap_ambiguous")
		s.say(Indeterminate, e.Is&isProbation != 0, "probation")
	case s.Open > 0 || lost > 0:
		s.say(Incomplete, true, "missing")
		s.say(Incomplete, s.Open > 0, "open")
	case s.Stored < s.Expected:
		s.say(Explained, true, "missing")
	case len(doubts) > 0:
		s.Verdict, s.Reasons = CompleteBetweenSeen, doubts
	default:
		s.Verdict = Complete
	}
}

func (s *Statement) say(v Verdict, holds bool, reason string) {
	if s.Verdict = v; holds {
		s.Reasons = append(s.Reasons, reason)
	}
}

// doubts are the reasons why all numbers of a range are not all that there may be.
func (s *Statement) doubts(e *EpochAccount) (reasons []string) {
	for _, doubt := range []struct {
		holds  bool
		reason string
	}{
		{e.Head != headDeclared && !s.CutHead, "head_not_declared"},
		{s.OpenTail, "tail_not_declared"},
		{e.Counters[1] > 0, "conflict"},
		{e.Counters[2] > 0, "unverified"},
		{e.has(hasCount) && e.SealCount != e.Next-e.Base, "seal_count_mismatch"},
		{e.Counters[4] > 0, "contradiction"},
	} {
		if doubt.holds {
			reasons = append(reasons, doubt.reason)
		}
	}
	return reasons
}

// stored lists the stored numbers of an epoch as runs.
func (e *EpochAccount) stored() (runs []Run) {
	for _, p := range e.Pieces {
		if p.Kind == pieceStored {
			runs = append(runs, Run{p.First, p.Last})
		}
	}
	return runs
}
