package demo

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/cmd/gapless/fleet"
)

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestDirectory: only what a demo made is ever removed.
func TestDirectory(t *testing.T) {
	const good = `{"version":1,"ports":{"http":[1,2,3],"cluster":[4,5,6]}}`
	for _, tc := range []struct {
		name, marker string // "" none
		fresh        bool
		wantErr      string
		wantData     bool // n1/raft.db is there afterwards
	}{
		{"somebody else's", "", true, "is not a demo's", true},
		{"somebody else's, staying", "", false, "is not a demo's", true},
		{"an earlier demo's", good, true, "", false},
		{"an earlier demo's, staying", good, false, "", true},
		{"another version's", strings.Replace(good, "1", "9", 1), true, "version 9", true},
		{"a broken marker", "{", true, "unexpected end", true},
		{"a marker without ports", `{"version":1}`, true, "remove", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			data, own := filepath.Join(dir, "n1", "raft.db"), filepath.Join(dir, "notes.txt")
			writeFile(t, data, "x")
			writeFile(t, own, "mine")
			if tc.marker != "" {
				writeFile(t, filepath.Join(dir, markerFile), tc.marker)
			}
			d, err := openDirectory(dir, tc.fresh)
			if err == nil {
				defer d.lock.Close()
			}
			if (err == nil) != (tc.wantErr == "") || err != nil && !strings.Contains(err.Error(), tc.wantErr) {
				t.Errorf("got %v, want %q", err, tc.wantErr)
			}
			if exists(data) != tc.wantData || !exists(own) {
				t.Errorf("data there: %v, want %v; other files there: %v", exists(data), tc.wantData, exists(own))
			}
			if err == nil && (d.earlier != nil) == tc.fresh {
				t.Errorf("earlier demo: %v", d.earlier)
			}
		})
	}
}

// TestDirectoryIsLocked: a second demo does not remove the data of one that runs.
func TestDirectoryIsLocked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	d, err := openDirectory(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.mark(ports{HTTP: []int{1, 2, 3}, Cluster: []int{4, 5, 6}}); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "n1", "raft.db"), "x")
	if _, err := openDirectory(dir, true); err == nil || !strings.Contains(err.Error(), "another demo runs") {
		t.Errorf("got %v", err)
	}
	if !exists(filepath.Join(dir, "n1", "raft.db")) {
		t.Error("the data of a running demo is gone")
	}
	if err := d.lock.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := openDirectory(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	again.lock.Close()
}

// TestPorts: the preferred ports when they are free, others when one is not.
func TestPorts(t *testing.T) {
	free, err := otherPorts()
	if err != nil {
		t.Fatal(err)
	}
	got, err := choosePorts(free.HTTP[0], free.Cluster[0])
	if err != nil || got.HTTP[2] != free.HTTP[2] || got.Cluster[1] != free.Cluster[1] {
		t.Errorf("got %v, %v; free were %v", got, err, free)
	}
	l, err := net.Listen("tcp", loopback(free.Cluster[2]))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got, err = choosePorts(free.HTTP[0], free.Cluster[0])
	if err != nil || !got.valid() || got.Cluster[2] == free.Cluster[2] || got.taken() != 0 {
		t.Errorf("got %v, %v; %d is taken", got, err, free.Cluster[2])
	}
}

// TestPlainProgress: without a terminal there is a line for each tenth, and no more.
func TestPlainProgress(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out, 1000)
	for acked := int64(0); acked <= 1000; acked++ {
		p.show(fleet.Progress{Frames: 1000, Acked: acked})
	}
	p.say("killed the leader %s", "n2")
	p.end()
	if n := strings.Count(out.String(), "\n"); n != 12 {
		t.Errorf("%d lines, want 11 of progress and one said:\n%s", n, out.String())
	}
	for _, want := range []string{"  0 %", " 50 %", "100 %", "1000 of 1000", "killed the leader n2"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}
