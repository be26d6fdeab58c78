package segment

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"pgregory.net/rapid"
)

// rowsAt makes rows of a device with those times.
func rowsAt(device int, ns ...int64) (rows []stored) {
	for i, at := range ns {
		rows = append(rows, stored{key: testKeys[device], ordinal: 1, rec: Record{Row: Row{Seq: uint64(i), TimeNS: at, Class: frame.ClassEvent, Seal: 1}}})
	}
	return rows
}

// Up to MaxOutputs windows have a segment each. Of more, the ones with the most frames do.
func TestMergeOfManyWindows(t *testing.T) {
	window := func(i int) int64 { return int64(i) * 1000e9 }
	opt := mergeAbout
	opt.WindowNS = 1000e9
	for _, windows := range []int{1, MaxOutputs, MaxOutputs + 1, 3 * MaxOutputs} {
		var times []int64
		for w := range windows {
			for i := range 2 + w%MaxOutputs { // the later ones of each sixteen have more
				times = append(times, window(w-5)+int64(i))
			}
		}
		// One of the windows with the fewest of them has as many as the largest by a block of its own.
		own := []int64{window(-5), window(-5), window(-5), window(-5), window(-5) + 9, window(-4) - 1}
		own = slices.Concat(own, own, own)
		file := fileOf(t, mergeInput(0), slices.Concat(rowsAt(0, times...), rowsAt(1, own...)))
		outputs, made := mergeFiles(t, opt, file)
		want := min(windows, MaxOutputs)
		if len(outputs) != want || outputs[len(outputs)-1].Rest != (windows > MaxOutputs) {
			t.Errorf("%d windows: %+v", windows, outputs)
		}
		if d := rowsDiffer(t, made, [][]byte{file}, opt.WindowNS); d != "" {
			t.Errorf("%d windows: %s", windows, d)
		}
		if err := Compare(readersOf(t, made), readersOf(t, [][]byte{file}), opt.WindowNS, nil); err != nil {
			t.Errorf("%d windows: %v", windows, err)
		}
	}
}

// A clock that shows random times takes no output from windows with many frames.
func TestMergeOfRandomTimes(t *testing.T) {
	opt := mergeAbout
	opt.WindowNS = 1000e9
	rnd := rand.New(rand.NewPCG(1, 9))
	wild := make([]int64, 3*countedWindows)
	for i := range wild {
		wild[i] = rnd.Int64()
	}
	var steady []int64
	for w := range 5 {
		for i := range 100 {
			steady = append(steady, int64(w)*1000e9+int64(i))
		}
	}
	file := fileOf(t, mergeInput(0), append(rowsAt(0, wild...), rowsAt(2, steady...)...))
	outputs, made := mergeFiles(t, opt, file)
	own := 0
	for _, o := range outputs {
		if o.Window >= 0 && o.Window < 5 && o.Info.Frames >= 100 {
			own++
		}
	}
	if rest := outputs[len(outputs)-1]; len(outputs) != MaxOutputs || own != 5 || !rest.Rest || rest.Info.Frames < uint64(len(wild)-100) {
		t.Errorf("%d outputs, %d of the steady windows among them, the last %+v", len(outputs), own, rest)
	}
	if err := Compare(readersOf(t, made), readersOf(t, [][]byte{file}), opt.WindowNS, nil); err != nil {
		t.Error(err)
	}
}

func TestWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ns, width := rapid.Int64().Draw(t, "ns"), rapid.Int64Range(1, 1<<62).Draw(t, "width")
		if got, want := Window(ns, width), slowWindow(ns, width); got != want {
			t.Fatalf("Window(%d, %d) = %d, want %d", ns, width, got, want)
		}
	})
	if Window(-1, 0) != 0 || Window(5, 0) != 0 {
		t.Error("a width of 0 makes more than one window")
	}
}

// The first and the last of all times have windows like the others.
func TestMergeAtTheEndsOfTime(t *testing.T) {
	opt := mergeAbout
	for _, opt.WindowNS = range []int64{1, 2, 1 << 62, math.MaxInt64} {
		file := fileOf(t, mergeInput(0), slices.Concat(rowsAt(0, math.MaxInt64-1, math.MaxInt64), rowsAt(1, math.MinInt64, math.MinInt64+1)))
		_, made := mergeFiles(t, opt, file)
		if d := rowsDiffer(t, made, [][]byte{file}, opt.WindowNS); d != "" {
			t.Errorf("a window of %d ns: %s", opt.WindowNS, d)
		}
	}
}

// Windows without frames do not count, however far a block reaches over them.
func TestMergeOfWindowsWithHoles(t *testing.T) {
	var times []int64
	for w := range int64(MaxOutputs) {
		times = append(times, w*7000, w*7000+1)
	}
	file := fileOf(t, mergeInput(0), rowsAt(0, times...))
	opt := mergeAbout
	opt.WindowNS = 1000
	outputs, made := mergeFiles(t, opt, file)
	if len(outputs) != MaxOutputs || outputs[MaxOutputs-1].Rest {
		t.Errorf("%+v", outputs)
	}
	if d := rowsDiffer(t, made, [][]byte{file}, opt.WindowNS); d != "" {
		t.Error(d)
	}
}

// While frames are counted the merge can be stopped, too, and memory is bounded.
func TestCountingWindows(t *testing.T) {
	var times []int64
	for w := range int64(2 * MaxOutputs) {
		times = append(times, w*1000)
	}
	opt, stop, calls := mergeAbout, errors.New("enough"), 0
	opt.WindowNS = 1000
	opt.Limit = func(int) error {
		if calls++; calls == 1 {
			return stop
		}
		return nil
	}
	if err := refused(t, "stopped", opt, fileOf(t, mergeInput(0), rowsAt(0, times...))); !errors.Is(err, stop) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
	c := windowCount{width: 1, frames: map[int64]uint64{}}
	for i := range int64(3 * countedWindows) {
		c.count(i, uint64(i%2)) // of the odd ones more
		if len(c.frames) > countedWindows {
			t.Fatalf("%d windows are counted", len(c.frames))
		}
	}
	for w := range c.frames {
		if w%2 == 0 && w < countedWindows {
			t.Fatalf("window %d was kept, which has no frame", w)
		}
	}
}
