package drive

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/raftfsm/floor"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/vfs"
)

const (
	filesEvery  = 3 * time.Second // how often the disks are looked through
	floorDigits = 20              // what the name of a floor's file begins with: its index
)

// watchFiles makes sure that every segment that a floor on some disk lists is on some disk, whatever merges have replaced it meanwhile: a node may
// have to start from that floor. A finding counts when it is there twice, because disks are looked at one after the other.
func (d *Driver) watchFiles() {
	before, had := map[string]bool{}, map[string]bool{}
	for d.Wait(filesEvery) {
		var shelves []shelf
		for _, m := range d.machines {
			shelves = append(shelves, shelfOf(m))
		}
		now := lostFiles(shelves, had)
		for _, what := range slices.Sorted(maps.Keys(now)) {
			if before[what] {
				d.Violate("onlycopy", what)
			}
		}
		before = now
	}
}

// shelf is what one disk has at one look, whatever is wrong with it.
type shelf struct {
	machine, server string
	here            map[segment.Name]bool
	floors          map[string]map[segment.Name]bool // what each floor lists, by its file
}

func shelfOf(m *machine) shelf {
	disk := m.Disk().Look()
	s := shelf{m.Name(), m.server(), segmentsOn(disk), map[string]map[segment.Name]bool{}}
	for _, file := range keptFloors(disk) {
		s.floors[file] = map[segment.Name]bool{}
	}
	for file, info := range listed(disk) {
		if s.floors[file] != nil {
			s.floors[file][info.Name] = true
		}
	}
	return s
}

// lostFiles lists segments that are on no disk although a floor on one lists them. One that its server never had, because an install named it and the
// node went down before it could pull it, may be gone once some floor is newer and without it: the log, or the next install, leads whoever starts
// from the older one past it. had remembers from look to look what each server had.
func lostFiles(shelves []shelf, had map[string]bool) map[string]bool {
	here, lost := map[segment.Name]bool{}, map[string]bool{}
	for _, s := range shelves {
		for name := range s.here {
			here[name], had[s.server+name.String()] = true, true
		}
	}
	for _, s := range shelves {
		for file, names := range s.floors {
			for name := range names {
				if !here[name] && (had[s.server+name.String()] || !retired(shelves, file, name)) {
					lost[fmt.Sprintf("%ssegment %.16s of %s on %s", check.NowhereWords, name, file, s.machine)] = true
				}
			}
		}
	}
	return lost
}

// retired reports whether some floor that is newer than that of a file does not list a segment any more.
func retired(shelves []shelf, file string, name segment.Name) bool {
	return slices.ContainsFunc(shelves, func(s shelf) bool {
		for newer, names := range s.floors {
			if newer[:floorDigits] > file[:floorDigits] && len(names) > 0 && !names[name] {
				return true
			}
		}
		return false
	})
}

// cutOff makes sure that the machine whose power was just cut still has each segment that its process, which runs or ran since begun, called present,
// and that a floor on its disk lists. Later nobody can tell: the node pulls at once what it lacks.
func (d *Driver) cutOff(m *machine, begun time.Duration) {
	said := d.lastStorage(m, d.Now())
	if said == nil || said.Invoke < begun {
		return
	}
	present := map[string]bool{}
	for _, g := range said.Segments {
		present[g.Name] = g.State == "present"
	}
	disk := m.Disk().Look()
	here := segmentsOn(disk)
	for file, info := range listed(disk) {
		if present[info.Name.String()] && !here[info.Name] {
			d.Violate("onlycopy", fmt.Sprintf("NOT DURABLE: a power cut took segment %.16s of %s from %s, which had called it present", info.Name,
				file, m.Name()))
		}
	}
}

// segmentsOn is the segments that are on a disk.
func segmentsOn(disk vfs.FS) map[segment.Name]bool {
	here := map[segment.Name]bool{}
	for _, dir := range []string{"segments", "segments/quarantine"} {
		names, _ := disk.List(dir) // none before the first segment
		for _, file := range names {
			digits, _, _ := strings.Cut(strings.TrimSuffix(file, segment.Extension), "-")
			if name, err := segment.ParseName(digits); err == nil && strings.HasSuffix(file, segment.Extension) {
				here[name] = true
			}
		}
	}
	return here
}

// listed yields what the floors on a disk list, with the floor's file.
func listed(disk vfs.FS) iter.Seq2[string, segment.Info] {
	return func(yield func(string, segment.Info) bool) {
		for _, file := range keptFloors(disk) {
			for _, info := range manifestIn(disk, "floors/"+file).Segments() {
				if !yield(file, info) {
					return
				}
			}
		}
	}
}

// keptFloors lists the two newest floor files. A power cut can bring back an older one that was removed before.
func keptFloors(disk vfs.FS) []string {
	names, _ := disk.List("floors")
	names = slices.DeleteFunc(names, func(file string) bool { return !strings.HasSuffix(file, ".gfl") })
	slices.Sort(names)
	return names[max(0, len(names)-2):]
}

// manifestIn reads the manifest in a floor file, nil where it cannot be read: who damaged the file knows.
func manifestIn(disk vfs.FS, file string) (m *segment.Manifest) {
	b, err := vfs.ReadFile(disk, file, 16<<20)
	if err != nil {
		return nil
	}
	_, _, err = floor.Read(bytes.NewReader(b), nil, func(name string, r io.Reader) error {
		if name != "manifest" {
			_, err := io.Copy(io.Discard, r)
			return err
		}
		part, err := io.ReadAll(r)
		if err == nil {
			m, err = segment.ParseManifest(part)
		}
		return err
	})
	if err != nil {
		return nil
	}
	return m
}
