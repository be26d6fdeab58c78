package proof

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are a sealer's figures.
type metrics struct {
	registerer     prometheus.Registerer
	all            []prometheus.Collector
	censusSeconds  prometheus.Histogram
	contentSeconds prometheus.Histogram
	frames         prometheus.Counter
	rebuilt        prometheus.Counter
}

func newMetrics(s *Sealer, r prometheus.Registerer) (*metrics, error) {
	m := &metrics{registerer: r}
	seconds := func(name, help string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "gapless_proof_" + name, Help: help, Buckets: prometheus.ExponentialBuckets(0.001, 4, 10)})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "gapless_proof_" + name, Help: help})
	}
	gauge := func(name, help string, read func(look *Look) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gapless_proof_" + name, Help: help}, func() float64 {
			look := s.opt.Catalog.Look()
			return read(&look)
		})
	}
	m.censusSeconds = seconds("census_seconds", "How long it took to count every stream at the end of a seal.")
	m.contentSeconds = seconds("content_seconds", "How long it took to hash the frames of one or more seals.")
	m.frames = counter("hashed_frames_total", "Frames that were hashed.")
	m.rebuilt = counter("log_rebuilds_total", "Times that the hashes of the log did not fit the log and were made again.")
	m.all = []prometheus.Collector{m.censusSeconds, m.contentSeconds, m.frames, m.rebuilt,
		gauge("pending_seals", "Ended seals on whose roots no majority has agreed yet. More than a few for long: nodes are away, or differ.",
			func(look *Look) float64 { return float64(look.Section.Ordinal() - 1 - look.Section.SealedThrough()) }),
		gauge("sealed_ordinal", "The newest seal that is in the log.", func(look *Look) float64 { return float64(look.Section.SealedThrough()) }),
		gauge("log_records", "Records in the log.", func(look *Look) float64 { return float64(look.Section.LogSize()) }),
		gauge("checkpoint_records", "Records that the newest checkpoint covers.", func(look *Look) float64 { return float64(look.Section.newest.Size) }),
		gauge("differences", "Seals of which this node computed another root than the cluster. Anything but 0 is an alarm: a segment or this binary is at fault, and this node does not sign.",
			func(*Look) float64 { return float64(len(s.Differences())) }),
	}
	for i, c := range m.all {
		if err := r.Register(c); err != nil {
			m.all = m.all[:i]
			m.unregister()
			return nil, fmt.Errorf("proof: metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) unregister() {
	for _, c := range m.all {
		m.registerer.Unregister(c)
	}
}
