package ledger

import (
	"math"

	"github.com/gaplessdb/gapless/frame"
)

// fit says how many numbers agree with what a narrow counter shows.
type fit uint8

const (
	fitNone fit = iota // none is plausible: a damaged number or a restart
	fitOne             // exactly one
	fitMany            // several: how often the counter wrapped is unknown
)

// unwrapped is the answer of unwrap: the number with fitOne, the lowest candidate with fitMany.
type unwrapped struct {
	fit   fit
	n     uint64
	wraps [2]uint64 // with fitMany: least and greatest number of wraps since the newest number
}

// reading is what a counter showed, and when.
type reading struct {
	low      uint64 // as on the wire
	bits     uint8
	timeless bool  // timeNS means nothing
	timeNS   int64 // device time
	recvMS   int64 // our time
}

// mod is how many values the counter has.
func (r reading) mod() uint64 { return 1 << r.bits }

// window is the misorder window as far as the counter can tell late from early.
func (r reading) window(p *Policy) uint64 { return min(p.MisorderWindow, r.mod()/8) }

// unwrap finds the full number behind the low bits of a counter. It predicts where the counter is from how fast the stream counts and the
// device time that passed, and takes a number only if exactly one is within the uncertainty. Device time is believed when it advanced
// no more than ours (the frame may have been buffered). When it ran ahead, or back, the frame may be what its time says or the clock may have been
// set: if both readings lead to a number, they have to agree; if one leads to none, it is refuted.
func (p *pace) unwrap(r reading, policy *Policy) unwrapped {
	r.timeNS = p.timeOf(r)
	device, back := since(p.timeNS, r.timeNS)
	if !back && device < p.calmNS && !p.stepped(r.timeNS, r.recvMS) {
		if n, ok := p.beside(r, r.window(policy)); ok {
			return unwrapped{fit: fitOne, n: n}
		}
	}
	if back {
		return p.either(r, p.earlier(r, policy, device), p.candidates(r, policy, p.received(r.recvMS)))
	}
	u := p.candidates(r, policy, device)
	if !p.stepped(r.timeNS, r.recvMS) {
		return u
	}
	return p.either(r, u, p.candidates(r, policy, p.received(r.recvMS)))
}

// ticks reports whether a frame plainly shows next, the number after the newest one: a step of one, too soon for anything else.
func (p *pace) ticks(next uint64, bits uint8, recvMS int64, it *frame.Item) bool {
	if bits != p.bits || it.Seq != next&(1<<bits-1) || next != p.number+1 {
		return false
	}
	timeNS := p.timeOf(reading{timeless: it.NoTime, timeNS: it.TimeNS, recvMS: recvMS})
	device, back := since(p.timeNS, timeNS)
	return !back && device < p.calmNS && !p.stepped(timeNS, recvMS)
}

// either joins two readings of which one is right.
func (p *pace) either(r reading, a, b unwrapped) unwrapped {
	switch {
	case b.fit == fitNone || a == b || a.fit == fitMany:
		return a
	case a.fit == fitNone || b.fit == fitMany:
		return b
	}
	return p.disagree(r, a, b)
}

// disagree makes the ambiguity of two numbers.
func (p *pace) disagree(r reading, a, b unwrapped) unwrapped {
	if b.n < a.n {
		a, b = b, a
	}
	return unwrapped{fitMany, max(a.n, p.nextLike(r)), [2]uint64{p.wraps(r, a.n), p.wraps(r, b.n)}}
}

// nextLike is the lowest number above the newest one that the counter could show so.
func (p *pace) nextLike(r reading) uint64 { return firstLike(r, p.number+1) }

// firstLike is the lowest number from at on whose low bits the counter shows.
func firstLike(r reading, at uint64) uint64 { return at + (r.low-at)&(r.mod()-1) }

// wraps is how often the counter wrapped between the newest number and n.
func (p *pace) wraps(r reading, n uint64) uint64 { return satSub(n>>r.bits, p.number>>r.bits) }

