package drive

import (
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/raftfsm/floor"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/schedule"
	"github.com/gaplessdb/gapless/vfs"
)

// floored is a disk with a floor that lists segments 1 and 2, of which some are there.
func floored(t *testing.T, there ...byte) vfs.FS {
	t.Helper()
	disk := vfs.NewMem()
	must(t, disk.MkdirAll("segments"))
	for _, n := range there {
		f, err := disk.Create(path.Join("segments", segment.Name{n}.FileName()))
		must(t, err)
		must(t, f.Close())
	}
	store, err := floor.Open(disk, "floors", floor.Options{})
	must(t, err)
	info := func(n byte) segment.Info {
		return segment.Info{Name: segment.Name{n}, Bytes: 1, Frames: 1, Streams: 1, Blocks: 1, FirstIndex: uint64(n), LastIndex: uint64(n),
			Encoder: 1}
	}
	listed := (*segment.Manifest)(nil).With(info(1), info(2))
	h := floor.Header{Cluster: "c", Index: 2, Term: 1, ConfigurationIndex: 1, Configuration: raft.EncodeConfiguration(raft.Configuration{})}
	_, _, err = store.Publish(h, []floor.Part{{Name: "manifest", Write: func(w io.Writer) error {
		_, err := w.Write(listed.Append(nil))
		return err
	}}})
	must(t, err)
	must(t, store.Close())
	return disk
}

// TestPowerCutTakesSegment: what a process called present must be on its disk when the power is cut, if a floor there lists it.
func TestPowerCutTakesSegment(t *testing.T) {
	said := func(states ...string) (list []check.Segment) {
		for i, state := range states {
			list = append(list, check.Segment{Name: segment.Name{byte(i + 1)}.String(), State: state})
		}
		return list
	}
	for name, tc := range map[string]struct {
		there  []byte
		said   []check.Segment
		how    Crash
		before bool // it was said by an earlier process
		lost   int
	}{
		"all is there":      {there: []byte{1, 2}, said: said("present", "present")},
		"one is not":        {there: []byte{1}, said: said("present", "present"), lost: 1},
		"it was on its way": {there: []byte{1}, said: said("present", "pulling")},
		"nobody said":       {there: []byte{1}},
		"on another disk":   {there: []byte{1}, said: said("present", "present"), before: true},
		"only the process":  {there: []byte{1}, said: said("present", "present"), how: Crash{Kill: true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stage{disks: []*stageDisk{{files: floored(t, tc.there...)}}}
			d, err := newDriver(&schedule.Schedule{Nodes: 1}, Options{Build: func(Scene, *schedule.Schedule) (World, error) { return s, nil }})
			must(t, err)
			m := d.machines[0]
			if m.up, m.since = true, time.Now(); tc.before {
				m.since = time.Now().Add(time.Hour)
			}
			at := d.Now()
			d.Record(func(r *check.Run) {
				r.Storages = append(r.Storages, check.Storage{Node: "n1", Invoke: at, Return: at, Segments: tc.said})
			})
			m.crash(tc.how)
			_, v := d.Judge()
			lost := slices.DeleteFunc(v.Violations, func(f check.Violation) bool { return !strings.Contains(f.What, "a power cut took") })
			if len(lost) != tc.lost {
				t.Error(v.Violations)
			}
		})
	}
}

// TestLostFiles: a segment that a floor counts on and no disk has is lost, unless its server never had it and a newer floor is without it.
func TestLostFiles(t *testing.T) {
	type floors = map[string][]byte
	old, newer := "00000000000000000010-i.gfl", "00000000000000000020-l.gfl"
	on := func(machine string, here []byte, floors floors) shelf {
		s := shelf{machine, machine + ".1", map[segment.Name]bool{}, map[string]map[segment.Name]bool{}}
		for _, n := range here {
			s.here[segment.Name{n}] = true
		}
		for file, names := range floors {
			s.floors[file] = map[segment.Name]bool{}
			for _, n := range names {
				s.floors[file][segment.Name{n}] = true
			}
		}
		return s
	}
	for name, tc := range map[string]struct {
		before, now []shelf
		lost        int
	}{
		"one other has it": {now: []shelf{on("n1", nil, floors{old: {1}}), on("n2", []byte{1, 2}, floors{newer: {2}})}},
		"nobody has it":    {now: []shelf{on("n1", []byte{2}, floors{old: {1, 2}}), on("n2", nil, floors{old: {1, 2}})}, lost: 2},
		"installed and never pulled, and merged by the others": {
			before: []shelf{on("n1", nil, floors{old: {1}}), on("n2", []byte{1}, floors{old: {1}})},
			now:    []shelf{on("n1", nil, floors{old: {1}}), on("n2", []byte{2}, floors{newer: {2}})}},
		"it had it, and deleted it too early": {
			before: []shelf{on("n1", []byte{1}, floors{old: {1}}), on("n2", []byte{1}, floors{old: {1}})},
			now:    []shelf{on("n1", nil, floors{old: {1}}), on("n2", []byte{2}, floors{newer: {2}})}, lost: 1},
		"an unreadable floor says nothing": {now: []shelf{on("n1", nil, floors{old: {1}}), on("n2", []byte{2}, floors{newer: nil})}, lost: 1},
	} {
		t.Run(name, func(t *testing.T) {
			had := map[string]bool{}
			lostFiles(tc.before, had)
			if lost := lostFiles(tc.now, had); len(lost) != tc.lost {
				t.Error(slices.Collect(maps.Keys(lost)))
			}
		})
	}
}
