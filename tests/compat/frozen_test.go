package compat

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/tests/cluster"
)

// update names the release whose archives are made, from its tag. What exists is never made again but on purpose.
var update = flag.String("update", "", "release whose frozen clusters are written, such as 0.2.0")

// maxArchiveBytes keeps the repository small.
const maxArchiveBytes = 200 << 10

// frozen is a cluster that an older release left.
type frozen struct {
	release string
	nodes   int
	flushes bool // the release has floors and segments
}

var frozenClusters = []frozen{
	{"0.1.0", 1, false},
	{"0.1.0", 3, false},
	{"0.2.0", 1, true},
	{"0.2.0", 3, true},
}

func (f frozen) name() string { return f.release + map[int]string{1: "-one", 3: "-three"}[f.nodes] }

func (f frozen) archive() string { return filepath.Join("testdata", f.name()+".tar.gz") }

// TestFrozen opens each frozen cluster with today's code.
func TestFrozen(t *testing.T) {
	for _, f := range frozenClusters {
		t.Run(f.name(), func(t *testing.T) {
			if *update == f.release {
				freeze(t, f)
			}
			t.Parallel()
			dir := t.TempDir()
			if n := unpack(t, f.archive(), dir); n > maxArchiveBytes {
				t.Errorf("%s has %d bytes, at most %d are meant", f.archive(), n, maxArchiveBytes)
			}
			thaw(t, f, dir)
		})
	}
}

// TestArchivesAreListed finds an archive that nobody opens.
func TestArchivesAreListed(t *testing.T) {
	paths, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frozenClusters {
		listed[f.archive()] = true
		if !strings.Contains(string(doc), "//\t"+f.name()+" ") {
			t.Errorf("doc.go does not say which formats %s has", f.name())
		}
	}
	for _, path := range paths {
		if !listed[path] {
			t.Errorf("%s is opened by no test", path)
		}
	}
}

// thaw is the life of a frozen cluster under today's code.
func thaw(t *testing.T, f frozen, dir string) {
	var old answers
	b, err := os.ReadFile(filepath.Join(dir, answersFile))
	if err == nil {
		err = json.Unmarshal(b, &old)
	}
	if err != nil {
		t.Fatal(err)
	}
	c := newNodes(t, f, dir)
	c.start()
	for _, url := range c.urls() {
		compare(t, url, old, ask(t, url))
	}
	writeMore(t, c.urls(), old)
	c.flush()
	c.same()
	now := settled(t, c.urls()[0])
	compareFrames(t, old, now)
	c.stop()
	c.start()
	for _, url := range c.urls() {
		compare(t, url, now, ask(t, url))
	}
	c.stop()
}

// unpack writes an archive's files below dir and returns the archive's size.
func unpack(t *testing.T, path, dir string) int64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	files, err := inflate(f)
	if err == nil {
		err = cluster.Unpack(files, dir)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return info.Size()
}
