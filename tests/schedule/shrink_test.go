package schedule

import (
	"context"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// forty returns a schedule of 40 steps.
func forty(t testing.TB, seed uint64) *Schedule {
	some := []Fault{Kill, Flush, Cut, Loss, Clock, Wipe, Stall}
	s := Generate(seed, Options{Length: 5 * time.Minute, Density: 16, Beyond: true, Faults: some})
	if len(s.Steps) < 40 {
		t.Fatalf("seed %d gives %d steps only", seed, len(s.Steps))
	}
	s.Steps = s.Steps[:40]
	return s
}

// planted fails where all culprits are, however long they last, and counts how often it is asked.
type planted struct {
	t        testing.TB
	culprits []Step
	asked    int
	seen     map[string]bool
	lies     func() bool // one run does not show the failure
	runs     int         // for one answer
}

func plant(t testing.TB, culprits ...Step) *planted {
	return &planted{t: t, culprits: culprits, seen: map[string]bool{}, lies: func() bool { return false }, runs: 1}
}

func (p *planted) in(s *Schedule) bool {
	for _, c := range p.culprits {
		if !slices.ContainsFunc(s.Steps, func(u Step) bool { return same(u, c) }) {
			return false
		}
	}
	return true
}

// same tells whether two steps differ in their times at most.
func same(a, b Step) bool {
	a.At, b.At, a.For, b.For = 0, 0, 0, 0
	return a == b
}

func (p *planted) fails(s *Schedule) bool {
	p.asked++
	form := s.form()
	if p.seen[form] {
		p.t.Error("asked twice about one schedule")
	}
	p.seen[form] = true
	if err := s.Validate(); err != nil {
		p.t.Error(err)
	}
	for range p.runs {
		if p.in(s) && !p.lies() {
			return true
		}
	}
	return false
}

// unique returns n random steps of s, in order, that nothing else in s is the same as.
func unique(draw *rand.Rand, s *Schedule, n int) []Step {
	var list []int
	for len(list) < n {
		i := draw.IntN(len(s.Steps))
		alone := !slices.ContainsFunc(s.Steps, func(u Step) bool { return u != s.Steps[i] && same(u, s.Steps[i]) })
		if alone && !slices.Contains(list, i) {
			list = append(list, i)
		}
	}
	slices.Sort(list)
	out := make([]Step, n)
	for i, at := range list {
		out[i] = s.Steps[at]
	}
	return out
}

func sameSteps(a, b []Step) bool { return slices.EqualFunc(a, b, same) }

// TestShrinkFindsThePair: two steps of 40 are enough to fail, and 20 runs to find them, wherever they are. The figures are logged.
func TestShrinkFindsThePair(t *testing.T) {
	draw, sum, most := rand.New(rand.NewPCG(1, 1)), 0, 0
	for seed := range uint64(60) {
		s := forty(t, seed)
		p := plant(t, unique(draw, s, 2)...)
		k := &shrinker{ctx: t.Context(), fails: p.fails, budget: 20, best: s, asked: map[string]bool{}}
		k.bisect()
		k.single()
		if sum, most = sum+p.asked, max(most, p.asked); !sameSteps(k.best.Steps, p.culprits) {
			t.Fatalf("seed %d: after %d runs %s, want %v", seed, p.asked, k.best, p.culprits)
		}
		p = plant(t, p.culprits...)
		if got := Shrink(t.Context(), s, p.fails, 20); !sameSteps(got.Steps, p.culprits) || p.asked > 20 {
			t.Fatalf("seed %d: after %d runs\n%s, want %v", seed, p.asked, got, p.culprits)
		}
	}
	t.Logf("the pair takes %.1f runs on average, %d at most", float64(sum)/60, most)
}

// TestShrinkFindsAnyNumber of culprits, none and all among them.
func TestShrinkFindsAnyNumber(t *testing.T) {
	draw := rand.New(rand.NewPCG(2, 2))
	for n := range 9 {
		for seed := range uint64(4) {
			s := forty(t, seed)
			p := plant(t, unique(draw, s, n)...)
			if got := Shrink(t.Context(), s, p.fails, 200); !sameSteps(got.Steps, p.culprits) {
				t.Fatalf("seed %d: after %d runs\n%s, want %v", seed, p.asked, got, p.culprits)
			}
		}
	}
	s := forty(t, 1)
	all := func(c *Schedule) bool { return len(c.Steps) == 40 }
	if got := Shrink(t.Context(), s, all, 500); len(got.Steps) != 40 {
		t.Errorf("%d of 40 steps are left, and it takes all", len(got.Steps))
	}
}

// TestShrinkMakesShort: what is left lasts no longer than it has to, or not twice as long, and the run ends and begins with it.
func TestShrinkMakesShort(t *testing.T) {
	s := plan(3, at(5, 3, Kill, 3), at(20, 8, Cut, 1, 2), at(25, 0, Flush, 0), at(40, 6, Stall, 2, 2500.), at(50, 4, Kill, 2))
	s.Length = 80 * time.Second
	before := s.Clone()
	got := Shrink(t.Context(), s, func(c *Schedule) bool {
		cut, stall := slices.IndexFunc(c.Steps, is(Cut)), slices.IndexFunc(c.Steps, is(Stall))
		return cut >= 0 && stall >= 0 && c.Steps[cut].For >= 900*time.Millisecond
	}, 100)
	want := plan(3, at(0, 1, Cut, 1, 2), at(20, 2.5, Stall, 2, 2500.))
	want.Length = 20*time.Second + 2500*time.Millisecond + 26*time.Second
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if !reflect.DeepEqual(s, before) {
		t.Errorf("the schedule to be shrunk was changed:\n%s", s)
	}
}

func is(f Fault) func(Step) bool { return func(u Step) bool { return u.Fault == f } }

// TestShrinkKeepsTheCopyInTheRun: a disk cannot be put back to before the beginning.
func TestShrinkKeepsTheCopyInTheRun(t *testing.T) {
	s := plan(3, at(30, 1, Rollback, 1, 7000.))
	got := Shrink(t.Context(), s, func(c *Schedule) bool { return len(c.Steps) == 1 }, 20)
	if len(got.Steps) != 1 || got.Steps[0].At != 7*time.Second || got.Validate() != nil {
		t.Errorf("%v\n%s", got.Validate(), got)
	}
}

// TestShrinkWithFlakyRuns: whatever the runs do not show, the result is a schedule that did fail; where the caller repeats, it is small.
func TestShrinkWithFlakyRuns(t *testing.T) {
	draw, left := rand.New(rand.NewPCG(3, 3)), map[int]int{}
	for seed := range uint64(120) {
		s := forty(t, seed%20)
		p := plant(t, unique(draw, s, 2)...)
		p.lies = func() bool { return draw.IntN(2) == 0 }
		p.runs = 1 + 2*int(seed%2)
		got := Shrink(t.Context(), s, p.fails, 60)
		if !p.in(got) || got.Validate() != nil {
			t.Fatalf("seed %d: the culprits are lost: %v\n%s", seed, p.culprits, got)
		}
		left[p.runs] += len(got.Steps)
	}
	once, thrice := float64(left[1])/60, float64(left[3])/60
	t.Logf("2 culprits of 40 steps, that show in half of the runs: %.1f are left on average, %.1f with 3 runs a candidate", once, thrice)
	if once > 8 || thrice > 3 {
		t.Error("that is too many")
	}
}

// TestShrinkOfWhatComesAndGoes: fewer steps may fail less. The result fails, and not without any one of its steps.
func TestShrinkOfWhatComesAndGoes(t *testing.T) {
	draw := rand.New(rand.NewPCG(4, 4))
	for seed := range uint64(50) {
		s := forty(t, seed)
		p := plant(t, unique(draw, s, 2)...)
		odd := func(c *Schedule) bool {
			n := len(c.Steps)
			return p.in(c) && (n == 40 || n%3 != 0 && n%5 != 2)
		}
		got := Shrink(t.Context(), s, odd, 1_000)
		if !odd(got) {
			t.Fatalf("seed %d: does not fail:\n%s", seed, got)
		}
		for i := range got.Steps {
			if c := got.Clone(); odd(&Schedule{Steps: slices.Delete(c.Steps, i, i+1)}) {
				t.Fatalf("seed %d: step %d can be spared:\n%s", seed, i+1, got)
			}
		}
	}
}

// TestShrinkStops when the budget of runs is spent or the caller has enough, with the best there was.
func TestShrinkStops(t *testing.T) {
	s := forty(t, 1)
	for budget := range 40 {
		p := plant(t, s.Steps[7], s.Steps[31])
		if got := Shrink(t.Context(), s, p.fails, budget); p.asked > budget || !p.in(got) {
			t.Fatalf("budget %d: %d runs, %s", budget, p.asked, got)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	p := plant(t, s.Steps[7], s.Steps[31])
	got := Shrink(ctx, s, func(c *Schedule) bool {
		if p.asked == 4 {
			cancel()
		}
		return p.fails(c)
	}, 1_000)
	if p.asked != 5 || !p.in(got) || len(got.Steps) >= 40 {
		t.Errorf("ended after 5 runs: %d were made, %d steps left", p.asked, len(got.Steps))
	}
	never := Shrink(t.Context(), s, func(*Schedule) bool { return false }, 1_000)
	if !reflect.DeepEqual(never, s) {
		t.Errorf("nothing smaller fails, and yet:\n%s", never)
	}
	large := &Schedule{Version: Version, Nodes: 3, Length: time.Hour}
	for i := range MaxSteps {
		large.Steps = append(large.Steps, Step{At: ms(int64(i)), Fault: Flush})
	}
	if got := Shrink(t.Context(), large, func(*Schedule) bool { return false }, 3); len(got.Steps) != MaxSteps {
		t.Errorf("%d steps left of %d", len(got.Steps), MaxSteps)
	}
}

// TestShrinkKeepsTheBudget: every schedule that it asks about is one that Generate could have written.
func TestShrinkKeepsTheBudget(t *testing.T) {
	asked := 0
	rapid.Check(t, func(t *rapid.T) {
		s := Generate(rapid.Uint64().Draw(t, "seed"), options(t))
		draw := rand.New(rand.NewPCG(s.Seed, 5))
		Shrink(context.Background(), s, func(c *Schedule) bool {
			asked++
			for _, err := range []error{c.Validate(), c.Budget(), c.Overlap()} {
				if err != nil {
					t.Fatalf("%v\n%s", err, c)
				}
			}
			if c.Quiet() < s.Quiet() {
				t.Fatalf("the tail of %s has become %s", s.Quiet(), c.Quiet())
			}
			return len(c.Steps) > 1 && draw.IntN(3) == 0
		}, 100)
	})
	if asked < 150 && !testing.Short() {
		t.Errorf("only %d schedules looked at", asked)
	}
}
