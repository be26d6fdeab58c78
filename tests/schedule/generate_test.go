package schedule

import (
	"cmp"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// options draws what a caller may want, but for Beyond.
func options(t *rapid.T) Options {
	opt := Options{
		Nodes:    rapid.SampledFrom([]int{0, 1, 2, 3, 4, 5, 7}).Draw(t, "nodes"),
		Length:   rapid.SampledFrom([]time.Duration{0, time.Second, 30 * time.Second, 2 * time.Minute}).Draw(t, "length"),
		Density:  rapid.SampledFrom([]float64{0, 7.7, 20, 90}).Draw(t, "density"),
		Recovery: rapid.SampledFrom([]time.Duration{0, time.Millisecond, 4 * time.Second, 20 * time.Second}).Draw(t, "recovery"),
	}
	if rapid.Bool().Draw(t, "chosen") {
		opt.Faults = rapid.SliceOfN(rapid.Map(rapid.SampledFrom(kinds), func(k Kind) Fault { return k.Fault }), 0, 8).Draw(t, "faults")
	}
	return opt
}

// worst meets a node that is not yet out of action, if there is one: the leader that costs most.
func worst(r *replay, _ Step) int {
	for n := 1; n <= r.s.Nodes; n++ {
		if _, sick := r.sick[n]; !sick && !r.wrong[n] && r.broken[n] == 0 && r.since[n] == 0 {
			return n
		}
	}
	return r.s.Nodes
}

// TestGenerateKeepsTheBudget replays schedules millisecond by millisecond, with leaders at the worst and at random places.
func TestGenerateKeepsTheBudget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Generate(rapid.Uint64().Draw(t, "seed"), options(t))
		if err := cmp.Or(s.Validate(), s.Budget(), s.Overlap()); err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
		leaders := rand.New(rand.NewPCG(s.Seed, 1))
		for _, pick := range []func(*replay, Step) int{worst, func(r *replay, _ Step) int { return 1 + leaders.IntN(r.s.Nodes) }} {
			r := newReplay(s, pick).run()
			if err := cmp.Or(r.budget, r.overlap); err != nil {
				t.Fatalf("%v\n%s", err, s)
			}
		}
	})
}

func TestGenerateKeepsTheTailQuiet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opt := options(t)
		opt.Beyond = rapid.Bool().Draw(t, "beyond")
		length := cmp.Or(opt.Length, time.Minute)
		opt.Quiet = time.Duration(rapid.Int64Range(0, length.Milliseconds()).Draw(t, "quiet")) * time.Millisecond
		want := cmp.Or(opt.Quiet, min(20*time.Second, length/3))
		s := Generate(rapid.Uint64().Draw(t, "seed"), opt)
		if s.Length != length || s.Quiet() < want {
			t.Fatalf("quiet for %s of %s, want %s of %s", s.Quiet(), s.Length, want, length)
		}
	})
}

// TestBeyondKnowsNoBudget: most such schedules are beyond it, none of them overlap.
func TestBeyondKnowsNoBudget(t *testing.T) {
	const seeds = 60
	beyond := 0
	for seed := range uint64(seeds) {
		s := Generate(seed, Options{Beyond: true, Density: 24})
		if !s.Beyond {
			t.Fatal("a schedule that does not say it is beyond the budget")
		}
		r := newReplay(s, worst).run()
		if err := cmp.Or(s.Validate(), s.Overlap(), r.overlap); err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
		if r.budget != nil {
			beyond++
		}
	}
	if beyond < seeds/2 {
		t.Errorf("only %d of %d schedules are beyond the budget", beyond, seeds)
	}
}

func TestGenerateIsAFunction(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, opt := rapid.Uint64().Draw(t, "seed"), options(t)
		a, b, other := Generate(seed, opt), Generate(seed, opt), Generate(seed+1, opt)
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("one seed, two schedules:\n%s%s", a, b)
		}
		if len(a.Steps) > 2 && reflect.DeepEqual(a.Steps, other.Steps) {
			t.Fatalf("two seeds, one schedule:\n%s", a)
		}
	})
}

