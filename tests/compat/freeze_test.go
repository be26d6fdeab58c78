package compat

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/gaplessdb/gapless/tests/cluster"
)

// keepLog makes the log short enough to be cut.
const keepLog = 1 << 20

// freeze builds a release, lets it write, stops it, and packs what it left and what it had said.
func freeze(t *testing.T, f frozen) {
	t.Helper()
	bin := cluster.Release(t, "v"+f.release)
	var args []string
	if f.flushes {
		args = []string{"--log-keep-bytes", strconv.Itoa(keepLog)}
	}
	c := cluster.New(t, bin, f.nodes, func(string) []string { return args })
	c.StartAll()
	finalAtOnce(t, c.Nodes[0].HTTP)
	for i, r := range load() {
		if r.path == flushPath && !f.flushes {
			continue
		}
		r.say(t, c.Nodes[i%f.nodes].HTTP)
		if r.path == flushPath {
			wantFloors(t, c)
		}
	}
	if f.flushes {
		wantCut(t, c)
	}
	old := settled(t, c.Nodes[0].HTTP)
	for _, n := range c.Nodes {
		compare(t, n.Name, old, ask(t, n.HTTP))
	}
	for _, n := range c.Nodes {
		if code := c.Stop(n); code != 0 {
			t.Fatalf("%s ended with code %d", n.Name, code)
		}
	}
	b, err := json.MarshalIndent(old, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join(filepath.Dir(c.Nodes[0].Data), answersFile), b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	pack(t, f, c)
}

// finalAtOnce makes gaps final after a moment instead of ten seconds.
func finalAtOnce(t *testing.T, node string) {
	t.Helper()
	var policy map[string]any
	if err := cluster.GetJSON(node+"/v1/policy", &policy); err != nil {
		t.Fatal(err)
	}
	policy["ledger"].(map[string]any)["grace_ms"] = 500
	b, err := json.Marshal(policy)
	if err != nil {
		t.Fatal(err)
	}
	cluster.Command(t, patience, http.MethodPut, node+"/v1/policy", string(b))
}

// settled waits until no gap is open any more, so that nothing in the answers changes with time.
func settled(t *testing.T, node string) answers {
	t.Helper()
	open := "?"
	cluster.Eventually(t, patience, func() bool {
		gaps, _ := question(t, node+"/v1/gaps?system=true").(map[string]any)
		open = fmt.Sprint(gaps["totals"].(map[string]any)["open"])
		return open == "0"
	}, func() string { return open + " numbers are open" })
	return ask(t, node)
}

func wantFloors(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	floors := map[uint64]bool{}
	cluster.Eventually(t, patience, func() bool {
		clear(floors)
		for _, n := range c.Nodes {
			floors[cluster.StorageOf(t, n.HTTP).Floor] = true
		}
		return len(floors) == 1 && !floors[0]
	}, func() string { return fmt.Sprintf("floors: %v", floors) })
}

// wantCut waits until each node's log begins later than the cluster did.
func wantCut(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	for _, n := range c.Nodes {
		cluster.Eventually(t, patience, func() bool { return cluster.StorageOf(t, n.HTTP).Log.First > 1 }, func() string {
			return fmt.Sprintf("%s: the log is not cut: %+v", n.Name, cluster.StorageOf(t, n.HTTP).Log)
		})
	}
}

// pack writes the archive: the answers and every node's directory.
func pack(t *testing.T, f frozen, c *cluster.Cluster) {
	t.Helper()
	var out bytes.Buffer
	gz, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(gz)
	root := filepath.Dir(c.Nodes[0].Data)
	err = add(w, root, answersFile)
	for _, n := range c.Nodes {
		if err == nil {
			err = filepath.WalkDir(n.Data, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				name, err := filepath.Rel(root, path)
				if err != nil {
					return err
				}
				return add(w, root, name)
			})
		}
	}
	for _, close := range []func() error{w.Close, gz.Close} {
		if err == nil {
			err = close()
		}
	}
	if err == nil {
		err = os.WriteFile(f.archive(), out.Bytes(), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func add(w *tar.Writer, root, name string) error {
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: filepath.ToSlash(name), Mode: 0o644, Size: int64(len(b)), Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

func inflate(r io.Reader) (io.Reader, error) { return gzip.NewReader(bufio.NewReader(r)) }
