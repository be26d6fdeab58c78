package gapless

import (
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/floor"
	"github.com/gaplessdb/gapless/vfs"
)

// TestFloorWithoutASection: a floor of cluster version 2 that lacks what operators said of devices, where consumers are, or which segments are being
// merged, is damage. One of version 1 that has it, too.
func TestFloorWithoutASection(t *testing.T) {
	n := startSingle(t, nil)
	if code, body := send(t, n, "POST", "/v1/cluster/flush", ""); code != 200 {
		t.Fatalf("flush: %d %s", code, body)
	}
	eventually(t, func() bool { return len(n.floors.Floors()) > 0 }, func() string { return "no floor" })
	var h floor.Header
	contents := map[string]string{}
	var names []string
	err := n.floors.Read(n.floors.Floors()[0].Index, func(found floor.Header) error { h = found; return nil }, func(name string, r io.Reader) error {
		b, err := io.ReadAll(r)
		contents[name], names = string(b), append(names, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	read := func(version string, names []string) error {
		return readFloorOf(t, h, names, func(name string) string {
			if name == "members" {
				return strings.Replace(contents[name], `"cluster_version":2`, `"cluster_version":`+version, 1)
			}
			return contents[name]
		})
	}
	later := []string{"devices", "consumers", "merges"}
	older := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(later, name) })
	if err := errors.Join(read("2", names), read("1", older)); err != nil || len(names) != len(older)+len(later) {
		t.Errorf("whole floors with %v: %v", names, err)
	}
	for _, section := range later {
		without := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == section })
		if err := read("2", without); !errors.Is(err, floor.ErrCorrupt) || !strings.Contains(err.Error(), "a part "+section) {
			t.Errorf("version 2 without %s: %v", section, err)
		}
		if err := read("1", append(slices.Clone(older), section)); !errors.Is(err, floor.ErrCorrupt) || !strings.Contains(err.Error(), "no part "+section) {
			t.Errorf("version 1 with %s: %v", section, err)
		}
	}
}

// readFloorOf builds a state from a floor file with the named parts.
func readFloorOf(t *testing.T, h floor.Header, names []string, contents func(name string) string) error {
	t.Helper()
	store, err := floor.Open(vfs.NewMem(), "floors", floor.Options{Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var parts []floor.Part
	for _, name := range names {
		parts = append(parts, floor.Part{Name: name, Write: func(w io.Writer) error { _, err := io.WriteString(w, contents(name)); return err }})
	}
	if _, _, err := store.Publish(h, parts); err != nil {
		t.Fatal(err)
	}
	list, err := store.List()
	if err != nil {
		t.Fatal(err)
	}
	_, r, err := store.Open(list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, _, err = raftfsm.ReadFloor(r, Sections)
	return err
}
