package compact

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	registerer prometheus.Registerer // nil: nothing is registered
	all        []prometheus.Collector

	plans, edits                   prometheus.Gauge
	planned, built, verified, done prometheus.Counter
	aborted                        *prometheus.CounterVec
	mismatches                     prometheus.Counter
	readBytes, writtenBytes        prometheus.Counter
	seconds                        prometheus.Counter
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{registerer: r}
	m.plans = m.gauge("pending", "Merges under way in the cluster. At 16 for long: nodes are too slow for what is flushed, or one holds all up (GET /v1/merges).")
	m.edits = m.gauge("waiting", "Merges that are done and take effect at the next floor.")
	m.planned = m.counter("planned_total", "Merges that this node planned as leader.")
	m.built = m.counter("built_total", "Merges that this node made.")
	m.verified = m.counter("verified_total", "Results of other nodes that this node found right.")
	m.done = m.counter("done_total", "Merges that this node ended well as leader.")
	m.aborted = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gapless_merge_aborted_total",
		Help: "Merges that this node gave up. mismatch: a sick node, look at once; failed: see the log; builder_gone, timeout: nodes that were away; inputs_gone: none to worry about."},
		[]string{"reason"})
	for _, reason := range Reasons {
		m.aborted.WithLabelValues(string(reason))
	}
	m.all = append(m.all, m.aborted)
	m.mismatches = m.counter("mismatches_total", "Results that differ from this node's inputs. Any rise means a sick disk or memory, here or on the builder that the log names.")
	m.readBytes = m.counter("read_bytes_total", "Bytes of segments read to merge and to compare.")
	m.writtenBytes = m.counter("written_bytes_total", "Bytes of segments that merges here wrote. Beside gapless_merge_flushed_bytes_total it is what merging costs the disks.")
	m.seconds = m.counter("seconds_total", "Time spent on merges and comparisons, waits for merge_bytes_per_second included. One per second: merging is busy all the time.")
	return m, m.register()
}

func (m *metrics) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "gapless_merge_" + name, Help: help})
	m.all = append(m.all, g)
	return g
}

func (m *metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "gapless_merge_" + name, Help: help})
	m.all = append(m.all, c)
	return c
}

func (m *metrics) register() error {
	if m.registerer == nil {
		return nil
	}
	for i, c := range m.all {
		if err := m.registerer.Register(c); err != nil {
			m.all = m.all[:i]
			m.unregister()
			return fmt.Errorf("compact: register metrics: %w", err)
		}
	}
	return nil
}

func (m *metrics) unregister() {
	if m.registerer == nil {
		return
	}
	for _, c := range m.all {
		m.registerer.Unregister(c)
	}
}
