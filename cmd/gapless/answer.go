package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What the commands read of a node's answers (docs/http-api.md). Members that no command shows are left out.

type asOf struct {
	Partition uint32    `json:"partition"`
	History   uint64    `json:"history"`
	Index     uint64    `json:"index"`
	Time      time.Time `json:"time"`
}

// gap is consecutive missing numbers of one epoch.
type gap struct {
	ID         string `json:"id"`
	Device     string `json:"device"`
	Stream     string `json:"stream"`
	Epoch      uint32 `json:"epoch"`
	From       uint64 `json:"from"`
	To         uint64 `json:"to"`
	Count      uint64 `json:"count"`
	State      string `json:"state"`
	Cause      string `json:"cause"`
	Confidence string `json:"confidence"`
	Reason     string `json:"reason"`
}

type gapTotals struct {
	Expected uint64 `json:"expected"`
	Stored   uint64 `json:"stored"`
	Missing  uint64 `json:"missing"`
	Open     uint64 `json:"open"`
	Lost     uint64 `json:"lost"`
	Declared uint64 `json:"declared"`
	Shed     uint64 `json:"shed"`
	Rejected uint64 `json:"rejected"`
	Expired  uint64 `json:"expired"`
	Gaps     uint64 `json:"gaps"`
}

// gapReport is the account of one epoch of one stream.
type gapReport struct {
	Device string `json:"device"`
	Stream string `json:"stream"`
	Epoch  struct {
		Ordinal uint32          `json:"ordinal"`
		Raw     json.RawMessage `json:"raw"`
		Source  string          `json:"source"`
	} `json:"epoch"`
	Head struct {
		First uint64 `json:"first"`
		Basis string `json:"basis"`
	} `json:"head"`
	Tail struct {
		Last  uint64 `json:"last"`
		Basis string `json:"basis"`
	} `json:"tail"`
	Expected  uint64 `json:"expected"`
	Stored    uint64 `json:"stored"`
	Verdict   string `json:"verdict"`
	Gaps      []gap  `json:"gaps"`
	GapsTotal int    `json:"gaps_total"` // Gaps has the first ones
}

// stateUnlisted marks the numbers behind the last gap that a report lists, when it has more: nothing is known of them here.
const stateUnlisted = "UNLISTED"

// listed returns the gaps to draw.
func (r *gapReport) listed() []gap {
	if len(r.Gaps) >= r.GapsTotal {
		return r.Gaps
	}
	from := r.Head.First
	if n := len(r.Gaps); n > 0 {
		from = r.Gaps[n-1].To + 1
	}
	return append(slices.Clone(r.Gaps), gap{From: from, To: r.Tail.Last, State: stateUnlisted})
}

// clean makes a text from outside safe to print: what is not printable becomes visible, so that a name can neither move the
// cursor nor pretend to be another line.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '\uFFFD'
		}
		return r
	}, s)
}

// numbers prints an inclusive range.
func numbers(from, to uint64) string {
	if from == to {
		return fmt.Sprint(from)
	}
	return fmt.Sprintf("%d-%d", from, to)
}
