package oracles

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// hole is consecutive numbers that an epoch does not have.
type hole struct {
	Epoch    int
	From, To uint64
}

// life is one epoch as it was counted.
type life struct {
	First, Last, Stored uint64
	Repeats             uint64 // numbers that came again
}

// count follows a counter through a file in the plainest way: a new epoch begins where restart says so, every number is ticked off, and what lies
// between the lowest and the highest of an epoch and was not ticked off is missing.
func count(numbers []uint64, restart func(last, n uint64) bool) (lives []life, holes []hole) {
	var stored []map[uint64]bool
	last := uint64(0)
	for i, n := range numbers {
		if i == 0 || restart(last, n) {
			stored = append(stored, map[uint64]bool{})
			lives = append(lives, life{First: n, Last: n})
		}
		l, ticks := &lives[len(lives)-1], stored[len(stored)-1]
		if ticks[n] {
			l.Repeats++
		} else {
			l.Stored++
		}
		ticks[n] = true
		l.First, l.Last, last = min(l.First, n), max(l.Last, n), n
	}
	for i, l := range lives {
		for n := l.First; n <= l.Last; n++ {
			if stored[i][n] {
				continue
			}
			from := n
			for !stored[i][n+1] {
				n++
			}
			holes = append(holes, hole{i + 1, from, n})
		}
	}
	return lives, holes
}

// fallen is the rule of the README: the counter fell by more than 500, or to below 10.
func fallen(last, n uint64) bool { return n+500 < last || n < last && n < 10 }

// never is the rule for devices that name their epochs: here all rows have one.
func never(uint64, uint64) bool { return false }

// report is what the cluster says of one epoch.
type report struct {
	Epoch struct{ Ordinal int }
	Head  struct {
		First uint64
		Basis string
	}
	Tail struct {
		Last  uint64
		Basis string
	}
	Expected, Stored uint64
	Verdict          string
	GapsTotal        uint64 `json:"gaps_total"`
	Duplicates       struct{ Identical, Conflict, Unverified, Suspected uint64 }
	Ledger           struct {
		A struct{ Balance, Drift int64 }
	}
}

// reports asks for the account of every epoch of a device.
func (w *world) reports(t *testing.T, device string) []report {
	t.Helper()
	var answer struct{ Reports []report }
	w.ask(t, "/v1/devices/"+url.PathEscape(device)+"/gaps", &answer)
	for _, r := range answer.Reports {
		if r.Ledger.A.Balance != 0 || r.Ledger.A.Drift != 0 {
			t.Errorf("%s epoch %d: the account does not balance: %+v", device, r.Epoch.Ordinal, r.Ledger.A)
		}
	}
	return answer.Reports
}

// holes asks for every gap of a device.
func (w *world) holes(t *testing.T, device string) (list []hole) {
	t.Helper()
	for next := "start"; next != ""; {
		path := "/v1/gaps?limit=10000&device=" + url.QueryEscape(device)
		if next != "start" {
			path += "&cursor=" + url.QueryEscape(next)
		}
		var page struct {
			Gaps []hole
			Next string
		}
		w.ask(t, path, &page)
		list, next = append(list, page.Gaps...), page.Next
	}
	return list
}

// lives words the reports as the count does.
func lives(reports []report) (list []life) {
	for _, r := range reports {
		d := r.Duplicates
		list = append(list, life{r.Head.First, r.Tail.Last, r.Stored, d.Identical + d.Conflict + d.Unverified})
	}
	return list
}

// same holds a device's epochs and every one of its gaps against a count.
func (w *world) same(t *testing.T, device string, numbers []uint64, restart func(last, n uint64) bool) []report {
	t.Helper()
	reports := w.reports(t, device)
	wantLives, wantHoles := count(numbers, restart)
	if diff := cmp.Diff(wantLives, lives(reports)); diff != "" {
		t.Errorf("%s: epochs (-counted +reported)\n%s", device, diff)
	}
	if diff := cmp.Diff(wantHoles, w.holes(t, device)); diff != "" {
		t.Errorf("%s: gaps (-counted +reported)\n%s", device, diff)
	}
	return reports
}

// oracle is a line of the README's table.
type oracle struct {
	rows, epochs, distinct, duplicates, missing, runs, longest uint64
}

func (o oracle) String() string {
	return fmt.Sprintf("%d rows, %d epochs, %d distinct, %d duplicates, %d missing in %d runs, the longest %d",
		o.rows, o.epochs, o.distinct, o.duplicates, o.missing, o.runs, o.longest)
}

// account sums reports up as the README does.
func (w *world) account(t *testing.T, device string, reports []report) (o oracle) {
	t.Helper()
	for _, r := range reports {
		o.epochs++
		o.distinct += r.Stored
		o.duplicates += r.Duplicates.Identical + r.Duplicates.Conflict + r.Duplicates.Unverified
		o.missing += r.Expected - r.Stored
		o.runs += r.GapsTotal
		if r.Head.Basis != "first_seen" || r.Tail.Basis != "last_seen" {
			t.Errorf("%s epoch %d claims to know its ends: %s, %s", device, r.Epoch.Ordinal, r.Head.Basis, r.Tail.Basis)
		}
	}
	o.rows = o.distinct + o.duplicates
	for _, h := range w.holes(t, device) {
		o.longest = max(o.longest, h.To-h.From+1)
	}
	return o
}
