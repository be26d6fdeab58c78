package shelf

import (
	"errors"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// values reads metrics by name, with the label's value behind a colon.
func values(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	must(t, err)
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			name := strings.TrimPrefix(f.GetName(), "gapless_shelf_")
			for _, label := range m.Label {
				name += ":" + label.GetValue()
			}
			all[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return all
}

func TestMetrics(t *testing.T) {
	bubble(t, func(t *testing.T) {
		reg := prometheus.NewRegistry()
		opt := small()
		opt.Metrics, opt.PullBytesPerSecond = reg, 1000
		m := vfs.NewMem()
		put(t, m, segs(3)...)
		s := mustOpen(t, m, opt)
		if _, err := Open(vfs.NewMem(), testDir, opt); err == nil {
			t.Error("the metrics of two shelves share a registerer")
		}
		must(t, s.Want(manifest(seg(9)))) // and then nobody wants it any more
		must(t, s.Want(manifest(seg(0), seg(1), seg(3))))
		rot(t, m, seg(1).place(), seg(1).data)
		wantReadable(t, s, seg(0), seg(0))
		if _, err := s.ReadRange(seg(0).info.Name, 0, 700); err != nil {
			t.Error(err)
		}
		_ = s.Check(t.Context(), seg(1).info.Name)
		got := values(t, reg)
		for name, want := range map[string]float64{
			"segments:present": 2, "segments:missing": 1, "segments:quarantined": 1, "segments:pulling": 0, "quarantined_total": 1,
			"open_files": 1, "opens_total": 2, "served_bytes_total": 700, "pulled_segments_total": 0,
		} {
			if got[name] != want {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
		for _, name := range []string{"cache_hits_total", "cache_misses_total", "cache_bytes", "reads_total", "read_bytes_total", "read_blocks_total"} {
			if got[name] == 0 {
				t.Errorf("%s is 0", name)
			}
		}

		n := newNetwork(segs(4)...)
		n.answer = func(peer string, name segment.Name, _ int64, b []byte) ([]byte, error) {
			switch {
			case peer == "b":
				return nil, ErrNotHere
			case peer == "c":
				return nil, errors.New("down")
			}
			return b, nil
		}
		p := startPull(t, s, n.fetch, peers("b", "c", "d"))
		p.complete(manifest(seg(0), seg(1), seg(3)))
		p.stop()
		got = values(t, reg)
		for name, want := range map[string]float64{
			"segments:present": 4, "segments:missing": 0, "segments:quarantined": 0, "pulled_segments_total": 2,
			"pulled_bytes_total":         float64(seg(1).info.Bytes + seg(3).info.Bytes),
			"pull_errors_total:not_here": 2, "pull_errors_total:corrupt": 0, "pull_errors_total:no_peer": 0,
			"pull_errors_total:space": 0, "pull_errors_total:disk": 0,
		} {
			if got[name] != want {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
		if got["pull_errors_total:peer"] == 0 {
			t.Error("no peer has failed")
		}
		if got["pull_throttled_seconds_total"] < 1 {
			t.Errorf("pulls waited for %v seconds", got["pull_throttled_seconds_total"])
		}
		must(t, s.Close())
		if n, err := testutil.GatherAndCount(reg); err != nil || n != 0 {
			t.Errorf("%d metrics after Close: %v", n, err)
		}
	})
}
