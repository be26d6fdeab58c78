package check

import "slices"

// framePlants are about the frames that are shown in the end, and the answers to those who sent them.
var framePlants = []plant{
	{name: "an acknowledged frame is gone from one node", checker: "durable", words: "LOST: acknowledged", rows: func(p *planting) bool {
		node := p.node()
		row := pick(p, p.rows[node], func(r *Row) bool { return p.acked(r) != nil })
		gone := *row
		p.rows[node] = slices.DeleteFunc(p.rows[node], func(r Row) bool { return r.Counter == gone.Counter && r.Number == gone.Number })
		return true
	}},
	{name: "a whole batch is gone everywhere", checker: "durable", words: "LOST: acknowledged", rows: func(p *planting) bool {
		b := p.batch(func(b *Batch) bool { return b.Outcome == Acked })
		p.everywhere(func(rows []Row) []Row { return slices.DeleteFunc(rows, func(r Row) bool { return b.has(&r) }) })
		return true
	}},
	{name: "what a read showed is gone", checker: "durable", words: "VANISHED", rows: func(p *planting) bool {
		d := pick(p, p.run.Reads, func(d *Read) bool { return d.Found })
		p.everywhere(func(rows []Row) []Row {
			return slices.DeleteFunc(rows, func(r Row) bool { return r.Counter == d.Counter && r.Number == d.Latest })
		})
		return true
	}},
	{name: "a frame that nobody sent", checker: "invented", words: "INVENTED: never sent", rows: func(p *planting) bool {
		row := p.rows["n1"][p.rng.IntN(len(p.rows["n1"]))]
		row.Number = 1 << 40
		p.everywhere(func(rows []Row) []Row { return append(rows, row) })
		return true
	}},
	{name: "a counter that nobody used", checker: "invented", words: "a counter that nobody used", rows: func(p *planting) bool {
		p.rows["n2"] = append(p.rows["n2"], Row{Counter: Counter{Device: "ghost", Stream: "0"}, Number: 1, Ordinal: 1, History: 1, Index: 1})
		return true
	}},
	{name: "a refused frame is there", checker: "invented", words: "PHANTOM: refused", rows: func(p *planting) bool {
		b := p.batch(func(b *Batch) bool { return b.Outcome == Refused && b.Numbered && !p.sentOtherwise(b) })
		if b == nil {
			return false
		}
		p.rows["n3"] = append(p.rows["n3"], Row{Counter: b.Counter, Number: b.Last, Numbered: true, Ordinal: 1, History: 1, Index: 1})
		return true
	}},
	{name: "a rejected frame is there", checker: "invented", words: "PHANTOM: rejected", rows: func(p *planting) bool {
		b := p.batch(func(b *Batch) bool { return b.Outcome == Acked && len(b.Rejected) > 0 })
		if b == nil {
			return false
		}
		p.rows["n3"] = append(p.rows["n3"], Row{Counter: b.Counter, Number: b.Rejected[0], Numbered: true, Ordinal: 1, History: 1, Index: 1})
		return true
	}},
	{name: "a read shows what is sent later", checker: "invented", words: "not sent by then", run: func(p *planting, r *Run) bool {
		d := pick(p, r.Reads, func(d *Read) bool { return d.Found && d.Return < p.now/2 })
		d.Latest += 1 << 30
		return true
	}},
	{name: "a number twice", checker: "once", words: "is there 2 times, at most 1 (it has a number)", rows: func(p *planting) bool {
		row := *pick(p, p.rows["n1"], func(r *Row) bool { return r.Numbered })
		p.rows["n1"] = append(p.rows["n1"], row)
		return true
	}},
	{name: "a keyed frame twice", checker: "once", words: "at most 1 (it has a key)", rows: func(p *planting) bool {
		b := p.batch(func(b *Batch) bool { return b.Outcome == Acked && !b.Numbered && b.Key != "" })
		if b == nil {
			return false
		}
		p.rows["n1"] = append(p.rows["n1"], *pick(p, p.rows["n1"], func(r *Row) bool { return b.has(r) }))
		return true
	}},
	{name: "a frame without number and key that was sent once is there twice", checker: "once", words: "neither number nor key",
		rows: func(p *planting) bool {
			b := p.batch(func(b *Batch) bool { return b.Outcome == Acked && !b.Numbered && b.Key == "" && !p.sentOtherwise(b) })
			if b == nil {
				return false
			}
			p.rows["n1"] = append(p.rows["n1"], *pick(p, p.rows["n1"], func(r *Row) bool { return b.has(r) }))
			return true
		}},
	{name: "a retry is accepted again", checker: "once", words: "ACCEPTED TWICE", run: func(p *planting, r *Run) bool {
		b := pick(p, r.Batches, func(b *Batch) bool {
			return b.Outcome == Acked && !b.Replayed && all(b, b.Duplicate) && p.ackedBefore(b)
		})
		if b == nil {
			return false
		}
		b.Accepted, b.Duplicate = b.Duplicate, 0
		return true
	}},
	{name: "counts that do not add up", checker: "once", words: "MISCOUNTED: the answer counts", run: func(p *planting, r *Run) bool {
		pick(p, r.Batches, func(b *Batch) bool { return b.Outcome == Acked }).Unverified++
		return true
	}},
	{name: "a first frame is called a duplicate", checker: "once", words: "others can have stored", run: func(p *planting, r *Run) bool {
		b := pick(p, r.Batches, func(b *Batch) bool { return b.Outcome == Acked && b.Numbered && b.Accepted > 0 && !p.sentOtherwise(b) })
		if b == nil {
			return false
		}
		b.Accepted, b.Duplicate = b.Accepted-1, b.Duplicate+1
		return true
	}},
	{name: "a key is stored twice", checker: "once", words: "KEY TWICE", run: func(p *planting, r *Run) bool {
		b := pick(p, r.Batches, func(b *Batch) bool { return b.Outcome == Acked && b.Replayed && b.Accepted > 0 && p.ackedBefore(b) })
		if b == nil {
			return false
		}
		b.Replayed, b.Index = false, b.Index+1
		return true
	}},
	{name: "wrong bytes in the end", checker: "bytes", words: "CHANGED: field v", rows: func(p *planting) bool {
		p.rows["n2"][p.rng.IntN(len(p.rows["n2"]))].Wrong = "field v is 1, sent was 2"
		return true
	}},
	{name: "wrong bytes in a read", checker: "bytes", words: "CHANGED: a read shows field v", run: func(p *planting, r *Run) bool {
		pick(p, r.Reads, func(d *Read) bool { return d.Found }).Wrong = "field v is 1, sent was 2"
		return true
	}},
	{name: "bytes that nobody sent", checker: "bytes", words: "variant 77, which nobody sent", rows: func(p *planting) bool {
		row := pick(p, p.rows["n2"], func(r *Row) bool { return r.Numbered })
		row.Variant = 77
		return true
	}},
	{name: "the content that came later wins", checker: "bytes", words: "which came after another one was acknowledged",
		run: func(p *planting, r *Run) bool {
			c := Counter{Device: "late", Stream: "0"}
			r.Batches = append(r.Batches,
				Batch{Node: "n1", Counter: c, First: 1, Last: 2, Numbered: true, Outcome: Acked, Accepted: 1, Duplicate: 1,
					Invoke: p.now - 5, Return: p.now - 4},
				Batch{Node: "n1", Counter: c, First: 1, Last: 2, Numbered: true, Variant: 1, Outcome: Unknown, Invoke: p.now - 3, Return: p.now - 2})
			for _, f := range r.Finals {
				f.AddRow(&Row{Counter: c, Ordinal: 1, Number: 1, Numbered: true, Variant: 1, History: 1, Index: 5})
				f.AddRow(&Row{Counter: c, Ordinal: 1, Number: 2, Numbered: true, Variant: 1, History: 1, Index: 5})
			}
			return true
		}},
	{name: "overlapping batches are accepted together more often than there are numbers", checker: "once", words: "frames under",
		run: func(p *planting, r *Run) bool {
			b := pick(p, r.Batches, func(b *Batch) bool {
				return b.Outcome == Acked && all(b, b.Accepted) && b.Numbered && !p.sentOtherwise(b)
			})
			if b == nil {
				return false
			}
			twin := *b
			twin.Client, twin.Index = twin.Client+1, twin.Index+1
			r.Batches = append(r.Batches, twin)
			return true
		}},
	{name: "the second content wins", checker: "bytes", words: "USURPED: variant", rows: func(p *planting) bool {
		b := p.batch(func(b *Batch) bool { return b.Outcome == Acked && !b.Replayed && all(b, b.Conflict) })
		if b == nil {
			return false
		}
		p.everywhere(func(rows []Row) []Row {
			for i := range rows {
				if b.has(&rows[i]) {
					rows[i].Variant = b.Variant
				}
			}
			return rows
		})
		return true
	}},
	{name: "two epochs are one", checker: "epochs", words: "MERGED", rows: func(p *planting) bool {
		return p.renumber(func(r *Row) bool { return r.Ordinal == 2 }, 1)
	}},
	{name: "an epoch is split", checker: "epochs", words: "SPLIT", rows: func(p *planting) bool {
		return p.renumber(func(r *Row) bool { return r.Ordinal == 1 && r.Numbered && r.Number%2 == 0 }, 9)
	}},
}

