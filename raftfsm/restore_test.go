package raftfsm

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/raftfsm/floor"
)

// reread publishes a floor of these parts, and builds a state from the file.
func reread(t *testing.T, h floor.Header, parts []floor.Part) error {
	t.Helper()
	d := newDisk(t)
	if _, _, err := d.floors.Publish(h, parts); err != nil {
		t.Fatal(err)
	}
	list, err := d.floors.List()
	if err != nil {
		t.Fatal(err)
	}
	_, r, err := d.floors.Open(list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, _, err = ReadFloor(r, fakeSections)
	return err
}

// TestFloorHasEveryPart: a floor without a part of its cluster version, or with one of a later version, is damaged, and says which part.
func TestFloorHasEveryPart(t *testing.T) {
	r := newReplica(t)
	seal := func() (floor.Header, []floor.Part) {
		r.entryOnly(KindFlush)
		sealed := r.state.oldest()
		r.state.flushed(sealed, r.state.manifest, 0)
		return sealed.header(0), sealed.parts(r.state.manifest, 0)
	}
	first, before := seal()
	r.raise()
	second, after := seal()
	for _, c := range []struct {
		version string
		header  floor.Header
		parts   []floor.Part
		count   int
	}{{"1", first, before, 7}, {"2", second, after, 8}} {
		if err := reread(t, c.header, c.parts); err != nil || len(c.parts) != c.count {
			t.Errorf("version %s, all %d parts: %v", c.version, len(c.parts), err)
		}
		for i, p := range c.parts {
			err := reread(t, c.header, slices.Delete(slices.Clone(c.parts), i, i+1))
			if !errors.Is(err, floor.ErrCorrupt) || !strings.Contains(err.Error(), "a part "+p.Name) {
				t.Errorf("version %s without %s: %v", c.version, p.Name, err)
			}
		}
	}
	early := append(slices.Clone(before), after[len(after)-1])
	if err := reread(t, first, early); !errors.Is(err, floor.ErrCorrupt) || !strings.Contains(err.Error(), "no part fake at cluster version 1") {
		t.Errorf("version 1 with a part of version 2: %v", err)
	}
	second.Index++
	if err := reread(t, second, after); !errors.Is(err, floor.ErrCorrupt) {
		t.Errorf("the state of another index: %v", err)
	}
}

// TestFloorOfANewerCluster: which parts such a floor has, only newer releases know. It is read far enough to tell that.
func TestFloorOfANewerCluster(t *testing.T) {
	r := newReplica(t)
	r.raise()
	r.entryOnly(KindFlush)
	sealed := r.state.oldest()
	parts := sealed.parts(r.state.manifest, 0)
	for i, p := range parts {
		if p.Name == r.state.members.Name() {
			parts[i].Write = func(w io.Writer) error {
				var b bytes.Buffer
				if err := p.Write(&b); err != nil {
					return err
				}
				_, err := w.Write(bytes.Replace(b.Bytes(), []byte(`"cluster_version":3`), []byte(`"cluster_version":4`), 1))
				return err
			}
		}
	}
	if err := reread(t, sealed.header(0), parts[:len(parts)-1]); err != nil {
		t.Error(err)
	}
}
