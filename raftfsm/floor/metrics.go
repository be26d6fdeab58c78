package floor

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	registerer prometheus.Registerer // nil if nothing is registered
	all        []prometheus.Collector

	newest    prometheus.Gauge
	bytes     prometheus.Gauge
	kept      prometheus.Gauge
	publish   prometheus.Histogram
	installed prometheus.Counter
	damaged   prometheus.Counter
}

// newMetrics registers the metrics of one store. Several stores in a process need registerers that add a label.
func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{registerer: r}
	m.newest = m.gauge("newest_index",
		"Raft index of the newest floor. One that stands still while the log grows means that flushes fail or hang.")
	m.bytes = m.gauge("bytes",
		"Size of the newest floor file. It rises with the number of streams; a restart and an install take longer with it.")
	m.kept = m.gauge("kept",
		"Floors on this disk. Below two, a damaged floor file means that this node must be replaced.")
	m.publish = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "gapless_floor_publish_seconds",
		Help:    "Time to write, sync, read back and name a floor. A rise means larger sections or a slower disk; flushes wait for it.",
		Buckets: prometheus.ExponentialBuckets(0.005, 2, 14),
	})
	m.all = append(m.all, m.publish)
	m.installed = m.counter("installed_total",
		"Floors that came from another node. A rise means that this node was away longer than the log of the others reaches back.")
	m.damaged = m.counter("damaged_total",
		"Floor files that could not be believed. Any rise means a sick disk or memory: replace this node.")
	return m, m.register()
}

func (m *metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "gapless_floor_" + name, Help: help})
	m.all = append(m.all, c)
	return c
}

func (m *metrics) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "gapless_floor_" + name, Help: help})
	m.all = append(m.all, g)
	return g
}

func (m *metrics) register() error {
	if m.registerer == nil {
		return nil
	}
	for i, c := range m.all {
		if err := m.registerer.Register(c); err != nil {
			m.all = m.all[:i]
			m.unregister()
			return fmt.Errorf("floor: register metrics: %w", err)
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

// holds shows what is here now.
func (m *metrics) holds(floors []*file) {
	m.kept.Set(float64(len(floors)))
	if len(floors) == 0 {
		m.newest.Set(0)
		m.bytes.Set(0)
		return
	}
	m.newest.Set(float64(floors[0].header.Index))
	m.bytes.Set(float64(floors[0].bytes))
}
