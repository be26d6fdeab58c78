package check

import (
	"cmp"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// wholeTail lists what a reader was given who followed from the beginning to the end.
func (p *planting) wholeTail() (list []told) {
	f := p.run.Finals[0]
	for _, row := range p.rows[f.Node] {
		if !row.Counter.system() {
			list = append(list, told{row: row})
		}
	}
	slices.SortStableFunc(list, func(a, b told) int { return cmp.Compare(a.row.Index, b.row.Index) })
	for i := range list {
		list[i].at = frame.Position{History: list[i].row.History, Index: list[i].row.Index}
		if i > 0 && list[i-1].row.Index == list[i].row.Index {
			list[i].at.Ordinal = list[i-1].at.Ordinal + 1
		}
	}
	return list
}

// told is a line of a tail.
type told struct {
	row Row
	at  frame.Position
}

// spoilTail gives a reader something else than all of it.
func spoilTail(spoil func(p *planting, list []told) []told) func(*planting, *Run) bool {
	return func(p *planting, r *Run) bool {
		list := p.wholeTail()
		last := list[len(list)-1].at
		t := NewTail(70, frame.Position{})
		for _, line := range spoil(p, list) {
			t.advance(line.at, true)
			t.Frames.AddRow(&line.row)
		}
		last.Index++
		t.advance(last, false)
		t.Whole = true
		r.Tails = append(r.Tails, t)
		return true
	}
}

// tailPlants are about what a follower is given.
var tailPlants = []plant{
	{name: "the tail leaves a frame out", checker: "tails", words: "LEFT OUT", run: spoilTail(func(p *planting, list []told) []told {
		i := p.rng.IntN(len(list))
		return slices.Delete(list, i, i+1)
	})},
	{name: "the tail ends before the end", checker: "tails", words: "LEFT OUT",
		run: spoilTail(func(_ *planting, list []told) []told { return list[:len(list)/2] })},
	{name: "the tail gives nothing", checker: "tails", words: "LEFT OUT", run: spoilTail(func(*planting, []told) []told { return nil })},
	{name: "the tail gives a frame twice", checker: "tails", words: "OUT OF ORDER", run: spoilTail(func(p *planting, list []told) []told {
		i := p.rng.IntN(len(list))
		return slices.Insert(list, i, list[i])
	})},
	{name: "the tail turns two frames round", checker: "tails", words: "OUT OF ORDER", run: spoilTail(func(p *planting, list []told) []told {
		i := p.rng.IntN(len(list) - 1)
		list[i], list[i+1] = list[i+1], list[i]
		return list
	})},
	{name: "the tail gives a frame with other bytes", checker: "tails", words: "CHANGED", run: spoilTail(func(p *planting, list []told) []told {
		list[p.rng.IntN(len(list))].row.Wrong = "field v is 1, sent was 2"
		return list
	})},
	{name: "the tail gives a frame that is not there in the end", checker: "tails", words: "GONE",
		run: spoilTail(func(p *planting, list []told) []told {
			more := list[len(list)-1]
			more.row.Number, more.at.Ordinal = 1<<40, more.at.Ordinal+1
			return append(list, more)
		})},
}

// TestWholeTails: who is given everything in order finds no fault.
func TestWholeTails(t *testing.T) {
	for seed := range uint64(20) {
		whole := plant{run: spoilTail(func(_ *planting, list []told) []told { return list })}
		if found := tails(whole.spoil(seed)); len(found) > 0 {
			t.Errorf("seed %d: %v", seed, found)
		}
	}
}
