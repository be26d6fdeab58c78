package check

import "slices"

// spoilReport changes one report that fits: of the run, or of the end.
func spoilReport(fits func(*GapReport) bool, change func(*planting, *GapReport)) func(*planting, *Run) bool {
	return func(p *planting, r *Run) bool {
		list := r.GapReports
		if p.rng.IntN(2) == 0 {
			list = r.Finals[p.rng.IntN(len(r.Finals))].Gaps
		}
		g := pick(p, list, func(g *GapReport) bool { return !g.Server && g.Known && fits(g) })
		if g == nil {
			return false
		}
		g.Gaps = slices.Clone(g.Gaps)
		change(p, g)
		return true
	}
}

// spoilRunReport is the same, of the run only.
func spoilRunReport(fits func(*GapReport) bool, change func(*planting, *GapReport)) func(*planting, *Run) bool {
	return func(p *planting, r *Run) bool {
		g := pick(p, r.GapReports, func(g *GapReport) bool { return !g.Server && g.Known && fits(g) })
		if g == nil {
			return false
		}
		g.Gaps = slices.Clone(g.Gaps)
		change(p, g)
		return true
	}
}

// settle makes the sums of a report fit its gaps again, so that only what was meant is wrong.
func (g *GapReport) settle() {
	missing := g.missing().Count()
	g.Expected, g.GapsTotal = g.expected().Count(), uint64(len(g.Gaps))
	g.Stored = g.Expected - missing
	g.A = BalanceA{Expected: g.Expected, Stored: g.Stored}
	for _, gap := range g.Gaps {
		n := gap.Span.Count()
		switch gap.Cause {
		case "":
			g.A.Open += n
		case "never_arrived":
			g.A.Lost += n
		case "declared_lost":
			g.A.Declared += n
		default:
			g.A.Rejected += n
		}
	}
}

func hasGaps(g *GapReport) bool { return len(g.Gaps) > 0 }