// acked is a batch that a row was acknowledged in.
func (p *planting) acked(r *Row) *Batch {
	return pick(p, p.run.Batches, func(b *Batch) bool { return b.Outcome == Acked && b.has(r) })
}

// sentOtherwise reports whether another attempt sent some of the batch's numbers.
func (p *planting) sentOtherwise(b *Batch) bool {
	return slices.ContainsFunc(p.run.Batches, func(o Batch) bool {
		return o.Counter == b.Counter && o.Outcome != Refused && o.First <= b.Last && b.First <= o.Last && (o.Invoke != b.Invoke || o.Node != b.Node)
	})
}

// ackedBefore reports whether the same numbers were acknowledged before the batch was sent, not as a replay.
func (p *planting) ackedBefore(b *Batch) bool {
	return slices.ContainsFunc(p.run.Batches, func(o Batch) bool {
		return o.Counter == b.Counter && o.Outcome == Acked && !o.Replayed && o.First == b.First && o.Last == b.Last && o.Return < b.Invoke
	})
}

// renumber changes the ordinals of the rows that fit.
func (p *planting) renumber(fits func(*Row) bool, ordinal uint32) bool {
	any := false
	p.everywhere(func(rows []Row) []Row {
		for i := range rows {
			if fits(&rows[i]) {
				rows[i].Ordinal, any = ordinal, true
			}
		}
		return rows
	})
	return any
}
