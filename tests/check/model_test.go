package check

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// modelSeed is of the payloads of every model run.
const modelSeed = 5

// model is a store that keeps all its promises, so small that they can be seen: a log of what was committed, and for every question a
// replay of the log up to an index. Three nodes answer, each with a prefix of the log. Operations happen at one moment and take some time
// before and after it.
type model struct {
	rng     *rand.Rand
	now     time.Duration
	log     []entry // entry i has index i+1
	tip     *state  // what all of it comes to
	applied map[string]uint64
	doors   map[string]*CountsB
	server  map[string]string
	floors  []uint64
	proof   modelProof
	term    uint64
	run     *Run
	rows    map[string][]Row // what each node shows in the end
	clients []*device
}

// entry is one thing that was committed: a batch, a claim, the end of a seal, or none of them: a TICK.
type entry struct {
	batch *Batch
	claim *Claim
	cut   bool
}

// device is one simulated device with its counters, one after the other.
type device struct {
	name     string
	client   int
	numbered bool
	boot     int
	next     uint64
	sent     []int // own batches, by their place in run.Batches
}

func (d *device) counter() Counter {
	if !d.numbered {
		return Counter{Device: d.name, Stream: "0"}
	}
	return Counter{Device: d.name, Stream: "0", Epoch: fmt.Sprint("boot", d.boot)}
}

var modelNodes = []string{"n1", "n2", "n3"}

func newModel(seed uint64) *model {
	m := &model{
		rng: rand.New(rand.NewPCG(seed, 1)), tip: &state{}, applied: map[string]uint64{}, doors: map[string]*CountsB{},
		server: map[string]string{}, rows: map[string][]Row{},
		run: &Run{Seed: modelSeed, Nodes: modelNodes},
	}
	for i, node := range modelNodes {
		m.server[node] = node + ".a"
		m.start(node)
		m.clients = append(m.clients, &device{name: "dev" + fmt.Sprint(i), client: i, numbered: true, next: 3})
	}
	m.clients = append(m.clients, &device{name: "free", client: 3, next: 1})
	m.configure()
	m.elect("n1")
	return m
}

// quiet lets time pass; no operation on either side of it overlaps one on the other.
func (m *model) quiet() { m.now += 300 * time.Millisecond }

func (m *model) event(e Event) { e.At = m.now; m.run.Events = append(m.run.Events, e) }

func (m *model) start(node string) {
	m.doors[node] = &CountsB{}
	m.event(Event{Kind: Started, Node: node, Server: m.server[node]})
}

func (m *model) configure() {
	var servers []string
	for _, node := range modelNodes {
		servers = append(servers, m.server[node])
	}
	m.event(Event{Kind: Voters, Servers: servers, Index: m.index()})
}

func (m *model) elect(leader string) {
	m.term++
	for _, node := range modelNodes[:2] {
		m.event(Event{Kind: Voted, Node: node, Server: m.server[node], Term: m.term, Candidate: m.server[leader]})
	}
	m.event(Event{Kind: Led, Node: leader, Server: m.server[leader], Term: m.term})
}

// restart ends a node's process and starts another one.
func (m *model) restart(node string) {
	m.quiet()
	m.event(Event{Kind: Ended, Node: node})
	m.quiet()
	m.start(node)
	m.applied[node] = 0 // it replays its log
	m.quiet()
}

func (m *model) index() uint64 { return uint64(len(m.log)) }

// moment takes an operation's time: it happens at m.now, and its client waits from Invoke to Return.
func (m *model) moment() (invoke, ret time.Duration) {
	m.now += time.Duration(1+m.rng.IntN(40)) * time.Millisecond
	spread := func() time.Duration { return time.Duration(1+m.rng.IntN(60)) * time.Millisecond }
	return max(0, m.now-spread()), m.now + spread()
}

func (m *model) node() string { return modelNodes[m.rng.IntN(len(modelNodes))] }

// send is one attempt. Its outcome is acked, refused (nothing happens) or unknown: then it is stored, or not.
func (m *model) send(b Batch, outcome Outcome, stored bool) int {
	b.Node = m.node()
	b.Invoke, b.Return = m.moment()
	b.Outcome = outcome
	if b.Numbered {
		b.BaseNS, b.StepNS = modelTime(0).UnixNano(), int64(time.Second)
	}
	if outcome == Acked || outcome == Unknown && stored {
		committed := b
		m.commit(&committed)
		if outcome == Acked {
			b = committed
			m.doors[b.Node].count(&b)
		}
	}
	if outcome == Unknown && m.rng.IntN(2) == 0 {
		b.Return = b.Invoke + 1 // the client gave up before it happened
	}
	m.run.Batches = append(m.run.Batches, b)
	return len(m.run.Batches) - 1
}

// commit appends the batch to the log and fills in its answer. One whose key is known is answered as then.
func (m *model) commit(b *Batch) {
	for i := range m.log {
		if o := m.log[i].batch; o != nil && b.Key != "" && o.Key == b.Key {
			b.History, b.Index, b.Replayed = 1, uint64(i+1), true
			b.Accepted, b.Duplicate, b.Conflict, b.Rejected = o.Accepted, o.Duplicate, o.Conflict, o.Rejected
			return
		}
	}
	kept := *b
	m.append(entry{batch: &kept})
	*b = kept
}

// append commits an entry. The place and the counts of a batch are filled in.
func (m *model) append(e entry) {
	m.log = append(m.log, e)
	m.tip.apply(e)
	if e.batch != nil {
		e.batch.History, e.batch.Index = 1, m.index()
		e.batch.Accepted, e.batch.Duplicate, e.batch.Conflict = m.tip.counts[0], m.tip.counts[1], m.tip.counts[2]
	}
}

