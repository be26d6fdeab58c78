package workload

import (
	"context"
	"slices"
	"time"

	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/vfs"
)

// Disk is that of a node which has been stopped, with its data directory as the root.
type Disk struct {
	Node  string
	Files vfs.FS
}

// Verify checks every certificate as its owner would: offline, under the policy and beside the checkpoints that he kept. Those that were asked for
// from end on it checks with the segments of each disk, too, where they tell of frames.
func (a *Auditor) Verify(disks []Disk, end time.Duration) {
	for _, c := range a.all {
		results := []check.Verification{a.verify(c, nil)}
		for i := range disks {
			if c.Invoke >= end && !c.Asked.Counts {
				results = append(results, a.verify(c, &disks[i]))
			}
		}
		a.site.Record(func(*check.Run) { c.Verified = results })
	}
}

// verify is what `gapless verify` comes to, under the policy of the time.
func (a *Auditor) verify(c filed, disk *Disk) (v check.Verification) {
	for _, policy := range c.policies {
		if v = a.under(policy, c, disk); v.Code != verify.CodeSignature && v.Code != verify.CodeUsage { // before a node has a key there is no policy
			break
		}
	}
	return v
}

// under is what it comes to under one policy. Of the earlier checkpoints it is shown those that the policy believes: others are of voters who have
// gone.
func (a *Auditor) under(policy []byte, c filed, disk *Disk) check.Verification {
	in := verify.Input{Certificate: c.Raw, Policy: policy}
	if p, err := sign.ParsePolicy(policy); err == nil {
		for _, size := range c.Asked.Since {
			if _, err := p.Check(a.notes[size]); err == nil {
				in.Since = append(in.Since, a.notes[size])
			}
		}
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
