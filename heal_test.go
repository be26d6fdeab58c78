package gapless

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/raftfsm/floor"
	"github.com/gaplessdb/gapless/vfs"
)

// TestDivergedNodeTakesTheMajoritysFloor gives one node a floor file that is whole and tells another history. What it flushes next differs
// from what the others flush; it must see that, take theirs, and be the same again.
func TestDivergedNodeTakesTheMajoritysFloor(t *testing.T) {
	c := newCalmCluster(t)
	c.startAll()
	postFrames(t, c.nodes[0], "d1", 0, 499)
	c.flushed()
	_, followers := c.leader()
	sick := 0
	for c.nodes[sick] != followers[0] {
		sick++
	}
	c.stop(sick)
	forgeFloor(t, c.cfgs[sick].Data)
	n := c.start(sick)
	c.ready(n)
	postFrames(t, n, "d1", 500, 999)
	c.flush()
	leader, _ := c.leader()
	eventually(t, func() bool {
		want := storageOf(t, leader)
		got := storageOf(t, n)
		return want.Floor > 0 && got.Floor == want.Floor && got.FloorHash == want.FloorHash &&
			slices.ContainsFunc(got.Floors, func(f floorAnswer) bool { return f.Installed }) // at once, or with the flush behind it
	}, func() string {
		return fmt.Sprintf("floors %+v and %+v", storageOf(t, leader).Floors, storageOf(t, n).Floors)
	})
	c.ready(n)
	wantSame(t, c.flushed())
	if got := countFrames(t, n, "d1", "&consistency=linearizable"); got != 1000 {
		t.Errorf("%d frames, want 1000", got)
	}
}

// forgeFloor changes a counter in the newest floor of a stopped node and writes the file as if the node had.
func forgeFloor(t *testing.T, data string) {
	t.Helper()
	fs, err := vfs.OS(data)
	if err != nil {
		t.Fatal(err)
	}
	store, err := floor.Open(fs, floorsDir, floor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	newest := store.Floors()[0].Index
	var h floor.Header
	var parts []floor.Part
	forged := false
	err = store.Read(newest, func(got floor.Header) error { h = got; return nil }, func(name string, r io.Reader) error {
		b, err := io.ReadAll(r)
		if name == "core" {
			changed := bytes.Replace(b, []byte(`"recorder_dropped":0`), []byte(`"recorder_dropped":9`), 1)
			forged, b = !bytes.Equal(b, changed), changed
		}
		parts = append(parts, floor.Part{Name: name, Write: func(w io.Writer) error { _, err := w.Write(b); return err }})
		return err
	})
	if err != nil || !forged {
		t.Fatalf("nothing forged in floor %d: %v", newest, err)
	}
	files, err := filepath.Glob(filepath.Join(data, floorsDir, "*.gfl"))
	if err != nil {
		t.Fatal(err)
	}
	var removed error
	for _, f := range files {
		if strings.Contains(f, fmt.Sprint(newest)) {
			removed = errors.Join(removed, os.Remove(f))
		}
	}
	if store, err = floor.Open(fs, floorsDir, floor.Options{}); err != nil || removed != nil {
		t.Fatal(err, removed)
	}
	if _, _, err := store.Publish(h, parts); err != nil {
		t.Fatal(err)
	}
}
