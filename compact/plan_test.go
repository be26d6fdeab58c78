package compact

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/segment"
)

const second = int64(1e9)

// small is a policy under which a few segments are many.
var small = Policy{WindowNS: 10 * second, FanIn: 3, MaxBytes: 1 << 20}

// sized is a segment of a number of frames in a stretch of seconds, the n-th of its manifest.
func sized(n, frames int, from, to int64) segment.Info {
	s := newStore()
	s.index, s.files = uint64(1000*n), n
	list := make([]int64, frames)
	for i := range list {
		list[i] = from * second
	}
	list[frames-1] = to * second
	s.flush(list...)
	info := s.infos()[0]
	info.FirstIndex, info.LastIndex = uint64(1000*n), uint64(1000*n+999)
	return info
}

func TestPlans(t *testing.T) {
	for _, tt := range []struct {
		name string
		list []segment.Info
		want []string // places of the inputs in list, and the window in seconds
	}{
		{"nothing", nil, nil},
		{"too few", []segment.Info{sized(0, 10, 1, 2), sized(1, 10, 1, 2)}, nil},
		{"enough of one size", []segment.Info{sized(0, 10, 1, 2), sized(1, 10, 1, 2), sized(2, 10, 3, 4)}, []string{"[0 1 2] 10"}},
		{"of other windows", []segment.Info{sized(0, 10, 1, 2), sized(1, 10, 11, 12), sized(2, 10, 23, 24)}, nil},
		{"one is too large", []segment.Info{sized(0, 10, 1, 2), sized(1, 10, 1, 2), sized(2, 100, 3, 4)}, nil},
		{"small ones go together", []segment.Info{sized(0, 10, 1, 2), sized(1, 1000, 1, 2), sized(2, 10, 3, 4), sized(3, 3, 3, 4)}, []string{"[0 2 3] 10"}},
		{"small ones go along", []segment.Info{sized(0, 100, 1, 2), sized(1, 1, 1, 1), sized(2, 100, 3, 4), sized(3, 100, 3, 4)}, []string{"[0 1 2 3] 10"}},
		{"larger than a result may be", []segment.Info{sized(0, 30000, 1, 2), sized(1, 30000, 1, 2), sized(2, 30000, 3, 4)}, nil},
		{"straddling ones are parted together", []segment.Info{sized(0, 10, 1, 12), sized(1, 10, 9, 10), sized(2, 10, 8, 33)}, []string{"[0 1 2] 10"}},
		{"two of them wait", []segment.Info{sized(0, 10, 1, 12), sized(1, 10, 9, 10)}, nil},
		{"and wait", []segment.Info{sized(0, 10, 1, 12), sized(2, 10, 9, 9)}, nil},
		{"for as long as a third would have taken", []segment.Info{sized(0, 10, 1, 12), sized(3, 10, 9, 9)}, []string{"[0] 10"}},
		{"a full one waits for none", []segment.Info{sized(0, 30000, 1, 12)}, []string{"[0] 10"}},
		{"years are parted by steps", []segment.Info{sized(0, 30000, 1, 1599)}, []string{"[0] 160"}},
		{"those of another step apart", []segment.Info{sized(0, 30000, 1, 1599), sized(1, 30000, 1, 12)}, []string{"[0] 160", "[1] 10"}},
		{"all of time", []segment.Info{{Bytes: 1 << 20, Frames: 2, FirstNS: math.MinInt64, LastNS: math.MaxInt64}}, []string{"[0] 1342177280"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, p := range Plans(tt.list, never, small) {
				var places []int
				for _, in := range p.Inputs {
					places = append(places, slices.IndexFunc(tt.list, func(s segment.Info) bool { return s.Name == in.Name }))
				}
				got = append(got, fmt.Sprint(places, p.WindowNS/second))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestBusyAndOff(t *testing.T) {
	list := []segment.Info{sized(0, 10, 1, 2), sized(1, 10, 1, 2), sized(2, 10, 3, 4)}
	if got := Plans(list, func(n segment.Name) bool { return n == list[1].Name }, small); got != nil {
		t.Errorf("a busy segment is planned with: %v", got)
	}
	off := small
	off.Off = true
	if got := Plans(list, never, off); got != nil {
		t.Errorf("merging is off, and yet: %v", got)
	}
}

// Whatever comes: plans are within their limits, no segment is in two, their order does not matter, every frame stays and is written a bounded number of
// times, and when nothing comes any more the planning ends.
func TestPlansOfAnything(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		policy := Policy{WindowNS: second << rng.IntN(12), FanIn: 2 + rng.IntN(8), MaxBytes: MinMaxBytes << rng.IntN(8)}
		s, frames := newStore(), 0
		now := rng.Int64N(1e18)
		late := rng.IntN(200)
		for range 5 + rng.IntN(60) {
			n := 1 + rng.IntN(300)
			now += rng.Int64N(20e9)
			s.flush(times(rng, n, now, late)...)
			frames += n
			if rng.IntN(3) > 0 {
				round(t, s, policy, rng)
			}
		}
		for rounds := 0; round(t, s, policy, rng); rounds++ {
			if rounds > 100 {
				t.Fatalf("seed %d: planning does not end", seed)
			}
		}
		if got := s.frames(); got != frames {
			t.Fatalf("seed %d: %d frames, %d were flushed", seed, got, frames)
		}
		splits, merges := worst(s)
		if limit := maxSplits(3601e9, policy); splits > limit {
			t.Errorf("seed %d: a frame was split %d times, at most %d was to be expected", seed, splits, limit)
		}
		if limit := int(math.Log(float64(frames))/math.Log(float64(policy.Growth()))) + 1; merges > limit {
			t.Errorf("seed %d: a frame was merged %d times, at most %d was to be expected", seed, merges, limit)
		}
	}
}

// round carries out everything that is planned, and reports whether anything was.
func round(t *testing.T, s *store, policy Policy, rng *rand.Rand) bool {
	t.Helper()
	list := s.infos()
	all := Plans(list, never, policy)
	rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	if again := Plans(list, never, policy); fmt.Sprint(again) != fmt.Sprint(all) {
		t.Fatalf("the order of segments decides: %v and %v", all, again)
	}
	seen := map[segment.Name]bool{}
	for _, p := range all {
		for _, in := range p.Inputs {
			if seen[in.Name] {
				t.Fatalf("%s is in two plans", in.Name)
			}
			seen[in.Name] = true
		}
		e := extentOf(p.Inputs)
		if len(p.Inputs) > maxInputs || len(p.Inputs) > 1 && e.bytes > policy.MaxBytes {
			t.Fatalf("%d inputs with %d bytes", len(p.Inputs), e.bytes)
		}
		plan := Plan{WindowNS: p.WindowNS, Inputs: p.Inputs}
		outputs := s.merge(p, policy)
		slices.SortFunc(outputs, byIndex)
		if len(outputs) > segment.MaxOutputs {
			t.Fatalf("a merge makes %d segments", len(outputs))
		}
		if err := plan.fits(outputs); err != nil {
			t.Fatal(err)
		}
	}
	return len(all) > 0
}

// maxSplits is how many splits part what covers a stretch of time.
func maxSplits(ns int64, p Policy) int {
	n := 1
	for windows := ns / p.WindowNS; windows >= segment.MaxOutputs-1; windows /= segment.MaxOutputs / 2 {
		n++
	}
	return n
}

func worst(s *store) (splits, merges int) {
	for _, m := range s.segments {
		for _, f := range m.frames {
			splits, merges = max(splits, f.splits), max(merges, f.merges)
		}
	}
	return splits, merges
}

// TestAmplification is a long stream with one frame in a hundred late, as a fleet makes it: 2,000 flushes of a minute each, windows of two hours.
func TestAmplification(t *testing.T) {
	policy := Policy{WindowNS: 7200 * second, MaxBytes: 4 << 20}.WithDefaults()
	rng := rand.New(rand.NewPCG(1, 1))
	s := newStore()
	var space, perWindow float64
	const flushes, each = 2000, 500
	for i := range int64(flushes) {
		list := make([]int64, each)
		for j := range list {
			list[j] = 1e18 + i*60e9 + rng.Int64N(60e9)
			if rng.IntN(100) == 0 {
				list[j] -= int64(rng.ExpFloat64() * 7200e9) // some hours
			}
		}
		s.flush(list...)
		disk := s.bytes() // inputs stay until floors without them are durable
		for _, p := range Plans(s.infos(), never, policy) {
			disk += extentOf(s.merge(p, policy)).bytes
		}
		space = max(space, float64(disk)/float64(s.bytes()))
	}
	windows := map[int64]int{}
	for _, in := range s.infos() {
		first, last := windowsOf(&in, policy.WindowNS)
		for w := first; w <= last; w++ {
			windows[w]++
		}
	}
	most := 0
	for _, n := range windows {
		perWindow += float64(n) / float64(len(windows))
		most = max(most, n)
	}
	write := float64(s.written) / float64(s.flushed)
	splits, merges := worst(s)
	t.Logf("written %.2f times, a frame split %d and merged %d times at most; %.1f segments a window, %d at most; %d segments of %d flushed; files up to %.2f times the data",
		write, splits, merges, perWindow, most, len(s.segments), flushes, space)
	if limit := 1 + 2 + math.Log(120)/math.Log(3); write > limit {
		t.Errorf("every byte is written %.2f times, more than %.2f", write, limit)
	}
	if perWindow > 20 || most > 60 {
		t.Errorf("%.1f segments a window, %d at most", perWindow, most)
	}
}
