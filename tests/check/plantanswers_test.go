package check

import "time"

// spoilLedger changes one sample.
func spoilLedger(change func(l *Ledger)) func(*planting, *Run) bool {
	return func(p *planting, r *Run) bool {
		change(pick(p, r.Ledgers, func(l *Ledger) bool { return l.A.Stored > 10 }))
		return true
	}
}

// spoilRead changes one read of the run that fits.
func spoilRead(fits func(*Read) bool, change func(p *planting, d *Read)) func(*planting, *Run) bool {
	return func(p *planting, r *Run) bool {
		d := pick(p, r.Reads, func(d *Read) bool { return d.Found && d.Counter.Device != "free" && fits(d) })
		if d == nil {
			return false
		}
		change(p, d)
		return true
	}
}

// older is a read of the same stream that showed less, as of a lower index.
func (p *planting) older(d *Read) *Read {
	return pick(p, p.run.Reads, func(o *Read) bool {
		return o.Found && o.Counter.stream() == d.Counter.stream() && o.Index < d.Index && o.rank().compare(d.rank()) < 0
	})
}

// show makes a read show what an older one did.
func (d *Read) show(o *Read) {
	d.Counter, d.Ordinal, d.Latest, d.Variant = o.Counter, o.Ordinal, o.Latest, o.Variant
}

// shownBefore reports whether another linearizable read showed as much before this one began.
func (p *planting) shownBefore(d *Read) bool {
	return pick(p, p.run.Reads, func(o *Read) bool {
		return o.Consistency == "linearizable" && o.Counter.stream() == d.Counter.stream() && o.Return < d.Invoke && o.Found && o.rank() == d.rank()
	}) != nil
}

// ackedFirst is a batch that was acknowledged before a read began, with the number that it shows.
func (p *planting) ackedFirst(d *Read) bool {
	return p.batch(func(b *Batch) bool {
		return b.Outcome == Acked && !b.Replayed && b.Counter == d.Counter && b.Last == d.Latest && len(b.Rejected) == 0 && b.Return < d.Invoke
	}) != nil
}

