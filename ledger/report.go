package ledger

import (
	"time"

	"github.com/gaplessdb/gapless/frame"
)

// EpochReport is the gap report of one epoch. Who answers adds as_of.
type EpochReport struct {
	Device          string      `json:"device"`
	Stream          string      `json:"stream"`
	Epoch           EpochInfo   `json:"epoch"`
	Head            Head        `json:"head"`
	Tail            Tail        `json:"tail"`
	Numbering       string      `json:"numbering"` // "device", or "server" when the frames have no numbers of their own
	Expected        uint64      `json:"expected"`
	Stored          uint64      `json:"stored"`
	Completeness    float64     `json:"completeness"` // stored/expected, rounded down to millionths: 1 only if nothing is missing
	Verdict         Grade       `json:"verdict"`
	Reasons         []string    `json:"reasons,omitempty"` // why the verdict is not better
	Gaps            []GapReport `json:"gaps"`
	GapsTotal       uint64      `json:"gaps_total"` // Gaps lists the first ones
	Duplicates      Duplicates  `json:"duplicates"`
	LateClosed      uint64      `json:"late_closed"` // came after their gap was final
	Reordered       uint64      `json:"reordered"`   // came late, inside the grace
	Skewed          uint64      `json:"skewed"`
	Contradictions  uint64      `json:"contradictions"` // frames and declarations against the device's own earlier word
	WrapAmbiguous   uint64      `json:"wrap_ambiguous"`
	Wraps           *[2]uint64  `json:"wraps,omitempty"` // least and greatest number of wraps in the silence before the epoch
	Seal            *SealInfo   `json:"seal,omitempty"`
	Ledger          Ledgers     `json:"ledger"`
	CompleteThrough *Through    `json:"complete_through,omitempty"` // absent when the first expected number is missing
}

// EpochInfo says which epoch a report is about.
type EpochInfo struct {
	Ordinal   uint32  `json:"ordinal"`
	Raw       string  `json:"raw"` // the device's own value, "" when it never sent one
	Source    string  `json:"source"`
	Probation bool    `json:"probation,omitempty"` // inferred from a single frame
	After     uint32  `json:"after,omitempty"`     // ordinal of the epoch that inference split it from
	Linked    *uint64 `json:"linked,omitempty"`    // evidence came: number n here is n+linked of epoch After
	Offset    *uint64 `json:"offset,omitempty"`    // the device's whole numbers are seq+offset
}

// Head is the first expected number, absent before any is known.
type Head struct {
	First *uint64 `json:"first,omitempty"`
	Basis string  `json:"basis"`
}

// Tail is the last expected number, absent before any is known.
type Tail struct {
	Last       *uint64 `json:"last,omitempty"`
	Basis      string  `json:"basis"`
	DeclaredAt string  `json:"declared_at,omitempty"` // commit time of the declaration
}

// Duplicates counts frames that came again.
type Duplicates struct {
	Identical  uint64 `json:"identical"`
	Conflict   uint64 `json:"conflict"`
	Unverified uint64 `json:"unverified"`
	Suspected  uint64 `json:"suspected"` // without numbers: stored, but equal to one just before
}

// SealInfo is the device's word on the epoch's end.
type SealInfo struct {
	Last     uint64  `json:"last_seq"`
	Count    *uint64 `json:"count,omitempty"`
	Mismatch int64   `json:"count_mismatch,omitempty"` // count less expected
}

// Ledgers holds identity A.
type Ledgers struct {
	A Balance `json:"A"`
}

// Through is the last number before the first gap. Time is its device time, known only while nothing above it is stored: else the store has it.
type Through struct {
	Seq  uint64 `json:"seq"`
	Time string `json:"time,omitempty"`
}

// GapReport is one gap. Between, BoundedBy and DLQ are for who answers: the ledger keeps no times, sockets or dead letters of its own.
type GapReport struct {
	ID         string     `json:"id"`
	From       uint64     `json:"from"`
	To         uint64     `json:"to"`
	Count      uint64     `json:"count"`
	State      State      `json:"state"`
	Cause      string     `json:"cause,omitempty"` // absent while the gap is open
	Confidence string     `json:"confidence,omitempty"`
	Reason     string     `json:"reason,omitempty"` // the device's words
	Since      string     `json:"since,omitempty"`  // commit time when an open gap began to wait
	Nacks      uint32     `json:"nacks,omitempty"`
	BoundedBy  []Bound    `json:"bounded_by,omitempty"`
	Between    *[2]string `json:"between,omitempty"` // device times of the stored neighbours
	DLQ        []string   `json:"dlq,omitempty"`
}

