package schedule

import (
	"context"
	"slices"
	"time"
)

// briefest is how short a step may become when a schedule is shrunk.
const briefest = 100 * time.Millisecond

// Shrink looks for the smallest schedule that still fails, in at most budget runs: first fewer steps, then shorter ones, then a shorter
// run. It takes for granted that s fails, and returns s or a schedule for which fails said so; s itself is not changed.
//
// Fails may be wrong now and then in saying no: a smaller schedule is then missed, and nothing else. A run that fails one time in two is
// best repeated inside of fails; its repetitions do not count. Fails is never asked twice about one schedule. Whatever is within the budget
// of faults stays within it, and steps that do not overlap do not begin to.
func Shrink(ctx context.Context, s *Schedule, fails func(*Schedule) bool, budget int) *Schedule {
	k := &shrinker{ctx: ctx, fails: fails, budget: budget, best: s, quiet: max(s.Quiet(), 0), asked: map[string]bool{}}
	k.asked[k.best.form()] = true
	k.bisect()
	k.single()
	k.shorten()
	k.truncate()
	return k.best
}

type shrinker struct {
	ctx    context.Context
	fails  func(*Schedule) bool
	budget int             // runs left
	asked  map[string]bool // by the file's form
	best   *Schedule       // the smallest that failed
	quiet  time.Duration   // tail of the first
}

// spent tells that nothing can be asked any more.
func (k *shrinker) spent() bool { return k.budget <= 0 || k.ctx.Err() != nil }

// try makes a changed best the best, if it fails too.
func (k *shrinker) try(change func(*Schedule)) bool {
	if k.spent() {
		return false
	}
	c := k.best.Clone()
	change(c)
	form := c.form()
	if k.asked[form] || c.Validate() != nil {
		return false
	}
	k.asked[form] = true
	k.budget--
	if !k.fails(c.Clone()) {
		return false
	}
	k.best = c
	return true
}

func (k *shrinker) steps(keep ...[]Step) bool {
	return k.try(func(c *Schedule) { c.Steps = slices.Concat(keep...) })
}

// bisect finds the steps that it takes from the last to the first, each by bisection: the shortest beginning that fails together with those
// found already ends with one of them. For few culprits among many steps this asks far less than removing parts does (ddmin).
func (k *shrinker) bisect() {
	rest, found := k.best.Steps, []Step(nil)
	for len(rest) > 0 && !k.steps(found) && !k.spent() {
		passes, failing := 0, len(rest) // lengths of beginnings
		for failing-passes > 1 {
			if half := (passes + failing) / 2; k.steps(rest[:half], found) {
				failing = half
			} else {
				passes = half
			}
		}
		found = append([]Step{rest[failing-1]}, found...)
		rest = rest[:failing-1]
	}
}

// single leaves out one step at a time, until none can be spared. After a bisection that was never misled that only confirms.
func (k *shrinker) single() {
	for again := true; again; {
		again = false
		for i := len(k.best.Steps) - 1; i >= 0; i-- {
			again = k.steps(k.best.Steps[:i], k.best.Steps[i+1:]) || again
		}
	}
}

// shorten makes each step as brief as it may be, or else halves it as often as possible.
func (k *shrinker) shorten() {
	for i, t := range k.best.Steps {
		least := min(briefest, t.For)
		if t.Fault == Stall {
			least = t.amountMS()
		}
		if k.last(i, least) {
			continue
		}
		for d := t.For / 2; d > least && k.last(i, d.Truncate(time.Millisecond)); d /= 2 {
		}
	}
}

func (k *shrinker) last(i int, d time.Duration) bool {
	return k.try(func(c *Schedule) { c.Steps[i].For = d })
}

// truncate ends the run as long after its last step as it was quiet before, and begins it with its first step.
func (k *shrinker) truncate() {
	k.try(func(c *Schedule) { c.Length -= c.Quiet() - k.quiet })
	k.try(func(c *Schedule) {
		early := c.Length - c.Quiet()
		for _, t := range c.Steps {
			early = min(early, t.copied())
		}
		for i := range c.Steps {
			c.Steps[i].At -= early
		}
		c.Length -= early
	})
}
