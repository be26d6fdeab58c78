package compact

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var quick = Policy{WindowNS: 100 * second, FanIn: 3, MaxBytes: 1 << 20}

// spread is n times, one a second from a second on.
func spread(from, n int) (list []int64) {
	for i := range n {
		list = append(list, int64(from+i)*second)
	}
	return list
}

func TestMerge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3, quick, nil)
		for i := range 9 {
			r.flush(spread(30*i, 30)...) // the fourth and the seventh straddle
		}
		r.settle()
		r.check()
		if got := len(r.nodes[0].manifest.Segments()); got > 4 {
			t.Errorf("nine segments became %d", got)
		}
		for _, n := range r.nodes {
			if !strings.Contains(n.output.String(), "verified a merge") {
				t.Errorf("%s has verified nothing:\n%s", n.server, n.output.String())
			}
		}
	})
}

func TestOneNodeMergesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1, quick, nil)
		for i := range 6 {
			r.flush(spread(30*i, 30)...)
		}
		r.settle()
		r.check()
	})
}

func TestPolicyOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		off := quick
		off.Off = true
		r := newRig(t, 3, off, nil)
		for range 6 {
			r.flush(spread(0, 3)...)
		}
		r.settle()
		if got := len(r.nodes[0].manifest.Segments()); got != 6 {
			t.Errorf("%d segments, want those that were flushed", got)
		}
	})
}

// A majority is enough. Who was away gets the result from the others, and its inputs go only then.
func TestWithoutOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3, quick, nil)
		for i := range 3 {
			r.flush(spread(30*i, 30)...)
		}
		away := r.nodes[2]
		away.kill()
		for i := range 3 {
			r.flush(spread(100+30*i, 30)...)
		}
		r.until("merged", func() bool { _, edits := r.state(); return edits > 0 })
		r.flush()
		away.boot()
		r.settle()
		r.check()
	})
}

// The builder dies before it has built, and for good: another one builds.
func TestBuilderDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3, quick, func(o *Options) { o.BytesPerSecond = 300 }) // slow
		for i := range 3 {
			r.flush(spread(30*i, 30)...)
		}
		r.until("planned", func() bool { plans, _ := r.state(); return plans > 0 })
		builder := r.plans()[0].Builder
		for i, n := range r.nodes {
			if n.server == builder {
				r.leads((i + 1) % 3)
				n.kill()
			}
		}
		r.until("built by another one", func() bool { _, edits := r.state(); return edits > 0 })
		r.flush()
		for _, n := range r.nodes {
			if !n.isUp() {
				n.boot()
			}
		}
		r.settle()
		r.check()
	})
}

// A node whose state does not show yet what it has said does not do it again.
func TestBuildsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3, quick, nil)
		for i := range 3 {
			r.flush(spread(30*i, 30)...)
		}
		r.mu.Lock()
		r.lag = 3 * time.Second
		r.mu.Unlock()
		r.until("merged", func() bool { _, edits := r.state(); return edits > 0 })
		for _, said := range []string{"merged segments", "verified a merge"} {
			times := 0
			for _, n := range r.nodes {
				times += strings.Count(n.output.String(), said)
			}
			if want := map[string]int{"merged segments": 1, "verified a merge": 2}[said]; times != want {
				t.Errorf("%q %d times, want %d", said, times, want)
			}
		}
	})
}

// TestAnything: nodes die, lose their disks and lead by turns, at any moment. Nothing is lost, nothing stays half done, and no file that a kept floor lists is
// missing everywhere.
func TestAnything(t *testing.T) {
	done, aborted := 0, 0
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 2))
			policy := quick
			policy.FanIn = 2 + rng.IntN(3)
			r := newRig(t, 3, policy, func(o *Options) {
				o.BytesPerSecond, o.PatienceFor, o.GiveUpAfter = 1<<(10+seed%8), 2*time.Second, 8*time.Second
			})
			now := 0
			for range 40 {
				now += rng.IntN(20)
				r.anything(rng, now)
				r.copies()
			}
			for _, n := range r.nodes {
				if !n.isUp() {
					n.boot()
				}
			}
			r.leads(0)
			r.settle()
			r.check()
			for _, e := range r.log {
				switch e.kind {
				case KindDone:
					done++
				case KindAbort:
					aborted++
				}
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
	t.Logf("%d merges done, %d given up", done, aborted)
	if done < 100 || aborted < 3 {
		t.Errorf("%d merges done, %d given up: this proves little", done, aborted)
	}
}

// anything is one step of TestAnything.
func (r *rig) anything(rng *rand.Rand, now int) {
	i := rng.IntN(len(r.nodes))
	n := r.nodes[i]
	switch what := rng.IntN(100); {
	case what < 50:
		list := spread(now, 1+rng.IntN(30))
		if rng.IntN(3) == 0 {
			list[0] -= rng.Int64N(500) * second
		}
		r.flush(list...)
	case what < 75:
		r.pass(time.Duration(rng.IntN(5000)) * time.Millisecond)
	case what < 85:
		n.kill()
	case what < 95:
		if !n.isUp() {
			n.boot()
		}
	case what < 97 && !n.isUp():
		from := r.nodes[(i+1)%len(r.nodes)]
		if from.isUp() && r.nodes[(i+2)%len(r.nodes)].isUp() && len(from.shelf.Missing()) == 0 {
			n.wipe(i, from)
			n.boot()
		}
	default:
		r.leads(i)
	}
}

func (r *rig) leads(i int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leader = i
}

// copies makes sure that each file of each kept floor of each node is somewhere.
func (r *rig) copies() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.nodes {
		for _, f := range n.floors {
			for _, info := range f.Segments() {
				here := 0
				for _, other := range r.nodes {
					if file, err := other.fs.Open(segmentsDir + "/" + info.Name.FileName()); err == nil {
						_ = file.Close()
						here++
					}
				}
				if here == 0 {
					r.t.Fatalf("segment %s of a floor of %s is on no disk", info.Name, n.server)
				}
			}
		}
	}
}

func TestLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pressure := 0
		l := limiter{rate: 1000, pressure: func() int { return pressure }}
		took := func(n, times int, work time.Duration) time.Duration {
			start := time.Now()
			for range times {
				if work > 0 {
					<-time.After(work)
				}
				if err := l.wait(t.Context(), n); err != nil {
					t.Fatal(err)
				}
			}
			return time.Since(start).Round(10 * time.Millisecond)
		}
		if got := took(10, 100, 0); got != time.Second {
			t.Errorf("1,000 bytes took %s, want 1s", got)
		}
		if got := took(0, 1000, 0); got != 0 {
			t.Errorf("nothing took %s", got)
		}
		if got := took(0, 1000, time.Millisecond); got != time.Second {
			t.Errorf("a second of work took %s", got)
		}
		pressure = 1
		if got := took(0, 1000, time.Millisecond); got < 7*time.Second || got > 8*time.Second {
			t.Errorf("a second of work under pressure took %s, want 7 to 8 s", got)
		}
	})
}
