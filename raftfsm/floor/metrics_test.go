package floor

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gaplessdb/gapless/vfs"
)

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := vfs.NewMem()
	s := mustOpen(t, m, Options{Metrics: reg})
	if _, err := Open(vfs.NewMem(), testDir, Options{Metrics: reg}); err == nil {
		t.Error("the metrics of two stores share a registerer")
	}
	values := func(newest, bytes, kept, installed, damaged float64) {
		t.Helper()
		for c, want := range map[prometheus.Collector]float64{
			s.metrics.newest: newest, s.metrics.bytes: bytes, s.metrics.kept: kept, s.metrics.installed: installed, s.metrics.damaged: damaged,
		} {
			if got := testutil.ToFloat64(c); got != want {
				t.Errorf("%v is %v, want %v", c, got, want)
			}
		}
	}
	size := float64(len(encoded(t, 100, 0)))
	values(0, 0, 0, 0, 0)
	mustPublish(t, s, 100)
	_, err := install(s, 200, 0, encoded(t, 200, 0))
	must(t, err)
	values(200, size, 2, 1, 0)
	flip(t, m, installed200, 1000)
	if s.Read(200, nil, nil) == nil {
		t.Error("damage is not seen")
	}
	values(100, size, 1, 1, 1)
	if n := testutil.CollectAndCount(s.metrics.publish); n != 1 {
		t.Errorf("%d histograms", n)
	}
	if n, err := testutil.GatherAndCount(reg); err != nil || n != 6 {
		t.Errorf("%d metrics: %v", n, err)
	}
	must(t, s.Close())
	if n, err := testutil.GatherAndCount(reg); err != nil || n != 0 {
		t.Errorf("%d metrics after Close: %v", n, err)
	}
	s = mustOpen(t, m, Options{Metrics: reg})
	values(100, size, 1, 0, 0)
}
