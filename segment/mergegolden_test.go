package segment

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// goldenMerges are frozen like golden: nodes compare the names of what they merged, so equal inputs must make equal files in every build, on
// every machine.
var goldenMerges = []struct {
	name    string
	window  int64
	inputs  func(testing.TB) [][]byte
	outputs int
	digest  string // of a manifest of the outputs
}{
	{"mixed", 0, func(tb testing.TB) [][]byte { return dealt(tb, mixedFleet, 3) }, 1, "d602e9d7e55a488f8e996b537233c005eb5c807e852dbb4963d9446a2d9bea94"},
	{"short", 0, func(tb testing.TB) [][]byte { return dealt(tb, shortStreams, 4) }, 1, "39e1366e736426eafdbb5b78ec5974e53591d40a801e9ad201817e87bbc63d32"},
	{"lossy", 4000e9, func(tb testing.TB) [][]byte { return dealt(tb, lossyStream, 2) }, 5, "315dbfb642834122ff69fc46a3311343e5cb344202bfc0c9be9590c6ddca72dc"},
	{"wild", 1 << 58, func(tb testing.TB) [][]byte { return dealt(tb, wildValues, 3) }, 16, "e2b697f81057ae2d46ee0712e5a132999a1c9b5a654734a36cf3474b5c468d8d"},
	{"copied", 10_000e9, copiedFleet, 2, "9694e86f83625436b8e473d235eada0cf630ec42877207c7168a1914b64aad64"},
}

// dealt deals the frames of a fixture out to several inputs.
func dealt(tb testing.TB, fleet func(testing.TB) (*fixture, model), n int) (files [][]byte) {
	f, _ := fleet(tb)
	all := storedIn(tb, f.writeAs(testOptions))
	rnd := rand.New(rand.NewPCG(21, 0))
	hands := make([][]stored, n)
	for i, at := 0, 0; i < len(all); i++ {
		if rnd.IntN(20) == 0 {
			at = rnd.IntN(n)
		}
		hands[at] = append(hands[at], all[i])
	}
	for i, rows := range hands {
		files = append(files, fileOf(tb, mergeInput(i), rows))
	}
	return files
}

// copiedFleet has full blocks, late rows, rows before the windows and windows that end in a block.
func copiedFleet(tb testing.TB) (files [][]byte) {
	values := func(seq uint64) ([]frame.Field, []byte) {
		v, _ := frame.DecimalFloat(int64(seq*seq%1009), 3)
		return []frame.Field{{Name: "state", Value: frame.String(fmt.Sprint("s", seq/1000%5))}, {Name: "temp", Value: v}}, nil
	}
	for i, list := range [][]numbers{
		{{1, 0, 8000, 1}, {2, 0, 5000, 2}, {3, 0, 3600, 1}},
		{{1, 8000, 17_000, 1}, {2, 1, 3001, 2}, {3, 3600, 7200, 1}, {4, 100, 130, 1}},
		{{1, 17_000, 18_000, 1}, {2, 3001, 5000, 2}, {5, 0, 300, 1}},
	} {
		files = append(files, fileOf(tb, mergeInput(i), series(list, values)))
	}
	return files
}

func TestGoldenMerges(t *testing.T) {
	for _, g := range goldenMerges {
		t.Run(g.name, func(t *testing.T) {
			opt := mergeAbout
			opt.WindowNS = g.window
			files := g.inputs(t)
			outputs, made := mergeFiles(t, opt, files...)
			var m *Manifest
			for _, o := range outputs {
				m = m.With(o.Info)
			}
			if got := Name(m.Digest()).String(); got != g.digest || len(outputs) != g.outputs {
				t.Errorf("%d outputs with digest %s, frozen is %d with %s", len(outputs), got, g.outputs, g.digest)
			}
			if err := Compare(readersOf(t, made), readersOf(t, files), g.window, nil); err != nil {
				t.Error(err)
			}
		})
	}
}
