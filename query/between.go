package query

import (
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// neighbours are the stored frames below and above a gap, nil where there is none.
func neighbours(v *View, tenant string, row *ledger.GapRow) (before, after *segment.Row) {
	id, ok := v.Ledger.ID(frame.StreamKey{Tenant: tenant, Device: row.Device, Stream: row.Stream})
	if !ok {
		return nil, nil
	}
	if r, ok := v.Head.Before(id, row.Epoch, row.From); ok {
		before = &r
	}
	if r, ok := v.Head.After(id, row.Epoch, row.To); ok {
		after = &r
	}
	return before, after
}

// setBetween writes the device times of the neighbours into a gap: when it happened, as far as anybody can say.
func setBetween(v *View, tenant string, row *ledger.GapRow) {
	before, after := neighbours(v, tenant, row)
	if before == nil && after == nil {
		return
	}
	row.Between = &[2]string{timeOf(before), timeOf(after)}
}

func timeOf(row *segment.Row) string {
	if row == nil {
		return ""
	}
	return time.Unix(0, row.TimeNS).UTC().Format(time.RFC3339Nano)
}
