package check

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// tolerated are runs that look wrong and break no promise.
var tolerated = []struct {
	name string
	do   func(p *planting, r *Run)
}{
	{"a report that lists only the first gaps", func(_ *planting, r *Run) {
		for i := range r.GapReports {
			if g := &r.GapReports[i]; len(g.Gaps) > 2 {
				g.Gaps = g.Gaps[:2]
			}
		}
	}},
	{"a report that lists no gap at all", func(_ *planting, r *Run) {
		for i := range r.GapReports {
			r.GapReports[i].Gaps = nil
		}
	}},
	{"floors that were read before the log was cut", func(p *planting, r *Run) {
		s := *r.Finals[1].Storage
		older := s.Floors[1]
		s.Floors, s.Floor = []Floor{older, {Index: 1, Hash: "hash-1"}}, older.Index
		s.Log.First, s.Segments = older.Index, nil
		s.Invoke, s.Return = s.Invoke-1000, s.Return-1000
		r.Storages = append(r.Storages, s)
	}},
	{"a log that begins behind an installed floor", func(_ *planting, r *Run) {
		s := r.Finals[2].Storage
		s.Log.First = s.Floor + 1
		s.Floors = []Floor{{Index: s.Floor, Hash: s.FloorHash, Installed: true}}
	}},
	{"a cut whose witness was wiped since", func(_ *planting, r *Run) {
		early := *r.Finals[1].Storage
		early.Invoke, early.Return = 1, 2
		r.Storages = append(r.Storages, early)
		for _, node := range []string{"n1", "n3"} {
			r.Storages = append(r.Storages, Storage{Node: node, Invoke: 30, Return: 40, Log: LogRange{First: 1, Last: 5}})
			r.Events = append(r.Events, Event{At: 20, Kind: Wiped, Node: node})
		}
	}},
	{"a sample in the middle of a flush that lists no segment yet", func(_ *planting, r *Run) {
		s := *r.Finals[0].Storage
		s.Segments = nil
		r.Storages = append(r.Storages, s)
	}},
	{"nothing was tried while a majority worked", func(p *planting, r *Run) {
		r.Quorate = append(r.Quorate, Window{p.now + time.Hour, p.now + 2*time.Hour})
	}},
	{"a process that ends in time after two failures", func(_ *planting, r *Run) {
		for at := range time.Duration(2) {
			r.Events = append(r.Events, Event{At: r.Healed + 2*time.Hour + at, Kind: SyncFailed, Node: "n1"})
		}
		r.Events = append(r.Events, Event{At: r.Healed + 2*time.Hour + 5, Kind: Ended, Node: "n1"})
	}},
	{"a server that was voted out votes once more", func(p *planting, r *Run) {
		r.Events = append(r.Events, Event{At: p.now, Kind: Voters, Servers: []string{"n1.a"}},
			Event{At: p.now + 1, Kind: Voted, Node: "n2", Server: "n2.a", Term: 99, Candidate: "n1.a"})
		r.Events = slices.DeleteFunc(r.Events, func(e Event) bool { return e.Kind == DiskLost })
	}},
	{"a node that began anew at its floor", func(p *planting, r *Run) {
		l := *r.Finals[2].Ledger
		r.Events = append(r.Events, Event{At: l.Return + 1, Kind: Reopened, Node: l.Node})
		l.Invoke, l.Return = l.Return+time.Second, l.Return+2*time.Second
		l.Answer.Consistency = "stale"
		l.Answer.Index = 0
		for i := range r.Ledgers { // any true one of a lower index
			if o := &r.Ledgers[i]; o.Index > l.Index && o.Index < r.Finals[2].Ledger.Index {
				answer, doors := l.Answer, l.B
				l = *o
				l.Answer, l.B = answer, doors
				l.Index, l.At = o.Index, o.At
			}
		}
		r.Ledgers = append(r.Ledgers, l)
	}},
	{"a device that nobody knows yet", func(_ *planting, r *Run) {
		r.Reads = append(r.Reads, Read{Answer: Answer{Node: "n1", Consistency: "linearizable", Return: 1},
			Counter: Counter{Device: "dev0", Stream: "0"}})
	}},
	{"damage that a node only counted", func(_ *planting, r *Run) {
		r.Faults = append(r.Faults, Fault{From: r.Healed, Kind: "flip", Node: "n2", File: "floors/x", MustFind: true, Witness: 1})
		r.Finals[1].Found = 1
	}},
	{"a page that shows a whole device", func(p *planting, r *Run) { r.Pages = append(r.Pages, p.wholeDevice()) }},
	{"a page of an early state that shows nothing", func(p *planting, r *Run) {
		page := p.wholeDevice()
		page.Index, page.Consistency, page.Frames = 0, "stale", NewFinal(page.Node)
		page.Invoke, page.Return = 0, 1
		r.Pages = append(r.Pages, page)
	}},
	{"a failed read", func(_ *planting, r *Run) {
		r.Reads = append(r.Reads, Read{Answer: Answer{Node: "n1", Consistency: "linearizable"},
			Counter: Counter{Device: "dev0", Stream: "0"}, Failed: true})
	}},
	{"a ledger whose node restarted while it was asked", func(p *planting, r *Run) {
		l := *r.Finals[0].Ledger
		l.B = []BalanceB{{Node: l.Node, Listener: "http"}}
		l.Return += time.Hour
		r.Events = append(r.Events, Event{At: l.Return - 1, Kind: Started, Node: l.Node})
		r.Ledgers = append(r.Ledgers, l)
	}},
	{"frames of the store's own", func(_ *planting, r *Run) {
		for _, f := range r.Finals {
			f.AddRow(&Row{Counter: Counter{Device: "_dlq", Stream: "0"}, Number: 1, Ordinal: 1})
			f.Ledger.A.Stored, f.Ledger.A.Expected = f.Ledger.A.Stored+1, f.Ledger.A.Expected+1
			f.Ledger.C.Accepted, f.Ledger.C.LogOnly = f.Ledger.C.Accepted+1, f.Ledger.C.LogOnly+1
			f.Ledger.D.Stored, f.Ledger.D.Head = f.Ledger.D.Stored+1, f.Ledger.D.Head+1
			f.Gaps = append(f.Gaps, GapReport{Answer: f.Gaps[0].Answer, Counter: Counter{Device: "_dlq", Stream: "0"}, Known: true,
				First: 1, Last: 1, Expected: 1, Stored: 1})
		}
	}},
}

// TestTolerated is what looks wrong and is not.
func TestTolerated(t *testing.T) {
	for _, c := range tolerated {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			pl := plant{run: func(p *planting, r *Run) bool { c.do(p, r); return true }, rows: flushedTwice}
			for seed := range uint64(12) {
				r := pl.spoil(seed)
				if r == nil {
					continue
				}
				if v := Judge(r); v.Result != Pass {
					t.Fatalf("seed %d: %s", seed, v)
				}
				return
			}
			t.Fatal("no seed has two floors")
		})
	}
}
