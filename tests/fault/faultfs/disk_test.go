//go:build linux

package faultfs

import (
	"bytes"
	"fmt"
	"strings"
	"syscall"
	"testing"
)

func TestTruncatedBytesStayAway(t *testing.T) {
	d := newDisk(100)
	i := d.fill(t, "a", 0, strings.Repeat("o", pageSize))
	must(t, d.truncate(i, 10))
	must(t, d.truncate(i, pageSize))
	if got := i.text(); got != "oooooooooo"+strings.Repeat("\x00", pageSize-10) {
		t.Errorf("%d bytes are not zero, want 10", pageSize-strings.Count(got, "\x00"))
	}
	must(t, d.remove(d.root, "a", false))
	must(t, d.truncate(i, 0)) // nobody counts it any more
	if d.used != 0 {
		t.Errorf("an empty disk uses %d pages", d.used)
	}
}

// What is never synced does not grow for ever.
func TestPendingChangesAreBounded(t *testing.T) {
	d := newDisk(100)
	for n := range 3 * maxPending {
		name := fmt.Sprint(n)
		_, err := d.create(d.root, name, syscall.S_IFREG, 0, 0)
		must(t, err)
		if n > 0 {
			must(t, d.remove(d.root, fmt.Sprint(n-1), false))
		}
	}
	if n := len(d.root.pending); n > maxPending || n < maxPending/2 {
		t.Errorf("%d changes are pending", n)
	}
	d.root.sync()
	if names := d.root.names(); len(names) != 1 || len(d.root.kept) != 1 {
		t.Errorf("%d names, %d durable", len(names), len(d.root.kept))
	}
}

// A copy shares the pages, and is not changed by what is written after it.
func TestSnapshotSharesPages(t *testing.T) {
	d := newDisk(1000)
	i := d.fill(t, "a", 0, strings.Repeat("a", 100*pageSize))
	image := d.snapshot()
	copied := image.root.entries["a"]
	d.fill(t, "a", 0, "b")
	must(t, d.truncate(i, 50*pageSize))
	if copied.live.pages[7] != i.live.pages[7] || copied.live.pages[0] == i.live.pages[0] {
		t.Error("pages are not shared until they are written")
	}
	if text := copied.text(); text != strings.Repeat("a", 100*pageSize) || !bytes.Equal(copied.durable.pages[0][:], copied.live.pages[0][:]) {
		t.Error("the copy changed")
	}
}
