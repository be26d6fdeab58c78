package report

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

// story is a run that was made up, and plausible: it takes the faults and the leaders that it is given, and lets clients feel them.
type story struct {
	rng     *rand.Rand
	run     *check.Run
	samples []Sample
	length  time.Duration
	reigns  []reign
	away    []absence
	index   uint64
	commits []time.Duration
}

// firstIndex is where the log stands when the load begins.
const firstIndex = 40

// reign is a leader's time.
type reign struct {
	from, to time.Duration
	node     string
	term     uint64
}

// absence is when a node was none of the usual.
type absence struct {
	from, to time.Duration
	node     string
	state    State
}

func at(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

func newStory(length float64, nodes ...string) *story {
	return &story{rng: rand.New(rand.NewPCG(1, 2)), run: &check.Run{Seed: 1, Nodes: nodes}, length: at(length), index: firstIndex}
}

func (s *story) fault(from, to float64, kind, node, text string, witness uint64) {
	s.run.Faults = append(s.run.Faults, check.Fault{From: at(from), To: at(to), Kind: kind, Node: node, Text: text, Witness: witness})
}

func (s *story) event(when float64, kind check.EventKind, node, file, text string) {
	s.run.Events = append(s.run.Events, check.Event{At: at(when), Kind: kind, Node: node, File: file, Text: text})
}

func (s *story) lead(from, to float64, node string, term uint64) {
	s.reigns = append(s.reigns, reign{at(from), at(to), node, term})
	s.run.Events = append(s.run.Events, check.Event{At: at(from), Kind: check.Led, Node: node, Server: node + ".1", Term: term})
}

func (s *story) absent(from, to float64, node string, state State) {
	s.away = append(s.away, absence{at(from), at(to), node, state})
}

func (s *story) leader(t time.Duration) *reign {
	n, _ := slices.BinarySearchFunc(s.reigns, t, func(r reign, t time.Duration) int { return cmp.Compare(r.to, t+1) })
	if n < len(s.reigns) && s.reigns[n].from <= t {
		return &s.reigns[n]
	}
	return nil
}

func (s *story) state(node string, t time.Duration) (state State, term uint64) {
	if n, _ := slices.BinarySearchFunc(s.reigns, t, func(r reign, t time.Duration) int { return cmp.Compare(r.from, t+1) }); n > 0 {
		r := s.reigns[n-1]
		if term = r.term; r.node == node && t < r.to {
			return Leader, term
		}
	}
	for _, a := range s.away {
		if a.node == node && a.from <= t && t < a.to {
			return a.state, term
		}
	}
	return Follower, term
}

// send is the load: each client sends on as soon as it was answered, one frame after the other, and reads what it wrote.
func (s *story) send(clients, readers int, every time.Duration, size uint64) {
	next := make([]uint64, clients)
	for t := time.Duration(0); t < s.length-at(2); t += every {
		for c := range clients + readers {
			now := t + time.Duration(s.rng.Int64N(int64(every)))
			node := s.run.Nodes[s.rng.IntN(len(s.run.Nodes))]
			if c >= clients {
				s.read(c, node, now)
				continue
			}
			next[c] = s.batch(c, node, now, next[c], size)
		}
	}
	s.commit()
}

// commit gives what was acknowledged its place in the log, in the order of the answers.
func (s *story) commit() {
	var order []*check.Batch
	for i := range s.run.Batches {
		if b := &s.run.Batches[i]; b.Outcome == check.Acked {
			order = append(order, b)
		}
	}
	slices.SortFunc(order, func(a, b *check.Batch) int { return cmp.Compare(a.Return, b.Return) })
	for _, b := range order {
		s.index++
		b.History, b.Index = 1, s.index
		s.commits = append(s.commits, b.Return)
	}
}

// committed is the index at a time.
func (s *story) committed(t time.Duration) uint64 {
	n, _ := slices.BinarySearch(s.commits, t)
	return firstIndex + uint64(n)
}

func (s *story) batch(c int, node string, now time.Duration, first, size uint64) uint64 {
	b := check.Batch{Client: c, Node: node, Invoke: now, Counter: check.Counter{Device: fmt.Sprintf("pump-%d", c), Stream: "main", Epoch: "boot-1"},
		First: first, Last: first + size - 1, Numbered: true, Key: fmt.Sprintf("k%d-%d", c, first)}
	is, _ := s.state(node, now)
	took := time.Duration(3+s.rng.IntN(6))*time.Millisecond + time.Duration(s.rng.ExpFloat64()*float64(4*time.Millisecond))
	switch {
	case is == Down || is == Refused:
		b.Return, b.Outcome, b.Code = now+time.Millisecond, check.Refused, "connection refused"
	case is == Paused:
		b.Return, b.Outcome = now+2*time.Second, check.Unknown
	case s.leader(now) == nil && s.rng.IntN(3) > 0:
		b.Return, b.Outcome, b.Code = now+20*time.Millisecond, check.Refused, "no_leader"
	case s.leader(now) == nil || s.leader(now+took) == nil:
		b.Return, b.Outcome, b.Code = now+time.Second, check.Unknown, "outcome_unknown"
	default:
		b.Return, b.Outcome, b.Accepted = now+took, check.Acked, int(size)
		first += size
	}
	s.run.Batches = append(s.run.Batches, b)
	return first
}

func (s *story) read(c int, node string, now time.Duration) {
	is, _ := s.state(node, now)
	level := [...]string{"linearizable", "leader", "stale"}[s.rng.IntN(3)]
	d := check.Read{
		Answer:  check.Answer{Client: c, Node: node, Consistency: level, Invoke: now, Return: now + 4*time.Millisecond, History: 1, Index: s.index},
		Counter: check.Counter{Device: "pump-0", Stream: "main", Epoch: "boot-1"}, Found: true, Latest: s.index,
	}
	if is == Down || is == Paused || is == Refused || level != "stale" && s.leader(now) == nil {
		d.Failed, d.Return = true, now+500*time.Millisecond
	}
	s.run.Reads = append(s.run.Reads, d)
}

// watch samples the nodes. Who is away learns nothing.
func (s *story) watch(every time.Duration) {
	known := map[string]uint64{}
	for t := time.Duration(0); t <= s.length; t += every {
		for _, n := range s.run.Nodes {
			state, term := s.state(n, t)
			if state == Follower || state == Leader {
				known[n] = s.committed(t)
			}
			s.samples = append(s.samples, Sample{At: t, Node: n, State: state, Term: term, Commit: known[n], Applied: max(known[n], 2) - 2})
		}
	}
}

// end reads everything once more.
func (s *story) end(healed float64) {
	s.run.Healed = at(healed)
	for i, n := range s.run.Nodes {
		f := check.NewFinal(n)
		f.At, f.Ready, f.History, f.Index = s.length-time.Second+time.Duration(i)*100*time.Millisecond, true, 1, s.index
		var rows uint64
		for j := range s.run.Batches {
			b := &s.run.Batches[j]
			for k := b.First; b.Outcome == check.Acked && k <= b.Last; k++ {
				rows++
				f.AddRow(&check.Row{Counter: b.Counter, Ordinal: 1, Number: k, Numbered: true, History: 1, Index: b.Index})
			}
		}
		f.Ledger = &check.Ledger{Answer: check.Answer{Node: n, Return: f.At, Index: s.index, History: 1}, Digest: "9f2c41d07be35a8816c3",
			A: check.BalanceA{Expected: rows + 12, Stored: rows, Open: 4, Declared: 8}}
		f.Storage = &check.Storage{Node: n, Return: f.At, Floor: s.index - 100}
		f.Gaps = []check.GapReport{{Answer: f.Ledger.Answer, Counter: check.Counter{Device: "pump-0", Stream: "main", Epoch: "boot-1"}}}
		s.run.Finals = append(s.run.Finals, f)
		s.run.Certified = append(s.run.Certified, &check.Certificate{
			Answer: check.Answer{Client: 71, Node: n, Return: f.At, Index: s.index, History: 1}, Verified: make([]check.Verification, 4),
		})
		s.run.Sealings = append(s.run.Sealings, check.Sealing{Node: n, Return: f.At, Sealed: 7})
	}
}

func (s *story) quorate(times ...float64) {
	for i := 0; i < len(times); i += 2 {
		s.run.Quorate = append(s.run.Quorate, check.Window{From: at(times[i]), To: at(times[i+1])})
	}
}
