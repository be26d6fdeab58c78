package report

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

// header is the top of the page.
type header struct {
	Verdict string // the word
	Class   string // its colour
	Saying  string // what it means here, in a sentence
	Note    string // of the schedule, where it says more than the title
	Broken  bool
	Heading string // of the reasons
	Reasons []string
	Facts   []fact
	Tiles   []tile
}

// tile is one number that matters.
type tile struct {
	Value string
	Name  string
	Note  string
	Class string // "bad" where it needs eyes
}

func (r *Report) header(promises []promise) header {
	h := header{Verdict: r.Verdict.Result.String(), Reasons: r.reasons()}
	h.Class = map[check.Result]string{check.Pass: "pass", check.Fail: "fail", check.Inconclusive: "unknown"}[r.Verdict.Result]
	h.Broken = r.Verdict.Result == check.Fail
	h.Heading = map[check.Result]string{check.Pass: "What was excused", check.Fail: "What it lacks besides", check.Inconclusive: "Why it proves nothing"}[r.Verdict.Result]
	if r.Plan != nil && r.Plan.Note != r.Title {
		h.Note = shorten(600, r.Plan.Note)
	}
	h.Saying = r.saying(promises)
	h.Facts = []fact{{"seed", strconv.FormatUint(r.Seed, 10)}, {"commit", orNone(shorten(60, r.Commit))}}
	if n := len(r.Run.Nodes); n > 0 {
		h.Facts = append(h.Facts, fact{"nodes", fmt.Sprint(n)})
	}
	if r.Plan != nil && r.Plan.Beyond {
		h.Facts = append(h.Facts, fact{"budget", "beyond: must only be honest"})
	}
	if !r.Started.IsZero() {
		h.Facts = append(h.Facts, fact{"started", r.Started.UTC().Format("2006-01-02 15:04:05 UTC")})
	}
	h.Facts = append(h.Facts, fact{"lasted", clock(r.end())})
	h.Tiles = r.tiles(promises)
	return h
}

func orNone(s string) string {
	if s == "" {
		return "not given"
	}
	return s
}

// saying is the verdict in a sentence.
func (r *Report) saying(promises []promise) string {
	tested := len(promises) - countMarks(promises, nothing)
	switch r.Verdict.Result {
	case check.Pass:
		return fmt.Sprintf("No promise was broken. %d of %d were put to the test, and all of them held.", tested, len(promises))
	case check.Fail:
		var names []string
		for _, p := range promises {
			if p.Mark == broken {
				names = append(names, p.Name)
			}
		}
		if len(names) == 1 {
			return "A promise is broken: " + names[0] + "."
		}
		return fmt.Sprintf("%d promises are broken: %s.", len(names), listed(names, 6))
	}
	return "No promise is seen broken, but the run proves nothing."
}

func (r *Report) tiles(promises []promise) []tile {
	s := r.sums()
	frames := tile{Value: number(s.acked), Name: "frames acknowledged", Note: "in " + counted(s.ackedBatches, "request")}
	requests := tile{Value: number(s.batches), Name: "requests to store"}
	requests.Note = fmt.Sprintf("%s unknown, %s refused", number(s.unknownBatches), number(s.refusedBatches))
	reads := tile{Value: number(s.reads), Name: "reads answered", Note: number(s.failedReads) + " failed"}
	kept := tile{Value: fmt.Sprintf("%d of %d", countMarks(promises, held), len(promises)), Name: "promises held",
		Note: fmt.Sprintf("%d not put to the test", countMarks(promises, nothing))}
	if n := countMarks(promises, broken); n > 0 {
		kept.Note, kept.Class = fmt.Sprintf("%d broken", n), "bad"
	}
	return []tile{frames, requests, reads, r.bitten(), r.silence(), kept}
}

// bitten is how many faults were felt.
func (r *Report) bitten() tile {
	felt := 0
	for i := range r.Run.Faults {
		if r.Run.Faults[i].Witness > 0 {
			felt++
		}
	}
	all := len(r.Run.Faults)
	t := tile{Value: fmt.Sprintf("%d of %d", felt, all), Name: "faults felt", Note: "each has its evidence below"}
	switch {
	case all == 0:
		t.Value, t.Note = "0", "nothing was broken"
	case felt < all:
		t.Note, t.Class = fmt.Sprintf("%d without evidence", all-felt), "bad"
	}
	return t
}

// silence is the longest time in which nothing was acknowledged, from the first request on.
func (r *Report) silence() tile {
	t := tile{Value: "–", Name: "longest silence", Note: "without any acknowledgement"}
	if len(r.Run.Batches) == 0 {
		return t
	}
	times := make([]time.Duration, 0, len(r.Run.Batches))
	first, last := r.Run.Batches[0].Invoke, time.Duration(0)
	for i := range r.Run.Batches {
		b := &r.Run.Batches[i]
		first, last = min(first, b.Invoke), max(last, b.Return)
		if b.Outcome == check.Acked {
			times = append(times, b.Return)
		}
	}
	times = append(times, last)
	slices.Sort(times)
	longest, since, before := time.Duration(0), first, first
	for _, at := range times {
		if at-before > longest {
			longest, since = at-before, before
		}
		before = at
	}
	t.Value, t.Note = lasted(longest), "from "+clock(since)+" on"
	return t
}