// gapPlants are about gap reports.
var gapPlants = []plant{
	{name: "an interior gap is forgotten", checker: "gaps", words: "FORGOTTEN", run: spoilReport(hasGaps, func(p *planting, g *GapReport) {
		g.Gaps = slices.Delete(g.Gaps, 0, 1)
		g.settle()
	})},
	{name: "a number of a gap is forgotten", checker: "gaps", words: "FORGOTTEN", run: spoilReport(func(g *GapReport) bool {
		return slices.ContainsFunc(g.Gaps, func(g Gap) bool { return g.Span.Count() > 1 })
	}, func(p *planting, g *GapReport) {
		pick(p, g.Gaps, func(g *Gap) bool { return g.Span.Count() > 1 }).Last--
		g.settle()
	})},
	{name: "the tail that a heartbeat told of is forgotten", checker: "gaps", words: "TAIL: the report ends", run: func(p *planting, r *Run) bool {
		g := pick(p, r.GapReports, func(g *GapReport) bool {
			return hasGaps(g) && g.Gaps[len(g.Gaps)-1].Last == g.Last && pick(p, r.Claims, func(c *Claim) bool {
				return c.Outcome == Acked && c.Counter == g.Counter && c.Index <= g.Index && c.Next-1 == g.Last
			}) != nil
		})
		if g == nil {
			return false
		}
		g.Last, _ = g.expected().Minus(g.missing()).Max()
		g.Gaps = slices.DeleteFunc(slices.Clone(g.Gaps), func(gap Gap) bool { return gap.First > g.Last })
		g.TailBasis = "last_seen"
		g.settle()
		return true
	}},
	{name: "the head that was declared is forgotten", checker: "gaps", words: "HEAD: the report begins", run: spoilReport(func(g *GapReport) bool {
		return g.HeadBasis == "declared" && hasGaps(g) && g.Gaps[0].First == g.First
	}, func(p *planting, g *GapReport) {
		g.First = g.Gaps[0].Last + 1
		g.Gaps, g.HeadBasis = g.Gaps[1:], "first_seen"
		g.settle()
	})},
	{name: "a head that nobody declared", checker: "gaps", words: "which nobody sent or named", run: spoilReport(func(g *GapReport) bool {
		return g.HeadBasis == "first_seen" && g.First > 1
	}, func(p *planting, g *GapReport) {
		g.Gaps = slices.Insert(g.Gaps, 0, Gap{Span{1, g.First - 1}, "OPEN", ""})
		g.First = 1
		g.settle()
	})},
	{name: "a tail that nobody declared", checker: "gaps", words: "which nobody sent or named",
		run: spoilReport(func(g *GapReport) bool { return g.TailBasis == "last_seen" },
			func(p *planting, g *GapReport) {
				g.Gaps = append(g.Gaps, Gap{Span{g.Last + 1, g.Last + 1<<20}, "OPEN", ""})
				g.Last += 1 << 20
				g.settle()
			})},
	{name: "a stored number is listed as missing", checker: "gaps", words: "lists as missing what", run: spoilReport(func(g *GapReport) bool {
		return len(g.Gaps) == 0 && g.Stored > 2
	}, func(p *planting, g *GapReport) {
		g.Gaps = []Gap{{Span{g.First + 1, g.First + 1}, "OPEN", ""}}
		g.settle()
	})},
	{name: "a report of a few entries before its index", checker: "gaps", words: "GAPLIE", run: func(p *planting, r *Run) bool {
		a := pick(p, r.GapReports, func(g *GapReport) bool { return !g.Server && g.Known })
		b := pick(p, r.GapReports, func(g *GapReport) bool { return g.Counter == a.Counter && g.Index > a.Index && g.Stored > a.Stored })
		if b == nil {
			return false
		}
		stale := *a
		stale.Answer = b.Answer
		*b = stale
		return true
	}},
	{name: "a cause that nobody stated", checker: "gaps", words: "CAUSE: state FINAL and cause \"declared_lost\"",
		run: spoilReport(func(g *GapReport) bool {
			return slices.ContainsFunc(g.Gaps, func(g Gap) bool { return g.Cause == "" })
		}, func(p *planting, g *GapReport) {
			gap := pick(p, g.Gaps, func(g *Gap) bool { return g.Cause == "" })
			gap.State, gap.Cause = "FINAL", "declared_lost"
			g.settle()
		})},
	{name: "a cause that was stated is forgotten", checker: "gaps", words: "CAUSE: state FINAL and cause \"never_arrived\"",
		run: func(p *planting, r *Run) bool {
			c := pick(p, r.Claims, func(c *Claim) bool { return c.Kind == Lost && c.Outcome == Acked })
			g := pick(p, r.GapReports, func(g *GapReport) bool {
				return c != nil && g.Counter == c.Counter && g.Index >= c.Index &&
					slices.ContainsFunc(g.Gaps, func(g Gap) bool { return g.First == c.First && g.Cause == "declared_lost" })
			})
			if g == nil {
				return false
			}
			g.Gaps = slices.Clone(g.Gaps)
			pick(p, g.Gaps, func(g *Gap) bool { return g.First == c.First }).Cause = "never_arrived"
			g.settle()
			return true
		}},
	{name: "a cause that does not exist", checker: "gaps", words: "CAUSE", run: spoilReport(hasGaps, func(p *planting, g *GapReport) {
		g.Gaps[0].Cause = "moonshine"
	})},
	{name: "expected does not fit the ends", checker: "gaps", words: "between the ends are",
		run: spoilReport(hasGaps, func(p *planting, g *GapReport) { g.Expected++ })},
	{name: "stored does not fit the gaps", checker: "gaps", words: "expected without the gaps",
		run: spoilReport(hasGaps, func(p *planting, g *GapReport) { g.Stored-- })},
	{name: "gaps overlap", checker: "gaps", words: "overlaps another one", run: spoilReport(hasGaps, func(p *planting, g *GapReport) {
		g.Gaps = slices.Insert(g.Gaps, 0, g.Gaps[0])
		g.GapsTotal++
	})},
	{name: "gaps outside of the ends", checker: "gaps", words: "gaps outside of the ends", run: spoilReport(hasGaps, func(p *planting, g *GapReport) {
		g.Gaps = append(g.Gaps, Gap{Span{g.Last + 5, g.Last + 6}, "OPEN", ""})
		g.GapsTotal++
	})},
	{name: "the balance of a report", checker: "gaps", words: "the balance of the report",
		run: spoilReport(hasGaps, func(p *planting, g *GapReport) { g.A.Open++ })},
	{name: "a basis that nobody gave", checker: "gaps", words: "the basis \"seal\"",
		run: spoilReport(hasGaps, func(p *planting, g *GapReport) { g.TailBasis = "seal" })},
	{name: "a declared head is called seen", checker: "gaps", words: "the basis \"first_seen\"", run: spoilReport(func(g *GapReport) bool {
		return g.HeadBasis == "declared"
	}, func(p *planting, g *GapReport) { g.HeadBasis = "first_seen" })},
	{name: "no report of a counter", checker: "gaps", words: "no gap report of the counter", run: func(p *planting, r *Run) bool {
		f := r.Finals[p.rng.IntN(len(r.Finals))]
		i := slices.IndexFunc(f.Gaps, func(g GapReport) bool { return g.Known })
		f.Gaps = slices.Delete(f.Gaps, i, i+1)
		return true
	}},
	{name: "a report of a counter that nobody used", checker: "gaps", words: "a counter that nobody used",
		run: spoilRunReport(hasGaps, func(p *planting, g *GapReport) {
			g.Counter.Device = "ghost"
		})},
	{name: "two nodes report otherwise at one index", checker: "gaps", words: "two reports of one index differ", run: func(p *planting, r *Run) bool {
		g := pick(p, r.GapReports, func(g *GapReport) bool {
			return !g.Server && slices.ContainsFunc(g.Gaps, func(g Gap) bool { return g.Cause == "" })
		})
		if g == nil {
			return false
		}
		twin := *g
		twin.Gaps = slices.Clone(g.Gaps)
		open := pick(p, twin.Gaps, func(g *Gap) bool { return g.Cause == "" })
		open.State, open.Cause = "FINAL", "never_arrived"
		r.GapReports = append(r.GapReports, twin)
		return true
	}},
	{name: "the server's own numbers are missing", checker: "gaps", words: "that the server gave", run: func(p *planting, r *Run) bool {
		g := pick(p, r.GapReports, func(g *GapReport) bool { return g.Server && g.Last > 3 })
		if g == nil {
			return false
		}
		g.Gaps, g.GapsTotal, g.Stored = []Gap{{Span{2, 2}, "OPEN", ""}}, 1, g.Stored-1
		return true
	}},
	{name: "nothing is expected of a counter that has frames", checker: "gaps", words: "no number is expected",
		run: spoilReport(func(g *GapReport) bool { return g.Stored > 0 },
			func(p *planting, g *GapReport) {
				*g = GapReport{Answer: g.Answer, Counter: g.Counter, Ordinal: g.Ordinal}
			})},
	{name: "more gaps than are counted", checker: "gaps", words: "and counts",
		run: spoilReport(hasGaps, func(p *planting, g *GapReport) { g.GapsTotal-- })},
	{name: "a gap is forgotten in a report that lists only the first ones", checker: "gaps", words: "FORGOTTEN",
		run: spoilReport(func(g *GapReport) bool {
			return len(g.Gaps) > 3
		}, func(p *planting, g *GapReport) { g.Gaps = slices.Delete(g.Gaps[:3], 1, 2) })},
	{name: "an epoch has another ordinal later", checker: "gaps", words: "two ordinals", run: func(p *planting, r *Run) bool {
		r.Finals[2].Gaps[0].Ordinal = 7
		return true
	}},
	{name: "the ends come closer", checker: "gaps", words: "the ends came closer", run: func(p *planting, r *Run) bool {
		g := pick(p, r.Finals[2].Gaps, func(g *GapReport) bool {
			return !g.Server && g.Last > g.First+5 && g.Index > r.Finals[1].Gaps[0].Index-1
		})
		later := *g
		later.Index, later.Last = g.Index+1, g.Last-1
		r.GapReports = append(r.GapReports, later)
		return true
	}},
	{name: "what was stored is missing later", checker: "gaps", words: "is missing at a later index", run: func(p *planting, r *Run) bool {
		g := pick(p, r.Finals[2].Gaps, func(g *GapReport) bool { return !g.Server && g.Stored > 5 })
		later := *g
		later.Index++
		n, _ := g.expected().Minus(g.missing()).Max()
		later.Gaps = append(slices.Clone(g.Gaps), Gap{Span{n, n}, "OPEN", ""})
		slices.SortFunc(later.Gaps, func(a, b Gap) int { return int(a.First) - int(b.First) })
		later.settle()
		r.GapReports = append(r.GapReports, later)
		return true
	}},
	{name: "a stored number lies outside of the ends", checker: "gaps", words: "HEAD: the report begins", run: spoilReport(func(g *GapReport) bool {
		return len(g.Gaps) == 0 && g.Stored > 3
	}, func(p *planting, g *GapReport) {
		g.First++
		g.HeadBasis = "first_seen"
		g.settle()
	})},
}
