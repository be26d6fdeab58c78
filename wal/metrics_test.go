package wal

import (
	"testing"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := vfs.NewMem()
	opt := smallOptions()
	opt.Metrics, opt.TailCacheBytes = reg, -1
	l := mustOpen(t, m, opt)
	if _, err := Open(vfs.NewMem(), testDir, opt); err == nil {
		t.Error("the metrics of two logs share a registerer")
	}
	for i := uint64(1); i <= 10; i++ {
		mustStore(t, l, makeEntry(i, 1, 1000))
	}
	l.SetFloor(9)
	must(t, l.DeleteRange(1, 8))
	must(t, l.DeleteRange(10, 10))
	for i := uint64(10); i <= 15; i++ {
		mustStore(t, l, makeEntry(i, 1, 1000))
	}
	must(t, l.GetLog(10, new(raft.Log)))
	for c, want := range map[prometheus.Counter]float64{
		l.metrics.appendedEntries: 16,
		l.metrics.hits:            0,
		l.metrics.misses:          1,
		l.metrics.truncations:     1,
		l.metrics.tornTails:       0,
		l.metrics.corruptReads:    0,
	} {
		if got := testutil.ToFloat64(c); got != want {
			t.Errorf("%s is %v, want %v", c.Desc(), got, want)
		}
	}
	if n := testutil.ToFloat64(l.metrics.appendedBytes); n < 10_000 || n > 20_000 {
		t.Errorf("%v bytes appended", n)
	}
	if testutil.ToFloat64(l.metrics.created) == 0 || testutil.ToFloat64(l.metrics.recycled) == 0 {
		t.Error("files are not counted")
	}
	if n, err := testutil.GatherAndCount(reg); err != nil || n != 10 {
		t.Errorf("%d metrics: %v", n, err)
	}
	must(t, l.Close())
	if n, err := testutil.GatherAndCount(reg); err != nil || n != 0 {
		t.Errorf("%d metrics after Close: %v", n, err)
	}
}

func TestTornTailsCounted(t *testing.T) {
	m := vfs.NewMem()
	l := mustOpen(t, m, smallOptions())
	mustStore(t, l, makeEntry(1, 1, 10))
	mustStore(t, l, makeEntry(2, 1, 10))
	m = kill(m)
	must(t, Dump(m, testDir, func(r Record) error {
		if r.Live && r.Log.Index == 2 {
			return m.Flip(r.Path, r.Offset+r.Bytes-1, 0)
		}
		return nil
	}))
	l = mustOpen(t, m, smallOptions())
	if n := testutil.ToFloat64(l.metrics.tornTails); n != 1 {
		t.Errorf("%v torn tails", n)
	}
}