// answerPlants are about balances, reads and indexes.
var answerPlants = []plant{
	{name: "expected", checker: "balance", words: "A: expected = stored", run: spoilLedger(func(l *Ledger) { l.A.Expected++ })},
	{name: "open", checker: "balance", words: "A: expected = stored", run: spoilLedger(func(l *Ledger) { l.A.Open++ })},
	{name: "lost", checker: "balance", words: "A: expected = stored", run: spoilLedger(func(l *Ledger) { l.A.Lost++ })},
	{name: "declared", checker: "balance", words: "A: expected = stored", run: spoilLedger(func(l *Ledger) { l.A.Declared++ })},
	{name: "shed", checker: "balance", words: "A: expected = stored", run: spoilLedger(func(l *Ledger) { l.A.Shed++ })},
	{name: "rejected", checker: "balance", words: "A: expected = stored", run: spoilLedger(func(l *Ledger) { l.A.Rejected++ })},
	{name: "expired", checker: "balance", words: "A: expected = stored", run: spoilLedger(func(l *Ledger) { l.A.Expired++ })},
	{name: "what the node calls its balance", checker: "balance", words: "the node says 1", run: spoilLedger(func(l *Ledger) { l.A.Balance = 1 })},
	{name: "drift", checker: "balance", words: "drift", run: spoilLedger(func(l *Ledger) { l.A.Drift = 3 })},
	{name: "B does not add up", checker: "balance", words: "received = its parts", run: spoilLedger(func(l *Ledger) { l.B[0].Counts.Received++ })},
	{name: "B of another node", checker: "balance", words: "B is of n9", run: spoilLedger(func(l *Ledger) { l.B[0].Node = "n9" })},
	{name: "C does not add up", checker: "balance", words: "C: accepted", run: spoilLedger(func(l *Ledger) { l.C.LogOnly++ })},
	{name: "C has other frames than A", checker: "balance", words: "A and C", run: spoilLedger(func(l *Ledger) { l.C.Accepted++; l.C.Hot++ })},
	{name: "D does not add up", checker: "balance", words: "D: stored", run: spoilLedger(func(l *Ledger) { l.D.Head-- })},
	{name: "D has other frames than A", checker: "balance", words: "A and D", run: spoilLedger(func(l *Ledger) { l.D.Stored++; l.D.Head++ })},
	{name: "another A at the same index", checker: "balance", words: "A differs at one index", run: func(p *planting, r *Run) bool {
		twin := *pick(p, r.Ledgers, func(l *Ledger) bool { return l.A.Open > 0 })
		twin.A.Open, twin.A.Lost = twin.A.Open-1, twin.A.Lost+1
		r.Ledgers = append(r.Ledgers, twin)
		return true
	}},
	{name: "stored shrinks", checker: "balance", words: "stored went from", run: func(p *planting, r *Run) bool {
		l := *r.Finals[2].Ledger
		l.Index++
		l.A.Stored, l.A.Lost, l.C.Accepted, l.C.LogOnly, l.D.Stored, l.D.Head = l.A.Stored-1, l.A.Lost+1, l.C.Accepted-1, l.C.LogOnly-1,
			l.D.Stored-1, l.D.Head-1
		r.Ledgers = append(r.Ledgers, l)
		return true
	}},
	{name: "expected shrinks", checker: "balance", words: "expected went from", run: func(p *planting, r *Run) bool {
		l := *r.Finals[2].Ledger
		l.Index++
		l.A.Expected, l.A.Lost = l.A.Expected-1, l.A.Lost-1
		r.Ledgers = append(r.Ledgers, l)
		return true
	}},
	{name: "the ledger has more than the node shows", checker: "balance", words: "the node shows", run: func(p *planting, r *Run) bool {
		r.Finals[1].System--
		return true
	}},
	{name: "a door forgot an answer", checker: "balance", words: "clients were answered", run: func(p *planting, r *Run) bool {
		b := &r.Finals[p.rng.IntN(3)].Ledger.B[0].Counts
		b.Accepted, b.Received = b.Accepted-1, b.Received-1
		return true
	}},
	{name: "a door counts what nobody sent", checker: "balance", words: "clients sent", run: func(p *planting, r *Run) bool {
		b := &r.Finals[p.rng.IntN(3)].Ledger.B[0].Counts
		b.Refused, b.Received = b.Refused+100000, b.Received+100000
		return true
	}},
	{name: "a door's counts shrink", checker: "balance", words: "in one life of the node", run: func(p *planting, r *Run) bool {
		l := r.Finals[2].Ledger
		later := *l
		later.Invoke, later.Return = l.Return+time.Second, l.Return+2*time.Second
		later.B = []BalanceB{l.B[0]}
		later.B[0].Counts.Accepted--
		later.B[0].Counts.Received--
		r.Ledgers = append(r.Ledgers, later)
		return true
	}},

	{name: "the newest frame goes back along the index", checker: "latest", words: "BACKWARDS: the newest frame of a higher index",
		run: func(p *planting, r *Run) bool {
			d := pick(p, r.Reads, func(d *Read) bool { return d.Found && d.Counter.Device != "free" && d.Latest > 20 })
			later := *d
			later.Index++
			later.Latest--
			r.Reads = append(r.Reads, later)
			return true
		}},
	{name: "two newest frames at one index", checker: "latest", words: "two answers of one index", run: func(p *planting, r *Run) bool {
		twin := *pick(p, r.Reads, func(d *Read) bool { return d.Found && d.Counter.Device != "free" && d.Latest > 20 })
		twin.Latest--
		r.Reads = append(r.Reads, twin)
		return true
	}},
	{name: "an acknowledged frame is not yet shown", checker: "latest", words: "STALE: the answer contains the index",
		run: func(p *planting, r *Run) bool {
			d := pick(p, r.Reads, func(d *Read) bool {
				return d.Found && d.Counter.Device != "free" && p.older(d) != nil && p.ackedFirst(d)
			})
			if d == nil {
				return false
			}
			d.show(p.older(d))
			return true
		}},
	{name: "not the newest frame of its index", checker: "latest", words: "NEWEST", run: spoilRead(func(d *Read) bool { return d.Latest > 1 },
		func(p *planting, d *Read) { d.Latest-- })},
	{name: "nothing is shown of a stream that has frames", checker: "latest", words: "NEWEST", run: spoilRead(func(d *Read) bool { return true },
		func(p *planting, d *Read) { d.Found = false })},

	{name: "a stale read is called linearizable", checker: "linear", words: "was acknowledged before it began", run: func(p *planting, r *Run) bool {
		d := pick(p, r.Reads, func(d *Read) bool {
			return d.Consistency == "linearizable" && d.Found && d.Counter.Device != "free" && p.ackedFirst(d) && p.older(d) != nil
		})
		if d == nil {
			return false
		}
		o := p.older(d)
		d.show(o)
		d.Index = o.Index
		return true
	}},
	{name: "a linearizable read shows less than one before", checker: "linear", words: "an older frame than one before it",
		run: func(p *planting, r *Run) bool {
			d := pick(p, r.Reads, func(d *Read) bool {
				return d.Consistency == "linearizable" && d.Found && d.Counter.Device != "free" && p.shownBefore(d) && p.older(d) != nil
			})
			if d == nil {
				return false
			}
			d.show(p.older(d))
			return true
		}},

	{name: "the position that was asked for is not contained", checker: "stale", words: "AFTER", run: spoilRead(func(d *Read) bool { return true },
		func(p *planting, d *Read) { d.After = d.Index + 1 })},
	{name: "a linearizable answer of an old index", checker: "stale", words: "was known before it began", run: func(p *planting, r *Run) bool {
		l := pick(p, r.Ledgers, func(l *Ledger) bool { return l.Consistency == "linearizable" && l.Index > 60 })
		l.Index -= 50
		return true
	}},
	{name: "an answer contains what is sent later", checker: "stale", words: "an answer before it was sent contains",
		run: func(p *planting, r *Run) bool {
			l := pick(p, r.Ledgers, func(l *Ledger) bool { return l.Index < 100 })
			l.Index += 100
			return true
		}},
	{name: "a node goes back in time", checker: "stale", words: "BACKWARDS: the node answered", run: func(p *planting, r *Run) bool {
		l := *r.Finals[2].Ledger
		l.Invoke, l.Return = l.Return+time.Second, l.Return+2*time.Second
		l.Index, l.Consistency = l.Index-1, "stale"
		r.Ledgers = append(r.Ledgers, l)
		return true
	}},
	{name: "another history", checker: "stale", words: "HISTORY", run: spoilLedger(func(l *Ledger) { l.History = 2 })},

	{name: "another digest at the same index", checker: "replicas", words: "has the digest", run: func(p *planting, r *Run) bool {
		r.Finals[2].Ledger.Digest = "other"
		r.Finals[2].Ledger.Index = r.Finals[1].Ledger.Index
		return true
	}},
}