func (m *model) claim(c Claim, outcome Outcome, stored bool) {
	c.Node = m.node()
	c.Invoke, c.Return = m.moment()
	c.Outcome = outcome
	if outcome == Acked || stored {
		kept := c
		m.append(entry{claim: &kept})
		if outcome == Acked {
			c.History, c.Index = 1, m.index()
		}
	}
	m.run.Claims = append(m.run.Claims, c)
}

// tick makes every gap final.
func (m *model) tick() { m.append(entry{}) }

// answer is where a node stands when it is asked: a linearizable answer is as of now, another one of any index since its last.
func (m *model) answer(client int, consistency string) Answer {
	a := Answer{Client: client, Node: m.node(), Consistency: consistency, History: 1}
	a.Invoke, a.Return = m.moment()
	low := m.applied[a.Node]
	a.Index = m.index()
	if consistency != "linearizable" {
		a.Index -= uint64(m.rng.Int64N(int64(min(5, a.Index-low)) + 1))
		a.After = uint64(m.rng.Int64N(int64(a.Index) + 1))
	}
	m.applied[a.Node] = max(low, a.Index)
	a.At = modelTime(a.Index)
	return a
}

// modelTime is when an entry was committed.
func modelTime(index uint64) time.Time {
	return time.Unix(1_790_000_000, 0).Add(time.Duration(index) * time.Millisecond)
}

func (m *model) consistency() string {
	return []string{"linearizable", "linearizable", "leader", "stale"}[m.rng.IntN(4)]
}

// read asks for the newest frame of a device.
func (m *model) read(d *device) Read {
	return m.readAt(d, m.answer(d.client, m.consistency()))
}

func (m *model) readAt(d *device, a Answer) Read {
	r := Read{Answer: a, Counter: Counter{Device: d.name, Stream: "0"}}
	for _, l := range m.at(r.Index).lives { // in the order of their ordinals
		if top, any := l.stored.Max(); any && l.counter.Device == d.name {
			r.Counter, r.Ordinal, r.Latest, r.Found, r.Variant = l.counter, l.ordinal, top, true, l.variants[top]
		}
	}
	return r
}

// reports asks for the gap reports of a device.
func (m *model) reports(d *device, a Answer) (list []GapReport) {
	for _, l := range m.at(a.Index).lives {
		if l.counter.Device == d.name {
			list = append(list, l.report(a))
		}
	}
	return list
}

func (m *model) ledger(a Answer) Ledger {
	l := m.at(a.Index).ledger(a, m.floor())
	l.B = []BalanceB{{Node: a.Node, Listener: "http", Counts: *m.doors[a.Node]}}
	return l
}

// random is one operation of a device.
func (m *model) random(d *device) {
	switch n := m.rng.IntN(24); {
	case n < 10:
		m.fresh(d)
	case n < 13:
		m.again(d)
	case n == 13 && d.numbered:
		m.say(d)
	case n == 14 && d.numbered && d.next > 60:
		d.boot, d.next = d.boot+1, uint64(m.rng.IntN(5))
	case n < 18:
		m.run.Reads = append(m.run.Reads, m.read(d))
	case n < 21:
		m.run.GapReports = append(m.run.GapReports, m.reports(d, m.answer(d.client, m.consistency()))...)
	case n == 21:
		m.tick()
	default:
		m.run.Ledgers = append(m.run.Ledgers, m.ledger(m.answer(d.client, m.consistency())))
	}
}

func (m *model) outcome() (o Outcome, stored bool) {
	switch m.rng.IntN(8) {
	case 0:
		return Unknown, m.rng.IntN(2) == 0
	case 1:
		return Refused, false
	}
	return Acked, true
}

// fresh sends the next numbers, or loses them.
func (m *model) fresh(d *device) {
	b := Batch{Client: d.client, Counter: d.counter(), First: d.next, Last: d.next + uint64(m.rng.IntN(10)), Numbered: d.numbered}
	d.next = b.Last + 1
	switch m.rng.IntN(8) {
	case 0:
		if d.numbered {
			return // lost
		}
	case 1, 2:
		b.Key = fmt.Sprintf("%s-%d-%d", d.name, d.boot, b.First)
	case 3:
		if d.numbered {
			b.Rejected = []uint64{b.First}
		}
	}
	if d.boot%2 == 1 {
		b.Declares, b.Head = true, 0
	}
	outcome, stored := m.outcome()
	d.sent = append(d.sent, m.send(b, outcome, stored))
}

// again sends something once more, sometimes with other bytes. Without number and key it would be stored twice, which is no promise broken.
func (m *model) again(d *device) {
	if len(d.sent) == 0 {
		return
	}
	was := m.run.Batches[d.sent[m.rng.IntN(len(d.sent))]]
	b := Batch{Client: d.client, Counter: was.Counter, First: was.First, Last: was.Last, Numbered: was.Numbered, Key: was.Key,
		Declares: was.Declares, Head: was.Head, Rejected: was.Rejected, Variant: was.Variant}
	if b.Numbered && b.Key == "" && m.rng.IntN(3) == 0 {
		b.Variant = uint64(m.rng.IntN(3))
	}
	outcome, stored := m.outcome()
	m.send(b, outcome, stored)
}

// say is a heartbeat or a declared loss.
func (m *model) say(d *device) {
	outcome, stored := m.outcome()
	c := Claim{Client: d.client, Counter: d.counter(), Kind: Heartbeat, Next: d.next}
	if m.rng.IntN(2) == 0 && d.next > 5 {
		c.Kind, c.First, c.Next = Lost, d.next, d.next+1+uint64(m.rng.IntN(4))
		d.next = c.Next
	}
	m.claim(c, outcome, stored)
}
