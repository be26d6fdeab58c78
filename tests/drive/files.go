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

// filesEvery is how often the disks are looked through.
const filesEvery = 3 * time.Second

// watchFiles makes sure that every segment that a floor on some disk lists is on some disk, whatever merges have replaced it meanwhile: a node may
// have to start from that floor. A finding counts when it is there twice, because disks are looked at one after the other.
func (d *Driver) watchFiles() {
	before := map[string]bool{}
	for d.Wait(filesEvery) {
		now := d.lostFiles()
		for _, what := range slices.Sorted(maps.Keys(now)) {
			if before[what] {
				d.Violate("onlycopy", what)
			}
		}
		before = now
	}
}

// lostFiles lists segments that are on no disk although a floor on one lists them.
func (d *Driver) lostFiles() map[string]bool {
	var disks []vfs.FS
	for _, m := range d.machines {
		disks = append(disks, m.Disk().Look()) // as it is, whatever is wrong with it
	}
	here := segmentsOn(disks...)
	lost := map[string]bool{}
	for i, disk := range disks {
		for file, info := range listed(disk) {
			if !here[info.Name] {
				lost[fmt.Sprintf("%ssegment %.16s of %s on %s", check.NowhereWords, info.Name, file, d.machines[i].Name())] = true
			}
		}
	}
	return lost
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

// segmentsOn is the segments that are on some disk.
func segmentsOn(disks ...vfs.FS) map[segment.Name]bool {
	here := map[segment.Name]bool{}
	for _, disk := range disks {
		for _, dir := range []string{"segments", "segments/quarantine"} {
			names, _ := disk.List(dir) // none before the first segment
			for _, file := range names {
				digits, _, _ := strings.Cut(strings.TrimSuffix(file, segment.Extension), "-")
				if name, err := segment.ParseName(digits); err == nil && strings.HasSuffix(file, segment.Extension) {
					here[name] = true
				}
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
