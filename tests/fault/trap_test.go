//go:build linux

package fault

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/tests/fault/faultfs"
	"github.com/gaplessdb/gapless/tests/schedule"
)

// seen is an operation that a node did on its disk, as a trap sees it.
type seen struct {
	path  string
	op    faultfs.Op
	marks []string          // the moments that it is: "flushing 1"
	metas map[string][]byte // files that a trap may read
}

// recorded reads what nodes did in a run, act by act, from testdata/acts.txt.
func recorded(t *testing.T) map[string][]seen {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "acts.txt"))
	if err != nil {
		t.Fatal(err)
	}
	ops := map[string][]seen{}
	title := ""
	var metas map[string][]byte
	for line := range strings.Lines(string(b)) {
		line, marks, marked := strings.Cut(strings.TrimSpace(line), "  # ")
		var before, after uint64
		if name, ok := strings.CutPrefix(line, "== "); ok {
			title, metas = name, nil
			continue
		}
		if n, _ := fmt.Sscanf(line, "log begins at %d, and then at %d", &before, &after); n == 2 {
			metas = map[string][]byte{"wal/meta": meta(before), "wal/meta.tmp": meta(after)}
			continue
		}
		last := strings.LastIndexByte(line, ' ')
		if last < 0 {
			continue
		}
		s := seen{path: strings.TrimPrefix(line[last+1:], "."), op: faultfs.Op(line[:last]), metas: metas}
		if marked {
			s.marks = strings.Split(marks, ", ")
		}
		ops[title] = append(ops[title], s)
	}
	return ops
}

// meta is as much of the log's meta file as tells where the log begins.
func meta(first uint64) []byte {
	return binary.LittleEndian.AppendUint64([]byte("GWLM\x01\x00\x00\x00"), first)
}

// TestTraps lays a trap for each moment of each act, and sees that it springs where the recording says, and nowhere else.
func TestTraps(t *testing.T) {
	all := recorded(t)
	sprung := map[string]bool{}
	for title, ops := range all {
		for act, moments := range acts {
			for n := range moments {
				mark := fmt.Sprintf("%s %d", act, n+1)
				want := slices.IndexFunc(ops, func(s seen) bool { return slices.Contains(s.marks, mark) })
				if got := springsAt(act, uint64(n), ops); got != want {
					t.Errorf("%s: the trap %s springs at operation %d, want %d", title, mark, got, want)
				}
				sprung[mark] = sprung[mark] || want >= 0
			}
		}
	}
	for mark, ok := range sprung {
		if !ok {
			t.Errorf("no operation is recorded of %s", mark)
		}
	}
}

// springsAt is the first operation at which a trap springs, -1 for none.
func springsAt(act string, chance uint64, ops []seen) int {
	now := 0
	trap := newTrap(act, chance, func(name string) ([]byte, error) {
		if b := ops[now].metas[name]; b != nil {
			return b, nil
		}
		return nil, os.ErrNotExist
	})
	for ; now < len(ops); now++ {
		if trap.springs(ops[now].path, ops[now].op) {
			return now
		}
	}
	return -1
}

// TestTrapStopsOnce: who does the same later is let through, and whatever chance says is a moment.
func TestTrapStopsOnce(t *testing.T) {
	flush := recorded(t)["a flush, its floor, segments that merges replaced, and a shorter log"]
	for act, moments := range acts {
		for _, chance := range []uint64{0, uint64(len(moments)), 1<<64 - 1} {
			if trap := newTrap(act, chance, nil); trap.wanted < 0 || trap.wanted >= len(moments) {
				t.Errorf("%s: moment %d of %d", act, trap.wanted, len(moments))
			}
		}
	}
	trap := newTrap(schedule.Flushing, 3, nil)
	stops := once(trap.springs)
	stopped := 0
	for range 3 {
		for _, s := range flush {
			if stops(s.path, s.op) {
				stopped++
			}
		}
	}
	if stopped != 1 {
		t.Errorf("stopped %d times", stopped)
	}
}
