package sim

import (
	"fmt"
	"math/rand/v2"
	"net/http"
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

// sender is a client that owns some devices. A careful one asks again until it knows; a careless one goes on.
type sender struct {
	c       *cluster
	id      int
	careful bool
	rng     *rand.Rand
	ask     *asker
	sources []*source
}

func (c *cluster) newSender(id int, rng *rand.Rand) *sender {
	s := &sender{c: c, id: id, careful: id%3 != 0, rng: rng, ask: c.asker(fmt.Sprintf("127.0.1.%d", id+1))}
	for i := range sourcesPerSender {
		src := &source{device: fmt.Sprintf("d%d-%d", id, i), stream: "0", declares: i != 1, numbered: i != 2, boots: 1}
		if src.dates = src.declares && src.numbered; id%2 == 1 { // what it has kept for a while
			src.behind = time.Duration(30*(i+1)) * time.Second
		}
		src.boot()
		if i == 3 { // a second counter of the first device
			src.device, src.stream = fmt.Sprintf("d%d-0", id), "spindle"
		}
		s.sources = append(s.sources, src)
	}
	return s
}

// work sends until the run stops it.
func (s *sender) work(stop <-chan struct{}) {
	for {
		src := s.sources[s.rng.IntN(len(s.sources))]
		s.step(src)
		select {
		case <-time.After(time.Duration(50+s.rng.IntN(400)) * time.Millisecond):
		case <-stop:
			return
		}
	}
}

// step is one thing that a device does.
func (s *sender) step(src *source) {
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
func (s *sender) deliver(src *source, first, last uint64) check.Outcome {
	key := ""
	if !src.numbered {
		key = fmt.Sprintf("k%d-%s-%d", s.c.plan.Seed, src.device, first)
	}
	for try := 0; ; try++ {
		outcome := s.send(src, first, last, key, 0)
		if outcome == check.Acked || !s.careful && try > 0 || try == tries {
			return outcome
		}
		if !s.c.wait(time.Duration(100+s.rng.IntN(400)) * time.Millisecond) {
			return outcome
		}
	}
}

// send sends a batch once, to any node, and records what is known of it.
func (s *sender) send(src *source, first, last uint64, key string, variant uint64) check.Outcome {
	at := s.c.machines[s.rng.IntN(len(s.c.machines))]
	b := check.Batch{Client: s.id, Node: at.name, Counter: src.counter(), First: first, Last: last, Numbered: src.numbered, Key: key, Declares: src.declares && src.numbered, Variant: variant}
	b.BaseNS, b.StepNS = src.base, int64(stepOfTime)
	header := http.Header{"Content-Type": {"application/x-ndjson"}}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	body := check.AppendBatch(nil, s.c.plan.Seed, &b)
	b.Invoke = s.c.now()
	status, answer, err := s.ask.do(at, http.MethodPost, "/v1/frames", header, body, sendWithin)
	b.Return = s.c.now()
	if err == nil {
		err = check.ParseAck(status, answer, &b)
		if err != nil || b.Outcome == check.Acked && len(b.Rejected) > 0 {
			s.c.violate("answers", fmt.Sprintf("%s answered %d %q to a batch without faults: %v", at.name, status, answer, err))
		}
	}
	s.c.record(func(r *check.Run) { r.Batches = append(r.Batches, b) })
	return b.Outcome
}
