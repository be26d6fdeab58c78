package check

import (
	"slices"
	"time"
)

// event appends one at the end of the run, or where it is put.
func (r *Run) event(e Event) { r.Events = append(r.Events, e) }

// spoilStorage changes one of the last samples.
func spoilStorage(change func(p *planting, s *Storage)) func(*planting, *Run) bool {
	return func(p *planting, r *Run) bool {
		s := r.Finals[p.rng.IntN(len(r.Finals))].Storage
		s.Floors, s.Segments = slices.Clone(s.Floors), slices.Clone(s.Segments)
		change(p, s)
		return true
	}
}

// failure is a failed sync of a node that runs, a second before the end.
func (p *planting) failure(r *Run) Event {
	e := Event{At: r.Healed + 5*time.Second, Kind: SyncFailed, Node: "n2", File: "wal/1.log"}
	r.event(e)
	return e
}

// nodePlants are about what nodes do, keep and lose.
var nodePlants = []plant{
	{name: "another hash of a floor", checker: "replicas", words: "other hashes",
		run: spoilStorage(func(_ *planting, s *Storage) { s.Floors[0].Hash = "other" })},
	{name: "another segment of a floor", checker: "replicas", words: "other segments",
		run: spoilStorage(func(_ *planting, s *Storage) { s.Segments[0].Name = "other" })},
	{name: "a manifest that does not add up", checker: "replicas", words: "the manifest counts",
		run: spoilStorage(func(_ *planting, s *Storage) { s.Total.Frames++ })},
	{name: "another floor in the end", checker: "replicas", words: "in the end", run: spoilStorage(func(_ *planting, s *Storage) { s.Floor++ })},
	{name: "a frame on one node only", checker: "replicas", words: "alone", rows: func(p *planting) bool {
		p.rows["n3"] = p.rows["n3"][1:]
		return true
	}},
	{name: "another content on one node", checker: "replicas", words: "other frames under the same numbers", rows: func(p *planting) bool {
		pick(p, p.rows["n3"], func(r *Row) bool { return r.Variant == 0 }).Variant = 1
		return true
	}},
	{name: "a frame at another place", checker: "replicas", words: "other frames under the same numbers", rows: func(p *planting) bool {
		p.rows["n3"][4].Sum++
		return true
	}},

	{name: "damage that was read and not noticed", checker: "damage", words: "UNNOTICED", run: func(p *planting, r *Run) bool {
		r.Faults = append(r.Faults, Fault{From: r.Healed, Kind: "flip", Node: "n2", File: "segments/x", MustFind: true, Witness: 1})
		return true
	}},
	{name: "damage that no fault did", checker: "damage", words: "SELF-MADE", run: func(p *planting, r *Run) bool {
		r.event(Event{At: r.Healed, Kind: Damaged, Node: "n2", File: "segments/x"})
		return true
	}},
	{name: "damage that is never repaired", checker: "damage", words: "never repaired", run: func(p *planting, r *Run) bool {
		r.Faults = append(r.Faults, Fault{From: r.Healed, Kind: "flip", Node: "n2", File: "segments/x", MustFind: true, Witness: 1})
		r.event(Event{At: r.Healed, Kind: Damaged, Node: "n2", File: "segments/x"})
		return true
	}},
	{name: "a segment is missing in the end", checker: "damage", words: "is quarantined in the end",
		run: spoilStorage(func(_ *planting, s *Storage) { s.Segments[0].State = "quarantined" })},
	{name: "segments are counted as missing in the end", checker: "damage", words: "1 segments are missing",
		run: spoilStorage(func(_ *planting, s *Storage) { s.Missing = 1 })},

	{name: "a process does not end", checker: "failstop", words: "did not end", run: func(p *planting, r *Run) bool {
		p.failure(r)
		return true
	}},
	{name: "a process that failed twice does not end", checker: "failstop", words: "did not end", run: func(p *planting, r *Run) bool {
		e := p.failure(r)
		e.At -= 1
		r.event(e)
		r.event(Event{At: e.At + 2*EndWithin, Kind: Ended, Node: e.Node})
		return true
	}},
	{name: "a process ends late", checker: "failstop", words: "did not end", run: func(p *planting, r *Run) bool {
		r.event(Event{At: p.failure(r).At + 2*EndWithin, Kind: Ended, Node: "n2"})
		return true
	}},
	{name: "a log is written after a failed sync", checker: "failstop", words: "the log was written after", run: func(p *planting, r *Run) bool {
		e := p.failure(r)
		r.event(Event{At: e.At + 1, Kind: WroteAfter, Node: "n2", File: e.File})
		r.event(Event{At: e.At + 2, Kind: Ended, Node: "n2"})
		return true
	}},
	{name: "an acknowledgement after a failed sync", checker: "failstop", words: "acknowledged by a process whose sync had failed",
		run: func(p *planting, r *Run) bool {
			b := pick(p, r.Batches, func(b *Batch) bool { return b.Outcome == Acked && b.Invoke > r.Healed })
			r.event(Event{At: b.Invoke - 1, Kind: SyncFailed, Node: b.Node})
			r.event(Event{At: b.Return + 1, Kind: Ended, Node: b.Node})
			return true
		}},

	{name: "two votes in a term", checker: "amnesia", words: "voted for two candidates", run: func(p *planting, r *Run) bool {
		e := *pick(p, r.Events, func(e *Event) bool { return e.Kind == Voted })
		e.Candidate, e.At = "n9.x", e.At+time.Hour
		r.event(e)
		return true
	}},
	{name: "a vote in an older term", checker: "amnesia", words: "FORGOT", run: func(p *planting, r *Run) bool {
		e := *pick(p, r.Events, func(e *Event) bool { return e.Kind == Voted })
		r.event(Event{At: p.now, Kind: Voted, Node: e.Node, Server: e.Server, Term: 50, Candidate: "n1.a"})
		r.event(Event{At: p.now + 1, Kind: Voted, Node: e.Node, Server: e.Server, Term: 49, Candidate: "n1.a"})
		return true
	}},
	{name: "two leaders of a term", checker: "amnesia", words: "TWO LEADERS", run: func(p *planting, r *Run) bool {
		e := *pick(p, r.Events, func(e *Event) bool { return e.Kind == Led })
		e.Server += "b"
		r.event(e)
		return true
	}},
	{name: "a lost disk votes", checker: "amnesia", words: "AMNESIA: n2.a voted", run: func(p *planting, r *Run) bool {
		r.event(Event{At: p.now, Kind: DiskLost, Node: "n2", Server: "n2.a"})
		r.event(Event{At: p.now + 1, Kind: Voted, Node: "n2", Server: "n2.a", Term: 90, Candidate: "n1.a"})
		return true
	}},
	{name: "a lost disk leads", checker: "amnesia", words: "AMNESIA: n2.a led", run: func(p *planting, r *Run) bool {
		r.event(Event{At: p.now, Kind: DiskLost, Node: "n2", Server: "n2.a"})
		r.event(Event{At: p.now + 1, Kind: Led, Node: "n2", Server: "n2.a", Term: 90})
		return true
	}},
	{name: "a node is who it was on an empty disk", checker: "amnesia", words: "AMNESIA: n2.a started on an empty disk",
		run: func(p *planting, r *Run) bool {
			r.event(Event{At: p.now, Kind: Wiped, Node: "n2", Server: "n2.a"})
			r.event(Event{At: p.now + 1, Kind: Started, Node: "n2", Server: "n2.a"})
			return true
		}},
	{name: "a stranger votes", checker: "amnesia", words: "STRANGER", run: func(p *planting, r *Run) bool {
		r.event(Event{At: p.now, Kind: Voted, Node: "n2", Server: "n2.zz", Term: 90, Candidate: "n1.a"})
		return true
	}},

	{name: "a gap between floor and log", checker: "onlycopy", words: "GAP: the log begins",
		run: spoilStorage(func(_ *planting, s *Storage) { s.Log.First = s.Floor + 2 })},
	{name: "a log cut at the newest floor", checker: "onlycopy", words: "above the oldest floor kept",
		rows: flushedTwice, run: spoilStorage(func(_ *planting, s *Storage) {
			s.Log.First = s.Floor
		})},
	{name: "a log cut before another node has the floor", checker: "onlycopy", words: "no other node had a floor that high",
		rows: flushedTwice, run: func(p *planting, r *Run) bool {
			last := r.Finals[1].Storage
			early := *last
			early.Invoke, early.Return = 1, 2
			r.Storages = append(r.Storages, early)
			for _, node := range []string{"n1", "n3"} {
				r.Storages = append(r.Storages, Storage{Node: node, Invoke: 3, Return: 4, Log: LogRange{First: 1, Last: 5}})
			}
			return true
		}},
	{name: "a segment vanishes", checker: "onlycopy", words: "was there and is missing", run: func(p *planting, r *Run) bool {
		r.Faults, r.Events = nil, nil
		s := r.Finals[1].Storage
		later := *s
		later.Segments = slices.Clone(s.Segments)
		later.Segments[0].State = "missing"
		later.Return += time.Second
		r.Storages = append(r.Storages, later)
		return true
	}},
	{name: "a segment is on one node only", checker: "onlycopy", words: "SINGLE", run: func(p *planting, r *Run) bool {
		for _, f := range r.Finals[:2] {
			f.Storage.Segments[0].State = "missing"
		}
		return true
	}},

	{name: "nothing is acknowledged after healing", checker: "liveness", words: "STUCK", run: func(p *planting, r *Run) bool {
		for i := range r.Batches {
			if b := &r.Batches[i]; b.Return >= r.Healed && b.Return < r.Healed+patience {
				b.Outcome = Unknown
			}
		}
		return true
	}},
	{name: "a majority stands still", checker: "liveness", words: "STUCK", run: func(p *planting, r *Run) bool {
		r.Healed = 0
		for i := range r.Batches {
			if b := &r.Batches[i]; b.Return > 2*time.Second && b.Return < 14*time.Second {
				b.Outcome = Unknown
			}
		}
		return true
	}},
	{name: "a node is not ready in the end", checker: "liveness", words: "is not ready", run: func(p *planting, r *Run) bool {
		r.Finals[1].Ready = false
		return true
	}},
	{name: "a node shows nothing in the end", checker: "liveness", words: "shows nothing", run: func(p *planting, r *Run) bool {
		r.Finals = r.Finals[:2]
		return true
	}},
}

// flushedTwice makes sure that there are two floors.
func flushedTwice(p *planting) bool { return len(p.floors) >= 2 }
