package drive

import (
	"fmt"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/workload"
)

// resealed waits until a seal that begins now, by itself, is in a checkpoint that a majority signed, on every node.
func (d *Driver) resealed() {
	newest := uint32(0)
	for _, m := range d.machines {
		if s := d.Sealing(d.control, m.node()); s != nil {
			newest = max(newest, s.Sealed+uint32(s.Pending))
		}
	}
	d.until("certificates", check.WithheldWords+"a new seal", sameWithin, func() (bool, string) {
		for _, m := range d.machines {
			switch s := d.Sealing(d.control, m.node()); {
			case s == nil:
				return false, m.Name() + " does not answer"
			case s.Sealed <= newest || s.Signed.Size == 0 || 2*len(s.Signers) <= len(d.machines):
				return false, fmt.Sprintf("seal %d is the newest: %s", newest, s)
			}
		}
		return true, ""
	})
}

// certify takes the certificates of the end, stops everything, and has them all checked, with what is on the disks then.
func (d *Driver) certify(auditor *workload.Auditor, whole bool) {
	began := d.Now()
	auditor.Finish(whole)
	if whole {
		d.until("certificates", check.WithheldWords+"a floor behind the last certificate", sameWithin, d.covered)
	}
	d.end()
	var disks []workload.Disk
	for _, m := range d.machines {
		disks = append(disks, workload.Disk{Node: m.Name(), Files: m.Disk().Look()})
	}
	if !whole {
		disks = nil // what a node lacks has been told
	}
	auditor.Verify(disks, began)
}

// covered reports whether every node has on its disk, in segments, what the certificates speak of.
func (d *Driver) covered() (bool, string) {
	last := uint64(0)
	d.Record(func(r *check.Run) {
		for _, c := range r.Certified {
			last = max(last, c.Index)
		}
	})
	for _, m := range d.machines {
		if s := d.Storage(d.control, m.node()); s == nil || s.Floor < last || s.Missing > 0 {
			return false, fmt.Sprintf("%s has not all up to index %d in segments", m.Name(), last)
		}
	}
	return true, ""
}
