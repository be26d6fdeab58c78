package workload

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

// How a simulated device behaves.
const (
	sourcesPerSender = 4
	maxBatch         = 12
	misorder         = 50 // well within what counts as late
	sendWithin       = 5 * time.Second
	sendLeast        = 50 * time.Millisecond  // between two steps of a sender
	sendEvery        = 450 * time.Millisecond // at most
	visitEvery       = 20 * time.Second       // at most, of a visitor
	tries            = 6                      // of a careful sender, for one batch
	stepOfTime       = 200 * time.Millisecond // between two frames of a device, about as fast as they are sent
)

// source is one device: its counter, and what it did with its numbers.
type source struct {
	device   string
	stream   string
	declares bool // every frame carries the first number of its epoch
	numbered bool
	boots    int
	dates    bool          // every frame carries its time:
	behind   time.Duration // that of the device, as far behind as this when it boots
	base     int64         // of the first frame since, nanoseconds; 0: none carries one
	next     uint64        // number, or id of a frame without one
	late     []uint64      // numbers that were taken and not sent yet
}

func (s *source) counter() check.Counter {
	if !s.declares {
		return check.Counter{Device: s.device, Stream: s.stream} // one life, no name for it
	}
	return check.Counter{Device: s.device, Stream: s.stream, Epoch: strconv.Itoa(s.boots)}
}

// boot sets the device's clock. A frame that is late has the time of its turn, so the times of a device reach far back.
func (s *source) boot() {
	if s.dates {
		s.base = time.Now().Add(-s.behind).UnixNano()
	}
}

// mayCome reports whether a number may come now. Without a name for its epoch a counter that falls far back has begun anew (docs/ledger.md).
func (s *source) mayCome(n uint64) bool { return s.declares || s.next-n < misorder }

// Sender is a client that owns some devices. A careful one asks again until it knows; a careless one goes on.
type Sender struct {
	site    *Site
	id      int
	careful bool
	format  check.Format
	pace    time.Duration // longest pause between two steps
	visits  bool          // every step has a connection of its own
	rng     *rand.Rand
	ask     *Asker
	sources []*source
}

// NewSender is client number id; rng is what it draws from.
func (site *Site) NewSender(id int, rng *rand.Rand) *Sender {
	s := &Sender{site: site, id: id, careful: id%3 != 0, pace: sendEvery, rng: rng, ask: site.Asker(fmt.Sprintf("sender %d", id))}
	if len(site.Formats) > 0 {
		s.format = site.Formats[id%len(site.Formats)]
	}
	for i := range sourcesPerSender {
		src := &source{device: fmt.Sprintf("d%d-%d", id, i), stream: "0", declares: i != 1, numbered: i != 2, boots: 1}
		if src.dates = src.declares && src.numbered; id%2 == 1 { // what it has kept for a while
			src.behind = time.Duration(30*(i+1)) * time.Second
		}
		if s.format == check.Line {
			src.device, src.declares = check.LineDevice(src.device), false
		}
		src.boot()
		if i == 3 { // a second counter of the first device
			src.device, src.stream = s.sources[0].device, "spindle"
		}
		s.sources = append(s.sources, src)
	}
	return s
}

// NewVisitor is client number id, who has one device, comes rarely, and never on the connection that it had before.
func (site *Site) NewVisitor(id int, rng *rand.Rand) *Sender {
	s := site.NewSender(id, rng)
	s.sources, s.pace, s.visits = s.sources[:1], visitEvery, true
	return s
}

// Work sends until stop is closed.
func (s *Sender) Work(stop <-chan struct{}) {
	for {
		src := s.sources[s.rng.IntN(len(s.sources))]
		s.step(src)
		if s.visits {
			s.ask.Close()
		}
		select {
		case <-time.After(sendLeast + time.Duration(s.rng.IntN(int((s.pace-sendLeast)/time.Millisecond)))*time.Millisecond):
		case <-stop:
			return
		}
	}
}

