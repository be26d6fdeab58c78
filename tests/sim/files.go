package sim

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/raftfsm/floor"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// filesEvery is how often the disks are looked through.
const filesEvery = 3 * time.Second

// watchFiles makes sure that every segment that a floor on some disk lists is on some disk, whatever merges have replaced it meanwhile: a node may have to
// start from that floor. A finding counts when it is there twice, because disks are looked at one after the other.
func (c *cluster) watchFiles() {
	before := map[string]bool{}
	for c.wait(filesEvery) {
		now := c.lostFiles()
		for _, what := range slices.Sorted(maps.Keys(now)) {
			if before[what] {
				c.violate("onlycopy", what)
			}
		}
		before = now
	}
}

// lostFiles lists segments that are on no disk although a floor on one lists them.
func (c *cluster) lostFiles() map[string]bool {
	var disks []*vfs.Mem
	for _, m := range c.machines {
		disks = append(disks, m.disk.files().CrashClone(vfs.Crash{Kill: true})) // as it is, whatever is wrong with it
	}
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
	lost := map[string]bool{}
	for i, disk := range disks {
		for _, file := range keptFloors(disk) {
			for _, info := range manifestIn(disk, "floors/"+file).Segments() {
				if !here[info.Name] {
					lost[fmt.Sprintf("LOST: segment %.16s of %s on %s is on no disk", info.Name, file, c.machines[i].name)] = true
				}
			}
		}
	}
	return lost
}

// keptFloors lists the two newest floor files. A power cut can bring back an older one that was removed before.
func keptFloors(disk *vfs.Mem) []string {
	names, _ := disk.List("floors")
	names = slices.DeleteFunc(names, func(file string) bool { return !strings.HasSuffix(file, ".gfl") })
	slices.Sort(names)
	return names[max(0, len(names)-2):]
}

// manifestIn reads the manifest in a floor file, nil where it cannot be read: who damaged the file knows.
func manifestIn(disk *vfs.Mem, file string) (m *segment.Manifest) {
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
