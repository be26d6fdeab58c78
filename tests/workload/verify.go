package workload

import (
	"context"
	"slices"
	"time"

	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/vfs"
)

// Disk is that of a node which has been stopped, with its data directory as the root.
type Disk struct {
	Node  string
	Files vfs.FS
}

// Verify checks every certificate as its owner would: offline, under the policy and beside the checkpoints that he kept. Those of all devices
// that were asked for from end on it checks with the segments of each disk, too.
func (a *Auditor) Verify(disks []Disk, end time.Duration) {
	for _, c := range a.all {
		results := []check.Verification{a.verify(c, nil)}
		for i := range disks {
			if c.Invoke >= end && len(c.Asked.Devices) == len(a.devices) {
				results = append(results, a.verify(c, &disks[i]))
			}
		}
		a.site.Record(func(*check.Run) { c.Verified = results })
	}
}

// verify is what `gapless verify` comes to.
func (a *Auditor) verify(c *check.Certificate, disk *Disk) check.Verification {
	in := verify.Input{Certificate: c.Raw, Policy: a.policy}
	for _, size := range c.Asked.Since {
		in.Since = append(in.Since, a.notes[size])
	}
	v := check.Verification{}
	if disk != nil {
		v.Disk, in.Files = disk.Node, verify.Dir(disk.Files, "segments")
	}
	report := verify.Run(context.Background(), in)
	v.Code = report.Code
	if i := slices.IndexFunc(report.Checks, func(l verify.Line) bool { return !l.OK }); i >= 0 {
		v.Failed, v.Text = report.Checks[i].Name, report.Checks[i].Text
	}
	return v
}
