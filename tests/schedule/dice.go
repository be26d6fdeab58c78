package schedule

import (
	"math/bits"
	"math/rand/v2"
)

// dice draws what a schedule is made of. Only the generator PCG is taken from the standard library, whose output is part of its definition,
// and only integers are computed with: so one seed draws the same with every release of Go and on every processor.
type dice struct{ pcg *rand.PCG }

// Streams of a seed that this package draws from. A run that draws more from the same seed takes others.
const (
	swarmStream = 0x5ced_0001
	stepsStream = 0x5ced_0002
)

func newDice(seed, stream uint64) dice { return dice{rand.NewPCG(seed, stream)} }

// below returns a number in [0, n), n > 0. That the remainder of 2^64 by n makes some a little likelier does not matter here.
func (d dice) below(n int64) int64 {
	high, _ := bits.Mul64(d.pcg.Uint64(), uint64(n))
	return int64(high)
}

// between returns a number in [low, high].
func (d dice) between(low, high int64) int64 { return low + d.below(high-low+1) }

// in is true once in n.
func (d dice) in(n int64) bool { return d.below(n) == 0 }

// spread returns a number in [low, high], low > 0, such that each doubling is as likely: short ones are not rare.
func (d dice) spread(low, high int64) int64 {
	doublings := max(1, bits.Len64(uint64((high-1)/low)))
	from := low << d.below(int64(doublings))
	return d.between(from, min(2*from, high))
}

// pick returns one of a list that is not empty.
func pick[T any](d dice, list []T) T { return list[d.below(int64(len(list)))] }