// Bound is evidence that explains at most so many of a gap's numbers.
type Bound struct {
	Kind   string `json:"kind"`
	Node   string `json:"node,omitempty"`
	Socket string `json:"socket,omitempty"`
	Max    uint64 `json:"max"`
}

// ReportOptions chooses what Report tells.
type ReportOptions struct {
	Epoch    uint32 // server's ordinal, 0 = all
	GapLimit int    // gaps listed of each epoch, default 1,000; Gaps has them all, in pages
}

// Report is the gap report of a stream, an entry an epoch, ascending. It is false for an unknown stream.
func (l *Ledger) Report(id frame.StreamID, opt ReportOptions) ([]EpochReport, bool) {
	s := l.stream(id)
	if s == nil {
		return nil, false
	}
	if opt.GapLimit <= 0 {
		opt.GapLimit = defaultGapLimit
	}
	reports := []EpochReport{}
	for _, e := range s.epochs {
		if opt.Epoch == 0 || opt.Epoch == e.ordinal {
			reports = append(reports, e.report(s, opt.GapLimit))
		}
	}
	return reports, true
}

func (e *epoch) report(s *stream, limit int) EpochReport {
	r := e.less()
	rep := EpochReport{
		Device: s.device, Stream: s.family.stream,
		Epoch: e.info(), Head: e.head(), Tail: e.tailReport(), Numbering: "device",
		Expected: e.expected(), Stored: e.stored,
		Completeness:    float64(ratio(e.stored, e.expected())) / 1_000_000,
		Gaps:            []GapReport{},
		GapsTotal:       e.countGaps(&GapQuery{}),
		Duplicates:      Duplicates{r.identical, r.conflict, r.unverified, r.suspected},
		LateClosed:      r.lateClosed,
		Reordered:       r.reordered,
		Skewed:          r.skewed,
		Contradictions:  r.contradictions,
		WrapAmbiguous:   r.ambiguities,
		Seal:            e.sealInfo(),
		Ledger:          Ledgers{e.balance()},
		CompleteThrough: e.completeThrough(),
	}
	rep.Verdict, rep.Reasons = e.grade()
	if e.unseq {
		rep.Numbering = "server"
	}
	if r.wraps[1] > 0 {
		wraps := r.wraps
		rep.Wraps = &wraps
	}
	for g := range e.gaps(0) {
		if len(rep.Gaps) == limit {
			break
		}
		rep.Gaps = append(rep.Gaps, e.reportGap(&g))
	}
	return rep
}

func (e *epoch) info() EpochInfo {
	r := e.less()
	info := EpochInfo{Ordinal: e.ordinal, Raw: e.value, Source: e.source.String(), Probation: e.probation, After: r.after}
	if r.linked {
		delta := r.linkDelta
		info.Linked = &delta
	}
	if offset, known := e.trueOffset(); known && offset > 0 {
		info.Offset = &offset
	}
	return info
}

func (e *epoch) head() Head {
	h := Head{Basis: e.headBasis()}
	if e.begun {
		first := e.base
		h.First = &first
	}
	return h
}

func (e *epoch) tailReport() Tail {
	basis, declaredMS := e.tail()
	t := Tail{Basis: basis}
	if e.next > e.base {
		last := e.next - 1
		t.Last = &last
	}
	if basis != BasisLastSeen {
		t.DeclaredAt = formatMS(declaredMS)
	}
	return t
}

func (e *epoch) sealInfo() *SealInfo {
	if e.said == nil || !e.said.sealed {
		return nil
	}
	info := &SealInfo{Last: e.said.sealLast, Mismatch: e.countMismatch()}
	if e.said.hasCount {
		count := e.said.sealCount
		info.Count = &count
	}
	return info
}

// completeThrough is nil when the first expected number is missing or nothing is expected.
func (e *epoch) completeThrough() *Through {
	first := e.cov.first()
	if first.empty() || first.first > e.base {
		return nil
	}
	t := &Through{Seq: first.end - 1}
	if e.cov.Len() == 1 && e.maxTime != noTime {
		t.Time = formatNS(e.maxTime)
	}
	return t
}

func (e *epoch) reportGap(g *gap) GapReport {
	rep := GapReport{
		ID: gapID(e.ordinal, g.first), From: g.first, To: g.end - 1, Count: g.count(),
		State: g.state, Confidence: g.confidence(), Reason: g.reason, Nacks: g.nacks,
	}
	if g.cause == 0 {
		rep.Since = formatMS(g.sinceMS)
	} else {
		rep.Cause = g.cause.String()
	}
	return rep
}

func formatMS(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00")
}

func formatNS(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }
