package registry

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/ledger"
)

// TestLimits: what would pass a limit is refused; what is beyond one already may shrink.
func TestLimits(t *testing.T) {
	r := empty()
	r.table.count, r.bytes = MaxTotal, limitBytes
	for _, c := range []struct {
		count int
		bytes int64
		code  string
	}{
		{MaxTotal, limitBytes, ""}, {MaxTotal + 1, 0, CodeTooManyDevices}, {0, limitBytes + 1, CodeRegistryFull},
	} {
		if err := r.room(c.count, c.bytes); codeOf(err) != c.code {
			t.Errorf("%d devices, %d bytes: %v, want %q", c.count, c.bytes, err, c.code)
		}
	}
	if _, err := do(t, r, KindSet, `[{"device":"a"}]`); codeOf(err) != CodeTooManyDevices {
		t.Errorf("one device more: %v", err)
	}
	r.table.count = 0
	if _, err := do(t, r, KindPatch, `[{"device":"a"}]`); codeOf(err) != CodeRegistryFull {
		t.Errorf("some bytes more: %v", err)
	}
	r.table.count, r.bytes = MaxTotal+5, limitBytes+5 // of a release with higher limits
	if err := r.room(MaxTotal+4, limitBytes+4); err != nil {
		t.Errorf("a registry beyond its limits cannot shrink: %v", err)
	}
}

// TestSizeIsAtLeastWhatIsWritten: the limit of bytes is counted before anything is written.
func TestSizeIsAtLeastWhatIsWritten(t *testing.T) {
	long := strings.Repeat("x", 256)
	full := record{tenant: long, device: long, kind: long, class: ClassSnapshot, cadenceMS: maxCadenceMS, revision: math.MaxUint64, changedMS: math.MinInt64,
		rule: &ledger.Rule{RestartBelow: ptr(uint64(ledger.MaxSeq)), RestartDrop: ptr(uint64(ledger.MaxSeq)), MisorderWindow: ptr(uint64(1 << 20)), ProtocolZero: ptr(true), First: ptr(uint64(ledger.MaxSeq))}}
	for i := range MaxLabels {
		full.labels = append(full.labels, label{fmt.Sprintf("%03d%s", i, long[3:]), long})
	}
	for _, rec := range []record{full, {}} {
		if got := int64(len(rec.append(nil, "another"))); got > rec.size() {
			t.Errorf("%d bytes are written, %d counted", got, rec.size())
		}
	}
}
