package schedule

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestBudgetAgreesWithReplay: on schedules without a budget whose nodes are all known, both say yes, or both say no.
func TestBudgetAgreesWithReplay(t *testing.T) {
	yes, no := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		opt := options(t)
		opt.Beyond, opt.Density = true, float64(rapid.IntRange(2, 20).Draw(t, "steps a minute"))
		s := Generate(rapid.Uint64().Draw(t, "seed"), opt)
		draw := rand.New(rand.NewPCG(s.Seed, 2))
		for i := range s.Steps {
			if k, _ := KindOf(s.Steps[i].Fault); k.target <= oneLink && !s.Steps[i].total() && s.Steps[i].Node == 0 {
				s.Steps[i].Node = 1 + draw.IntN(s.Nodes)
			}
		}
		said, happened := s.Budget(), newReplay(s, nil).run().budget
		if (said == nil) != (happened == nil) {
			t.Fatalf("Budget: %v; replay: %v\n%s", said, happened, s)
		}
		if said == nil {
			yes++
		} else {
			no++
		}
	})
	t.Logf("%d within, %d beyond", yes, no)
	if (yes < 10 || no < 10) && !testing.Short() {
		t.Errorf("%d schedules within and %d beyond the budget prove little", yes, no)
	}
}

// TestBudgetIsNeverTooKind: where it says yes and somebody leads, no leader makes it a no.
func TestBudgetIsNeverTooKind(t *testing.T) {
	judged := 0
	rapid.Check(t, func(t *rapid.T) {
		opt := options(t)
		opt.Beyond, opt.Density = true, float64(rapid.IntRange(2, 8).Draw(t, "steps a minute"))
		s := Generate(rapid.Uint64().Draw(t, "seed"), opt)
		if s.Budget() != nil {
			return
		}
		judged++
		draw := rand.New(rand.NewPCG(s.Seed, 3))
		random := func(r *replay, _ Step) int { return 1 + draw.IntN(r.s.Nodes) }
		for _, pick := range []func(*replay, Step) int{worst, random, random} {
			if err := newReplay(s, pick).run().budget; err != nil {
				t.Fatalf("%v\n%s", err, s)
			}
		}
	})
	if judged < 20 && !testing.Short() {
		t.Errorf("only %d schedules judged", judged)
	}
}

// at makes a step of seconds; more is Peer (int), Amount (float64) and How (string).
func at(sec, lasts float64, f Fault, node int, more ...any) Step {
	u := Step{At: ms(int64(math.Round(sec * 1000))), For: ms(int64(lasts * 1000)), Fault: f, Node: node}
	for _, m := range more {
		switch m := m.(type) {
		case int:
			u.Peer = m
		case float64:
			u.Amount = m
		case string:
			u.How = m
		}
	}
	return u
}

func plan(nodes int, steps ...Step) *Schedule {
	return &Schedule{Version: Version, Nodes: nodes, Length: 2 * time.Minute, Steps: steps}
}

