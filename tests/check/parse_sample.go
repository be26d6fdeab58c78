package check

import (
	"encoding/json"
	"fmt"
	"time"
)

// ParseGaps reads GET /v1/devices/{device}/gaps: a report of every counter of the device.
func ParseGaps(body []byte, a Answer) ([]GapReport, error) {
	var answer struct {
		Reports []gapReport `json:"reports"`
		AsOf    asOf        `json:"as_of"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("check: gap report: %w", err)
	}
	if err := answer.AsOf.into(&a); err != nil {
		return nil, fmt.Errorf("check: gap report: %w", err)
	}
	reports := make([]GapReport, 0, len(answer.Reports))
	for i := range answer.Reports {
		reports = append(reports, answer.Reports[i].report(a))
	}
	return reports, nil
}

// ParseState reads which state any answer to a question shows.
func ParseState(body []byte, a *Answer) error {
	var answer struct {
		AsOf asOf `json:"as_of"`
	}
	err := json.Unmarshal(body, &answer)
	if err == nil {
		err = answer.AsOf.into(a)
	}
	if err != nil {
		return fmt.Errorf("check: state of an answer: %w", err)
	}
	return nil
}

// gapReport is the report of one epoch as the API writes it.
type gapReport struct {
	Device string `json:"device"`
	Stream string `json:"stream"`
	Epoch  struct {
		Ordinal uint32 `json:"ordinal"`
		Raw     string `json:"raw"`
	} `json:"epoch"`
	Head struct {
		First *uint64 `json:"first"`
		Basis string  `json:"basis"`
	} `json:"head"`
	Tail struct {
		Last       *uint64   `json:"last"`
		Basis      string    `json:"basis"`
		DeclaredAt time.Time `json:"declared_at"`
	} `json:"tail"`
	Numbering  string `json:"numbering"`
	Expected   uint64 `json:"expected"`
	Stored     uint64 `json:"stored"`
	Verdict    string `json:"verdict"`
	GapsTotal  uint64 `json:"gaps_total"`
	Duplicates struct {
		Identical uint64 `json:"identical"`
		Conflict  uint64 `json:"conflict"`
	} `json:"duplicates"`
	Ledger struct {
		A BalanceA `json:"A"`
	} `json:"ledger"`
	Gaps []struct {
		From  uint64 `json:"from"`
		To    uint64 `json:"to"`
		State string `json:"state"`
		Cause string `json:"cause"`
	} `json:"gaps"`
}

func (r *gapReport) report(a Answer) GapReport {
	out := GapReport{
		Answer: a, Counter: Counter{r.Device, r.Stream, r.Epoch.Raw}, Ordinal: r.Epoch.Ordinal, Server: r.Numbering == "server",
		HeadBasis: r.Head.Basis, TailBasis: r.Tail.Basis, Expected: r.Expected, Stored: r.Stored, GapsTotal: r.GapsTotal,
		Duplicate: r.Duplicates.Identical, Conflict: r.Duplicates.Conflict, Verdict: r.Verdict, A: r.Ledger.A,
	}
	if r.Head.First != nil && r.Tail.Last != nil {
		out.Known, out.First, out.Last = true, *r.Head.First, *r.Tail.Last
	}
	for _, g := range r.Gaps {
		out.Gaps = append(out.Gaps, Gap{Span{g.From, g.To}, g.State, g.Cause})
	}
	return out
}

// ParseLedger reads GET /v1/ledger.
func ParseLedger(body []byte, a Answer) (Ledger, error) {
	var answer struct {
		Digest   string `json:"digest"`
		AsOf     asOf   `json:"as_of"`
		Balances *struct {
			A BalanceA   `json:"A"`
			B []BalanceB `json:"B"`
			C BalanceC   `json:"C"`
			D BalanceD   `json:"D"`
		} `json:"balances"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return Ledger{}, fmt.Errorf("check: ledger: %w", err)
	}
	if answer.Balances == nil || answer.Digest == "" {
		return Ledger{}, fmt.Errorf("check: ledger: no balances or no digest in %.80q", body)
	}
	if err := answer.AsOf.into(&a); err != nil {
		return Ledger{}, fmt.Errorf("check: ledger: %w", err)
	}
	b := answer.Balances
	return Ledger{Answer: a, Digest: answer.Digest, A: b.A, B: b.B, C: b.C, D: b.D}, nil
}

// ParseStorage reads GET /v1/storage; the caller sets Invoke and Return.
func ParseStorage(body []byte) (s Storage, err error) {
	if err := json.Unmarshal(body, &s); err != nil {
		return s, fmt.Errorf("check: storage: %w", err)
	}
	if s.Node == "" {
		return s, fmt.Errorf("check: storage: no node in %.80q", body)
	}
	return s, nil
}
