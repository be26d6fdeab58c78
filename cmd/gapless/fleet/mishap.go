package fleet

// fate is what becomes of a number.
type fate uint8

const (
	fateSent fate = iota
	fateLost
	fateDeclared // lost, and the device says so
	fateHeld     // sent late
)

// edge is kept free of interior mishaps at both ends of a life, so that head and tail are what the kind says they are.
const edge = 8

// longestRun bounds an interior loss or a late stretch.
const longestRun = 9

// fates draws what becomes of each of a life's n numbers. Every life has at least one loss, one late stretch and, where the kind
// declares losses, one declared.
func (p *planner) fates(n int) []fate {
	k := p.source.kind
	out := make([]fate, n)
	fill := func(at, length int, f fate) {
		for i := at; i < min(at+length, n-edge-k.tailLoss); i++ {
			out[i] = f
		}
	}
	inside := edge + k.headLoss
	for at := inside; at < n-edge-k.tailLoss-longestRun; at++ {
		switch draw := p.rng.IntN(1000); {
		case draw < k.lost:
			length := 1 + p.rng.IntN(longestRun)
			fill(at, length, p.lossFate())
			at += length + 2
		case draw < k.lost+k.held:
			length := 1 + p.rng.IntN(longestRun)
			fill(at, length, fateHeld)
			at += length + 2
		}
	}
	fill(inside+n/4, 3, fateLost)
	fill(inside+n/4+5, 4, fateHeld)
	if k.declareLoss {
		fill(inside+n/4+12, 2, fateDeclared)
	}
	for i := range k.headLoss {
		out[i] = fateLost
	}
	for i := range k.tailLoss {
		out[n-1-i] = fateLost
	}
	return out
}

func (p *planner) lossFate() fate {
	if p.source.kind.declareLoss && p.rng.IntN(2) == 0 {
		return fateDeclared
	}
	return fateLost
}

// holdAndDeclare queues the late stretches, each with the number after which it is sent, and returns the runs to declare lost.
func (p *planner) holdAndDeclare(fates []fate) (declared []run) {
	l := &p.source.lives[p.life]
	for at := 0; at < len(fates); {
		end := at + 1
		for end < len(fates) && fates[end] == fates[at] {
			end++
		}
		r := run{life: p.life, from: l.first + uint64(at), to: l.first + uint64(end) - 1}
		switch fates[at] {
		case fateDeclared:
			declared = append(declared, r)
		case fateHeld:
			r.due = r.to + 1 + uint64(p.rng.IntN(p.source.kind.late(len(fates)))/2)
			p.held = append(p.held, r)
		}
		at = end
	}
	return declared
}

// order returns the offsets that are sent in time, in the order of sending: some change places with a near neighbour.
func (p *planner) order(fates []fate) []int {
	k := p.source.kind
	var out []int
	for i, f := range fates {
		if f == fateSent {
			out = append(out, i)
		}
	}
	for i := edge; i+edge < len(out); i++ {
		if p.rng.IntN(1000) >= k.reorder {
			continue
		}
		j := i + 1 + p.rng.IntN(min(k.reach, edge))
		if j < len(out)-1 && out[j]-out[i] <= k.reach {
			out[i], out[j] = out[j], out[i]
			i = j
		}
	}
	return out
}

// send puts one number into the request being filled, and now and then an earlier one again.
func (p *planner) send(seq uint64) {
	k := p.source.kind
	p.now = append(p.now, ref{seq: seq})
	p.top = max(p.top, seq+1)
	p.recent = append(p.recent, seq)
	if len(p.recent) > k.reach {
		p.recent = p.recent[1:]
	}
	full := len(p.recent) == k.reach && seq > p.source.lives[p.life].first+edge
	first := full && len(p.used) < 2 // every life repeats and contradicts once
	switch draw := p.rng.IntN(1000); {
	case full && (first && len(p.used) == 0 || draw < k.repeated):
		p.again(roleRepeat)
	case full && (first || draw < k.repeated+k.conflicting):
		p.again(roleConflict)
	}
	if len(p.now) >= k.batch/2+p.rng.IntN(k.batch) {
		p.flush()
	}
	p.dueNow()
}

// again sends a recent number once more, with the same or with other bytes.
func (p *planner) again(r role) {
	seq := p.recent[p.rng.IntN(len(p.recent))]
	if p.used[seq] {
		return
	}
	p.used[seq] = true
	p.now = append(p.now, ref{seq: seq, role: r})
}

// dueNow sends late stretches of this life whose time has come.
func (p *planner) dueNow() {
	for _, r := range p.held {
		if r.life == p.life && p.top >= r.due {
			p.release(false)
			return
		}
	}
}