// cases of the budget, each with the reason for a no, which is empty for a yes.
var budgetCases = map[string]struct {
	plan *Schedule
	why  string
}{
	"two killed":                    {plan(3, at(1, 5, Kill, 1), at(2, 5, Kill, 2)), "only 1 nodes of 3 work"},
	"one after the other":           {plan(3, at(1, 5, Kill, 1), at(6, 5, Kill, 2)), ""},
	"two killed of five":            {plan(5, at(1, 5, Kill, 1), at(2, 5, Kill, 2)), ""},
	"three killed of five":          {plan(5, at(1, 5, Kill, 1), at(2, 5, Kill, 2), at(3, 1, Kill, 3)), "only 2 nodes of 5 work"},
	"leader and follower":           {plan(3, at(1, 5, Kill, 0), at(2, 5, Isolate, 2)), "only 1 nodes of 3 work"},
	"killed behind a cut":           {plan(3, at(1, 5, Cut, 1, 2), at(3, 1, Kill, 2)), ""},
	"killed beside a cut":           {plan(3, at(1, 5, Cut, 1, 2), at(3, 1, Kill, 3)), "only 1 nodes of 3 work"},
	"killed beside a leader's cut":  {plan(3, at(1, 5, Cut, 0, In), at(3, 1, Kill, 3)), "only 1 nodes of 3 work"},
	"killed beside loss":            {plan(3, at(1, 5, Loss, 1, 2, 0.5), at(3, 1, Kill, 3)), ""},
	"bridge":                        {plan(3, at(1, 5, Bridge, 1)), ""},
	"killed bridge":                 {plan(3, at(1, 5, Bridge, 1), at(3, 1, Kill, 1)), "only 1 nodes of 3 work"},
	"killed at a bridge":            {plan(3, at(1, 5, Bridge, 1), at(3, 1, Kill, 2)), ""},
	"killed, leader the bridge":     {plan(3, at(1, 5, Bridge, 0), at(3, 1, Kill, 2)), "only 1 nodes of 3 work"},
	"bridge of four":                {plan(4, at(1, 5, Bridge, 2)), ""},
	"bridge of four, lone killed":   {plan(4, at(1, 5, Bridge, 2), at(3, 1, Kill, 1)), ""},
	"bridge of four, other killed":  {plan(4, at(1, 5, Bridge, 2), at(3, 1, Kill, 3)), "only 2 nodes of 4 work"},
	"bridge of five, one killed":    {plan(5, at(1, 5, Bridge, 3), at(3, 1, Kill, 1)), ""},
	"bridge of five, killed itself": {plan(5, at(1, 5, Bridge, 3), at(3, 1, Kill, 3)), "only 2 nodes of 5 work"},
	"two leaders the bridge":        {plan(5, at(1, 5, Bridge, 0), at(3, 1, Bridge, 0)), "only 0 nodes of 5 work"},
	"one of two killed":             {plan(2, at(1, 5, Kill, 1)), "only 1 nodes of 2 work"},
	"one of one killed":             {plan(1, at(1, 5, Kill, 0)), "only 0 nodes of 1 work"},
	"all lose power":                {plan(1, at(1, 5, PowerAll, 0, Lose)), ""},
	"two wiped":                     {plan(3, at(1, 1, Wipe, 1), at(16.999, 1, Wipe, 2)), "disks of 2 nodes of 3"},
	"two wiped in time":             {plan(3, at(1, 1, Wipe, 1), at(17, 1, Wipe, 2)), ""},
	"one wiped twice":               {plan(3, at(1, 1, Wipe, 1), at(3, 1, Wipe, 1), at(19, 1, Rollback, 2, 2000.)), ""},
	"one wiped twice, too soon":     {plan(3, at(1, 1, Wipe, 1), at(3, 1, Wipe, 1), at(18.9, 1, Wipe, 2)), "disks of 2 nodes of 3"},
	"killed while one catches up":   {plan(3, at(1, 1, RemoveJoin, 1), at(10, 1, Kill, 2)), "only 1 nodes of 3 work"},
	"parted while one catches up":   {plan(3, at(1, 1, DiskFull, 1), at(10, 1, Cut, 2)), "only 1 nodes of 3 work"},
	"the same killed":               {plan(3, at(1, 1, Flip, 1, WAL), at(10, 1, Kill, 1)), ""},
	"held up by its own death":      {plan(3, at(1, 1, Flip, 1, WAL), at(10, 1, Kill, 1), at(25.999, 1, Kill, 2)), "only 1 nodes of 3 work"},
	"held up by delay":              {plan(3, at(1, 1, Wipe, 1), at(10, 9, Delay, 2, 3, 5.), at(33.999, 1, Wipe, 2)), "disks of 2 nodes of 3"},
	"held up by an older delay":     {plan(3, at(1, 18, Delay, 2, 3, 5.), at(2, 1, Wipe, 1), at(33.9, 1, Wipe, 2)), "disks of 2 nodes of 3"},
	"held up by a power cut":        {plan(3, at(1, 1, Wipe, 1), at(10, 9, PowerAll, 0, Lose), at(33.9, 1, Wipe, 2)), "disks of 2 nodes of 3"},
	"no longer held up":             {plan(3, at(1, 1, Wipe, 1), at(10, 9, PowerAll, 0, Lose), at(34, 1, Wipe, 2)), ""},
	"not held up by clocks":         {plan(3, at(1, 1, Wipe, 1), at(10, 9, Strobe, 3, 2.), at(17, 1, Wipe, 2)), ""},
	"two wrong clocks":              {plan(3, at(1, 0, Clock, 1, 9.), at(100, 1, Strobe, 2, 9.)), "clocks of 2 nodes of 3"},
	"one clock wrong twice":         {plan(3, at(1, 0, Clock, 1, 9.), at(100, 1, Strobe, 1, 9.)), ""},
	"wrong clocks of two leaders":   {plan(3, at(1, 0, Clock, 0, 9.), at(100, 1, Strobe, 0, 9.)), "clocks of 2 nodes of 3"},
}

func TestBudget(t *testing.T) {
	for name, c := range budgetCases {
		t.Run(name, func(t *testing.T) {
			if err := c.plan.Validate(); err != nil {
				t.Fatal(err)
			}
			switch err := c.plan.Budget(); {
			case c.why == "" && err != nil:
				t.Error(err)
			case c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why)):
				t.Errorf("%v, want %q", err, c.why)
			}
		})
	}
}

// TestRecoveryIsTheSchedules: the time to catch up is the one that the file says.
func TestRecoveryIsTheSchedules(t *testing.T) {
	s := plan(3, at(1, 1, Wipe, 1), at(5, 1, Wipe, 2))
	for recovery, want := range map[time.Duration]bool{0: false, 3 * time.Second: true, 3001 * time.Millisecond: false} {
		if s.Recovery = recovery; (s.Budget() == nil) != want {
			t.Errorf("recovery %s: %v", recovery, s.Budget())
		}
	}
}

// TestLessStaysWithin: a schedule within the budget stays there, and free of overlap, when steps are taken away or end earlier.
func TestLessStaysWithin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Generate(rapid.Uint64().Draw(t, "seed"), options(t))
		s.Steps = slices.DeleteFunc(s.Steps, func(Step) bool { return rapid.IntRange(0, 3).Draw(t, "gone") == 0 })
		for i, u := range s.Steps {
			if u.For > 100*time.Millisecond && u.Fault != Stall {
				s.Steps[i].For = time.Duration(rapid.Int64Range(100, u.For.Milliseconds()).Draw(t, "for")) * time.Millisecond
			}
		}
		for _, err := range []error{s.Validate(), s.Budget(), s.Overlap()} {
			if err != nil {
				t.Fatalf("%v\n%s", err, s)
			}
		}
	})
}
