package gapless

import (
	"errors"
	"fmt"
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
// merged, is damage; one of version 3 that lacks the proof, likewise. So is one that has a part that its version has not.
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
	since := map[string]int{"devices": 2, "consumers": 2, "merges": 2, "proof": 3}
	at := func(version int) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return since[name] > version })
	}
	read := func(version int, names []string) error {
		return readFloorOf(t, h, names, func(name string) string {
			if name == "members" {
				return strings.Replace(contents[name], `"cluster_version":3`, fmt.Sprint(`"cluster_version":`, version), 1)
			}
			return contents[name]
		})
	}
	if err := errors.Join(read(3, at(3)), read(2, at(2)), read(1, at(1))); err != nil || len(at(1)) != len(names)-len(since) || raftfsm.SupportedVersion != 3 {
		t.Errorf("whole floors with %v: %v", names, err)
	}
	for section, first := range since {
		for version := 1; version <= raftfsm.SupportedVersion; version++ {
			if version < first {
				if err := read(version, append(at(version), section)); !errors.Is(err, floor.ErrCorrupt) || !strings.Contains(err.Error(), "no part "+section) {
					t.Errorf("version %d with %s: %v", version, section, err)
				}
				continue
			}
			without := slices.DeleteFunc(at(version), func(name string) bool { return name == section })
			if err := read(version, without); !errors.Is(err, floor.ErrCorrupt) || !strings.Contains(err.Error(), "a part "+section) {
				t.Errorf("version %d without %s: %v", version, section, err)
			}
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
