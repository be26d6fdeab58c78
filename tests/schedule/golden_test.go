package schedule

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files of this Version; only for a new one")

// golden are the seeds and options whose schedules are frozen, in testdata/v<Version>/.
var golden = map[string]struct {
	seed uint64
	opt  Options
}{
	"swarm-1":    {1, Options{}},
	"swarm-2":    {2, Options{}},
	"swarm-max":  {1<<64 - 1, Options{}},
	"dense":      {3, Options{Density: 60, Length: 3 * time.Minute}},
	"five-nodes": {4, Options{Nodes: 5, Density: 40, Recovery: 10 * time.Second}},
	"beyond":     {5, Options{Beyond: true, Density: 40}},
	"everything": {6, Options{Density: 30, Length: 10 * time.Minute, Faults: simulated()}},
	"processes":  {9, Options{Density: 20, Length: 5 * time.Minute, Faults: all()}},
	"real-swarm": {10, Options{Density: 20, Length: 5 * time.Minute, Real: true}},
	"disks":      {8, Options{Length: 10 * time.Minute, Faults: []Fault{Rollback, SyncError, IOError, Flip}}},
	"odd":        {7, Options{Density: 17.3, Length: 61_017 * time.Millisecond, Quiet: 7_001 * time.Millisecond}},
}

// simulated are the faults that every driver carries out.
func simulated() (list []Fault) {
	for _, k := range kinds {
		if !k.Real {
			list = append(list, k.Fault)
		}
	}
	return list
}

func all() (list []Fault) {
	for _, k := range kinds {
		list = append(list, k.Fault)
	}
	return list
}

// TestGoldenSeeds: a seed means today what it meant when Version became what it is, on every processor. If this fails because the generator
// was changed, raise Version and run with -update, which writes a directory of its own; the old one stays.
func TestGoldenSeeds(t *testing.T) {
	dir := filepath.Join("testdata", fmt.Sprintf("v%d", Version))
	if *update {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, g := range golden {
		path := filepath.Join(dir, name+".json")
		s := Generate(g.seed, g.opt)
		if *update {
			if err := s.Save(path); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.form(); got != string(want) {
			t.Errorf("%s: seed %d with %+v now gives\n%s", path, g.seed, g.opt, s)
		}
	}
}

// TestGoldenFilesLoad: files of every version are read for ever, those with every fault in every way among them.
func TestGoldenFilesLoad(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "v*", "*.json"))
	if err != nil || len(files) < len(golden) {
		t.Fatal(len(files), err)
	}
	seen := map[string]bool{}
	for _, path := range files {
		s, err := Load(path)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, u := range s.Steps {
			seen[string(u.Fault)+"/"+u.How] = true
		}
		// The file's form is one for each schedule, so what is saved again compares well.
		copied := filepath.Join(t.TempDir(), "copy.json")
		if err := s.Save(copied); err != nil {
			t.Error(err)
		}
		if again, err := Load(copied); err != nil || !reflect.DeepEqual(again, s) {
			t.Errorf("%s: %v\n%s", path, err, again)
		}
	}
	for _, k := range kinds {
		ways := slices.Concat(k.Ways, k.Rare, k.Staged)
		for _, way := range append(ways, "")[:max(1, len(ways))] {
			if !seen[string(k.Fault)+"/"+way] {
				t.Errorf("no golden file has %s %q", k.Fault, way)
			}
		}
	}
}