// candidates are the numbers that agree with the counter when the stream counted for so many ns since the newest one.
func (p *pace) candidates(r reading, policy *Policy, ns uint64) unwrapped {
	window := r.window(policy)
	if n, ok := p.beside(r, window); ok && p.shortest == 0 {
		return unwrapped{fit: fitOne, n: n} // nothing is known of the rate yet: the next few numbers are taken as that
	}
	reach := p.reach(ns, window)
	if passed, unsure, ok := p.predict(policy, ns, window); ok {
		reach = max(reach, satAdd(passed, unsure))
		if n, ok := p.near(r, satAdd(p.number, passed), unsure); ok {
			return unwrapped{fit: fitOne, n: n}
		}
	}
	return p.between(r, satSub(p.number, window), min(satAdd(p.number, reach), MaxSeq))
}

// earlier are the numbers that agree with the counter when the frame was made so many ns before the newest one.
func (p *pace) earlier(r reading, policy *Policy, ns uint64) unwrapped {
	window := r.window(policy)
	if n, ok := p.beside(r, window); ok && p.shortest == 0 {
		return unwrapped{fit: fitOne, n: n}
	}
	if passed, unsure, ok := p.predict(policy, ns, window); ok {
		if n, ok := p.near(r, satSub(p.number, passed), unsure); ok {
			return unwrapped{fit: fitOne, n: n}
		}
	}
	return p.between(r, satSub(p.number, p.reach(ns, window)), min(satAdd(p.number, window), MaxSeq))
}

// predict is how many numbers a steady stream counts in so many ns, and by how many that may be wrong; false if the stream is not known to be steady.
func (p *pace) predict(policy *Policy, ns, window uint64) (passed, unsure uint64, ok bool) {
	interval, spread, ok := p.mean()
	if !ok || spread > steadySpreads*policy.RateTolerancePPM {
		return 0, 0, false
	}
	passed = mulDiv(ns, intervalUnit, interval)
	return passed, satAdd(mulDiv(passed, policy.RateTolerancePPM+spread, 1_000_000), window), true
}

// reach is how many numbers the stream may have counted in so many ns, at half again the fastest rate it ever showed.
func (p *pace) reach(ns, window uint64) uint64 {
	interval := p.shortest
	if interval == 0 {
		interval = shortestPossible
	}
	return satAdd(mulDiv(ns, intervalUnit*3/2, interval), window)
}

// near is the number around center that the counter shows, false when none is within the uncertainty or that reaches half the counter.
func (p *pace) near(r reading, center, unsure uint64) (uint64, bool) {
	if unsure >= r.mod()/2 || center > MaxSeq {
		return 0, false
	}
	n := firstLike(r, satSub(center, unsure))
	return n, n <= center+unsure && n <= MaxSeq
}

// between counts the candidates in low..high.
func (p *pace) between(r reading, low, high uint64) unwrapped {
	n := firstLike(r, low)
	switch {
	case n > high || n < low:
		return unwrapped{}
	case high-n < r.mod():
		return unwrapped{fit: fitOne, n: n}
	}
	last := n + (high-n)/r.mod()*r.mod()
	return unwrapped{fitMany, max(n, min(p.nextLike(r), last)), [2]uint64{p.wraps(r, n), p.wraps(r, last)}}
}

// beside is the number within the window around the newest one that the counter shows.
func (p *pace) beside(r reading, window uint64) (uint64, bool) {
	n := firstLike(r, satSub(p.number, window))
	return n, n <= satAdd(p.number, window) && n <= MaxSeq
}

// behind is the highest number below the newest one that the counter shows, false when there is none.
func (p *pace) behind(r reading) (uint64, bool) {
	d := (p.number - r.low) & (r.mod() - 1)
	if d == 0 {
		d = r.mod()
	}
	return p.number - d, d <= p.number
}

// widthOf is the counter's width with the default filled in, false for a width that does not exist or a number that does not fit it.
func widthOf(bits uint8, n uint64) (uint8, string) {
	switch bits {
	case 0, 64:
		if n > MaxSeq {
			return 0, CodeSeqOutOfRange
		}
		return 64, ""
	case 8, 16, 32:
		if n > math.MaxUint64>>(64-bits) {
			return 0, CodeSeqOutOfRange
		}
		return bits, ""
	}
	return 0, CodeBadBits
}