// step is one thing that a device does.
func (s *Sender) step(src *source) {
	size := uint64(1 + s.rng.IntN(maxBatch))
	what := s.rng.IntN(100)
	switch {
	case !src.numbered:
		s.deliver(src, src.next, src.next+size-1)
		src.next += size
	case what < 70:
		s.deliver(src, src.next, src.next+size-1)
		src.next += size
	case what < 78 && (src.declares || src.next > 0): // a hole, perhaps for ever
		for range 1 + s.rng.IntN(3) {
			src.late = append(src.late, src.next)
			src.next++
		}
	case what < 84 && len(src.late) > 0: // a late frame
		i := s.rng.IntN(len(src.late))
		n := src.late[i]
		src.late = append(src.late[:i], src.late[i+1:]...)
		if src.mayCome(n) {
			s.deliver(src, n, n)
		}
	case what < 90 && src.next > 0: // again what was sent, or skipped, before
		first := s.rng.Uint64N(src.next)
		if src.mayCome(first) {
			s.deliver(src, first, min(src.next-1, first+size))
		}
	case what < 91 && src.declares && len(src.late) > 0: // that one will never come
		n := src.late[0]
		src.late = src.late[1:]
		s.declareLost(src, n, n)
	case what < 92 && src.declares && src.next > 0: // another content under an old number
		n := s.rng.Uint64N(src.next)
		s.send(src, n, n, "", 1)
	case what < 96 && src.declares:
		s.heartbeat(src)
	case what < 98 && src.declares: // a new life
		if src.next > 0 && s.rng.IntN(2) == 0 {
			s.seal(src)
		}
		src.boots++
		src.next, src.late = 0, nil
		src.boot()
	}
}

// deliver sends one batch, again while nobody knows what became of it and the sender cares.
func (s *Sender) deliver(src *source, first, last uint64) check.Outcome {
	key := ""
	if !src.numbered {
		key = fmt.Sprintf("k%d-%s-%d", s.site.Seed, src.device, first)
	}
	for try := 0; ; try++ {
		outcome := s.send(src, first, last, key, 0)
		if outcome == check.Acked || !s.careful && try > 0 || try == tries {
			return outcome
		}
		if !s.site.Wait(time.Duration(100+s.rng.IntN(400)) * time.Millisecond) {
			return outcome
		}
	}
}

// send sends a batch once, to any node, and records what is known of it.
func (s *Sender) send(src *source, first, last uint64, key string, variant uint64) check.Outcome {
	at := s.site.Nodes[s.rng.IntN(len(s.site.Nodes))]
	b := check.Batch{
		Client: s.id, Node: at.Name, Counter: src.counter(), First: first, Last: last, Numbered: src.numbered, Key: key,
		Declares: src.declares && src.numbered, Format: s.format, Variant: variant, BaseNS: src.base, StepNS: int64(stepOfTime),
	}
	path, kind, body, err := b.Request(s.site.Seed)
	if err != nil {
		s.site.Violate("schedule", "a batch that cannot be encoded: "+err.Error())
		return check.Refused
	}
	header := http.Header{"Content-Type": {kind}}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	b.Invoke = s.site.Now()
	answer, err := s.ask.Ask(at, http.MethodPost, path, header, body, sendWithin)
	b.Return = s.site.Now()
	if err == nil {
		err = check.ParseAnswer(answer.Status, answer.Header, answer.Body, &b)
		if err != nil || b.Outcome == check.Acked && len(b.Rejected) > 0 {
			s.site.Violate("answers", fmt.Sprintf("%s answered %d %q to a batch without faults: %v", at.Name, answer.Status, answer.Body, err))
		}
	}
	s.site.Record(func(r *check.Run) { r.Batches = append(r.Batches, b) })
	return b.Outcome
}

// Devices lists the devices that the sender owns.
func (s *Sender) Devices() (list []string) {
	for _, src := range s.sources {
		if !slices.Contains(list, src.device) {
			list = append(list, src.device)
		}
	}
	return list
}

// Finish makes what the sender knows of its counters known to the cluster, which is whole again.
func (s *Sender) Finish() {
	for _, src := range s.sources {
		for try := 0; src.numbered && src.declares && s.heartbeat(src) != check.Acked; try++ {
			if try == tries {
				s.site.Violate("liveness", "a heartbeat was not acknowledged after the heal: "+src.device)
				break
			}
			time.Sleep(time.Second)
		}
	}
	s.ask.Close()
}
