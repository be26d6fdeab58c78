package ledger

// pace is what the unwrapping of a counter of 8, 16 or 32 bits knows: the newest number in order with its times, and how fast the stream counts. All
// intervals are in 1/256 ns per number.
type pace struct {
	bits     uint8  // narrowest counter seen
	known    bool   // the true number is n + offset; until then n is only right up to a multiple of 2^bits
	full     uint8  // how many of blocks are measured
	early    uint8  // log2 of the length of the next early block
	number   uint64 // newest number in order
	timeNS   int64  // its device time
	recvMS   int64  // its receive time
	offset   uint64
	startN   uint64 // the block being measured began with this number
	startNS  int64  // and at this device time
	blocks   [paceBlocks]uint64
	shortest uint64 // shortest interval of a block ever, 0 = none measured
	calmNS   uint64 // derived, see refresh: silence in which the stream cannot have counted a quarter of the counter
}

// A block is long enough that the jitter of its two ends is small against it. Until enough blocks are measured, shorter ones
// (1, 2, 4, ... 32 numbers) bound the rate.
const (
	paceBlocks       = 4
	blockNumbers     = 64
	blockNS          = 2_000_000_000
	earlyBlocks      = 6
	intervalUnit     = 256
	shortestPossible = 1_000 * intervalUnit // nothing counts faster than once a microsecond
)

// newPace starts at the first number of an epoch.
func newPace(bits uint8, n uint64, timeNS, recvMS int64) *pace {
	return &pace{bits: bits, number: n, timeNS: timeNS, recvMS: recvMS, startN: n, startNS: timeNS}
}

// observe takes a number into account that the stream reached in order.
func (p *pace) observe(n uint64, r reading) {
	if n <= p.number {
		return
	}
	timeNS, recvMS := p.timeOf(r), r.recvMS
	if p.stepped(timeNS, recvMS) {
		p.startN, p.startNS = n, timeNS
	} else {
		p.measure(n, timeNS)
	}
	p.number, p.timeNS, p.recvMS = n, timeNS, recvMS
}

// stepped reports whether the device's clock was set since the newest number: it went back, or ran ahead of ours by more than a drift
// explains. Running behind ours is no step: the frame may have waited in a buffer.
func (p *pace) stepped(timeNS, recvMS int64) bool {
	device, back := since(p.timeNS, timeNS)
	if back {
		return true
	}
	const slack = 10_000_000_000
	ours := p.received(recvMS)
	return device > satAdd(ours, satAdd(slack, ours/100))
}

// timeOf is the device time of a reading. One that has none is taken to have been made as long after the newest number as it was received.
func (p *pace) timeOf(r reading) int64 {
	if !r.timeless {
		return r.timeNS
	}
	return later(p.timeNS, p.received(r.recvMS))
}

// received is how long ago, by our clock in ns, the newest number came.
func (p *pace) received(recvMS int64) uint64 {
	d, back := since(p.recvMS, recvMS)
	if back {
		return 0
	}
	return satMul(d, 1_000_000)
}

// measure closes the current block if it is long enough.
func (p *pace) measure(n uint64, timeNS int64) {
	count := n - p.startN
	took, _ := since(p.startNS, timeNS)
	early := p.early < earlyBlocks && p.full == 0
	if early && count < 1<<p.early || !early && (count < blockNumbers || took < blockNS) {
		return
	}
	interval := mulDiv(took, intervalUnit, count)
	if interval == 0 {
		return // a burst with one time stamp: wait for the next
	}
	if early {
		p.early++
		p.shorten(interval)
	} else {
		p.push(interval)
	}
	p.refresh()
	p.startN, p.startNS = n, timeNS
}

// refresh derives calmNS: in less time, neither the fastest rate ever nor the steady one with all its uncertainty reaches a quarter of the counter. Most
// frames come sooner, and their number is then just the nearest one.
func (p *pace) refresh() {
	quarter := uint64(1) << p.bits / 4
	p.calmNS = mulDiv(quarter, p.shortest, intervalUnit*3/2)
	if interval, spread, ok := p.mean(); ok {
		p.calmNS = min(p.calmNS, mulDiv(mulDiv(quarter, interval, intervalUnit), 1_000_000, satAdd(1_000_000+maxPolicyPPM, spread)))
	}
}

func (p *pace) shorten(interval uint64) {
	if p.shortest == 0 || interval < p.shortest {
		p.shortest = interval
	}
}

// push enters a full block. The first paceBlocks of them replace what the early ones said.
func (p *pace) push(interval uint64) {
	copy(p.blocks[1:], p.blocks[:])
	p.blocks[0] = interval
	if p.full == paceBlocks {
		p.shorten(interval)
		return
	}
	if p.full++; p.full == paceBlocks {
		p.shortest = 0
		for _, b := range p.blocks {
			p.shorten(b)
		}
	}
}

// steadySpreads is by how many times the tolerance blocks may differ in a stream that is called steady.
const steadySpreads = 4

// mean is the mean interval of the newest blocks and by how many ppm they differ; false until enough are measured.
func (p *pace) mean() (interval, spreadPPM uint64, ok bool) {
	if p.full < paceBlocks {
		return 0, 0, false
	}
	low, high, sum := p.blocks[0], p.blocks[0], uint64(0)
	for _, b := range p.blocks {
		low, high, sum = min(low, b), max(high, b), satAdd(sum, b)
	}
	interval = max(sum/paceBlocks, 1)
	return interval, mulDiv(high-low, 1_000_000, interval), true
}

// pacing is what unwraps a narrow number in e. It is nil when nothing is known that the number could be near to: then firstNumber says what it is.
func (e *epoch) pacing(f *sighting) *pace {
	if e.pace != nil {
		if f.bits < e.pace.bits {
			e.pace.bits = f.bits
			e.pace.refresh()
		}
		return e.pace
	}
	if !e.begun || e.next == 0 || e.atDeclaredFirst() {
		return nil
	}
	e.pace = newPace(f.bits, e.next-1, f.timeNS, f.recvMS) // so far its numbers were of full width
	e.pace.known = true
	return e.pace
}

// atDeclaredFirst reports whether the first number is declared and nothing after it is known.
func (e *epoch) atDeclaredFirst() bool {
	return e.said != nil && e.said.hasFirst && e.next == e.said.first && e.cov.tail.empty()
}

// firstNumber is the number of the first frame of an epoch. A narrow counter whose first number is declared is taken to be in its
// first cycle; one of which nothing is known starts at what it shows.
func (e *epoch) firstNumber(f *sighting) uint64 {
	if f.bits == 64 || !e.begun {
		return f.seq
	}
	return firstLike(f.reading(), e.base)
}

// keepPace notes a number that was stored in e.
func (e *epoch) keepPace(f *sighting, n uint64) {
	if e.pace == nil {
		if f.bits == 64 {
			return
		}
		declared := e.said != nil && e.said.hasFirst
		e.pace = newPace(f.bits, n, f.timeNS, f.recvMS)
		e.pace.known = declared || e.zero
	}
	e.pace.observe(n, f.reading())
}

// inherit starts a pace at n with the rate of another epoch of the same counter.
func (e *epoch) inherit(from *pace, f *sighting, n uint64) {
	if f.bits == 64 {
		return
	}
	e.pace = newPace(f.bits, n, f.timeNS, f.recvMS)
	if from != nil {
		e.pace.blocks, e.pace.full, e.pace.early, e.pace.shortest = from.blocks, from.full, from.early, from.shortest
		e.pace.refresh()
	}
}