// TestSwarmReachesEveryFault in each of its shapes, and leaves each out of about half of the seeds.
func TestSwarmReachesEveryFault(t *testing.T) {
	const seeds = 1_000
	shapes, runs := map[string]int{}, map[Fault]int{}
	for seed := range uint64(seeds) {
		seen := map[Fault]bool{}
		for _, u := range Generate(seed, Options{}).Steps {
			shapes[shape(u)]++
			seen[u.Fault] = true
		}
		for f := range seen {
			runs[f]++
		}
	}
	for _, k := range kinds {
		if k.Real {
			if runs[k.Fault] > 0 {
				t.Errorf("%s is in %d of %d runs, and no swarm may draw it", k.Fault, runs[k.Fault], seeds)
			}
			continue
		}
		t.Logf("%-12s in %4d of %d runs", k.Fault, runs[k.Fault], seeds)
		if n := runs[k.Fault]; n < seeds/30 || n > seeds*6/10 {
			t.Errorf("%s comes in %d of %d runs", k.Fault, n, seeds)
		}
		for _, want := range shapesOf(k) {
			if shapes[want] == 0 {
				t.Errorf("no run has %q", want)
			}
		}
	}
}

// shape is what a step has besides numbers.
func shape(u Step) string {
	node, peer := u.node(), u.peer()
	if u.Node > 0 {
		node = "one"
	}
	if u.Peer > 0 {
		peer = "one"
	}
	return strings.Join([]string{string(u.Fault), node, peer, u.How}, "/")
}

func shapesOf(k Kind) (list []string) {
	targets := map[target][]string{oneNode: {"leader/", "one/"}, oneLink: {"leader/all", "one/all", "one/one"}, everyone: {"all/"},
		leader: {"leader/"}, handover: {"leader/", "leader/one"}}[k.target]
	for _, way := range append(k.Ways, "")[:max(1, len(k.Ways))] {
		if k.Fault == Isolate && way == All {
			targets = []string{"all/"}
		}
		for _, t := range targets {
			list = append(list, string(k.Fault)+"/"+t+"/"+way)
		}
	}
	return list
}

// TestEachFaultAlone: what is asked for comes, and nothing else.
func TestEachFaultAlone(t *testing.T) {
	for _, k := range kinds {
		n := 0
		for seed := range uint64(20) {
			for _, u := range Generate(seed, Options{Nodes: 3 + 2*int(seed%2), Faults: []Fault{k.Fault}}).Steps {
				if n++; u.Fault != k.Fault {
					t.Errorf("asked for %s, got %s", k.Fault, u)
				}
			}
		}
		if n < 20 {
			t.Errorf("%s alone: %d steps in 20 schedules", k.Fault, n)
		}
	}
	if s := Generate(1, Options{Faults: []Fault{}}); len(s.Steps) != 0 {
		t.Errorf("no fault is allowed, and yet:\n%s", s)
	}
}

// TestDisksTakeTurns: time to catch up is left often enough that one run damages the disks of two nodes.
func TestDisksTakeTurns(t *testing.T) {
	turns := 0
	for seed := range uint64(100) {
		var nodes []int
		for _, u := range Generate(seed, Options{Length: 2 * time.Minute}).Steps {
			if k, _ := KindOf(u.Fault); k.Disk && u.Node > 0 && !slices.Contains(nodes, u.Node) {
				nodes = append(nodes, u.Node)
			}
		}
		if len(nodes) > 1 {
			turns++
		}
	}
	if turns < 20 {
		t.Errorf("%d of 100 schedules damage more than one node's disk", turns)
	}
}

func TestDensity(t *testing.T) {
	for _, density := range []float64{0.5, 6, 30} {
		steps := 0
		for seed := range uint64(50) {
			steps += len(Generate(seed, Options{Length: 11 * time.Minute, Quiet: time.Minute, Density: density, Faults: []Fault{Flush}}).Steps)
		}
		if got := float64(steps) / 500; got < 0.85*density || got > 1.15*density {
			t.Errorf("density %v gives %.2f steps a minute", density, got)
		}
	}
}

func TestOptionsThatCannotBeKept(t *testing.T) {
	for want, opt := range map[string]Options{
		"10 nodes":      {Nodes: 10},
		"-1 nodes":      {Nodes: -1},
		"length":        {Length: -time.Second},
		"length 1.5µs":  {Length: 1500},
		"quiet tail":    {Length: time.Second, Quiet: 2 * time.Second},
		"density of -1": {Density: -1},
		"5000 in":       {Density: 6_000, Length: time.Minute},
		"no such fault": {Faults: []Fault{Kill, "killl"}},
		"recovery":      {Recovery: -1},
	} {
		err := opt.Check()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", opt, err, want)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v: Generate went on", opt)
				}
			}()
			Generate(1, opt)
		}()
	}
}
