package tail

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
	"pgregory.net/rapid"
)

// chance is what a random history draws from.
type chance interface {
	tester
	draw(name string, lo, hi int) int
}

type rapidChance struct{ *rapid.T }

func (c rapidChance) draw(name string, lo, hi int) int {
	return rapid.IntRange(lo, hi).Draw(c.T, name)
}

// history is a store that is written to at random.
type history struct {
	*store
	next map[string]uint64 // number of each device
}

func newHistory() *history { return &history{newStore(), map[string]uint64{}} }

// step does something that may happen to a node.
func (h *history) step(c chance) {
	c.Helper()
	switch c.draw("step", 0, 9) {
	case 0:
		h.seal()
	case 1:
		h.flush(c)
	case 2:
		mask, parts := c.draw("merged", 0, 1<<12), c.draw("parts", 1, 3)
		h.merge(c, func(i int) bool { return mask>>(i%12)&1 == 1 }, func(f *stored) int { return int(f.row.Seq) % parts })
	case 3:
		h.change(func(uint64) {}) // a TICK
	default:
		h.put(c, h.batch(c)...)
	}
}

// batch draws an entry: numbers in order, with holes, backwards, again.
func (h *history) batch(c chance) (list []sent) {
	for range c.draw("frames", 1, 12) {
		f := simple(device(c.draw("device", 0, 4)), 0)
		f.stream = strconv.Itoa(c.draw("stream", 0, 1))
		switch c.draw("other", 0, 19) {
		case 0:
			f.tenant = "other"
		case 1:
			f.device = "_own"
		case 2:
			f.Raw = []byte{1, 2, 255}
		case 3:
			f.Fields = append(f.Fields, frame.Field{Name: "w", Value: frame.Float(1.5)})
		case 4:
			f.Class = frame.ClassSnapshot
		}
		id := f.tenant + f.device + f.stream
		h.next[id] += uint64(c.draw("ahead", 1, 3))
		f.Seq = h.next[id] - min(h.next[id], uint64(max(0, c.draw("back", -12, 12))))
		f.TimeNS = (startMS + int64(f.Seq)*10) * 1e6
		f.Fields[0].Value = frame.Int(int64(f.Seq))
		list = append(list, f)
	}
	return list
}

// tiny are limits that every history meets.
func tiny(c chance) Options {
	return Options{
		LockRows: c.draw("lock rows", 1, 6), CatchupRows: c.draw("catchup rows", 1, 9), CatchupBytes: c.draw("catchup bytes", 100, 3000),
		BufferBytes: c.draw("buffer", 1, 900), CatchupHold: time.Duration(c.draw("hold", 0, 1)), // 1: a turn is over after one line
	}
}

var everything = filter{tenant: "acme"}

// TestTailIsTheOrderOfCommits holds what a tail gives from positions all over against what was committed, wherever it lies.
func TestTailIsTheOrderOfCommits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := rapidChance{rt}
		h := newHistory()
		for range c.draw("steps", 1, 40) {
			h.step(c)
		}
		srv := newServer(c, h.store, tiny(c))
		got, end := srv.all(c, "from", "first", "until", "now")
		same(c, "from first", got, h.want(segment.Commit{}, &everything, query.Shown{}))
		if end.Code != "until" || end.Position != positionOf(1, segment.EndOf(h.view.AsOf.Index)).String() {
			rt.Fatalf("the end is %+v at index %d", end, h.view.AsOf.Index)
		}
		all := h.positions()
		for i := 0; i < len(all); i += 1 + len(all)/20 {
			at := all[i]
			got, _ := srv.all(c, "from", at.String(), "until", "now")
			same(c, "from "+at.String(), got, h.want(commitOf(at), &everything, query.Shown{}))
		}
	})
}

// TestTailGoesOnWhereItWas reads a few frames at a time, from the position of the last line each time, while the frames move on.
func TestTailGoesOnWhereItWas(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := rapidChance{rt}
		h := newHistory()
		srv := newServer(c, h.store, tiny(c))
		at := "first"
		var got []string
		for range c.draw("steps", 1, 30) {
			for range c.draw("more", 1, 4) {
				h.step(c)
			}
			some, end := srv.all(c, "from", at, "until", "now", "limit", fmt.Sprint(c.draw("limit", 1, 9)))
			got, at = append(got, some...), end.Position
		}
		some, _ := srv.all(c, "from", at, "until", "now")
		same(c, "put together", append(got, some...), h.want(segment.Commit{}, &everything, query.Shown{}))
	})
}
