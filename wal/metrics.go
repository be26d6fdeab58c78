package wal

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	registerer prometheus.Registerer // nil if nothing is registered
	all        []prometheus.Collector

	appendedBytes   prometheus.Counter
	appendedEntries prometheus.Counter
	sync            prometheus.Histogram
	created         prometheus.Counter
	recycled        prometheus.Counter
	hits            prometheus.Counter
	misses          prometheus.Counter
	tornTails       prometheus.Counter
	truncations     prometheus.Counter
	corruptReads    prometheus.Counter
}

// newMetrics registers the metrics of one log. Several logs in a process need registerers that add a label.
func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{registerer: r}
	m.appendedBytes = m.counter("appended_bytes_total",
		"Bytes of records written. Rises with the write load; times the write amplification it is what the disk takes.")
	m.appendedEntries = m.counter("appended_entries_total",
		"Raft entries stored. A rise without one in bytes means small entries: batching has become worse.")
	m.sync = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "gapless_wal_sync_seconds",
		Help:    "Time of one fdatasync of the log. Every acknowledgement waits for two in series: every client feels a rise.",
		Buckets: prometheus.ExponentialBuckets(0.0001, 2, 16),
	})
	m.all = append(m.all, m.sync)
	m.created = m.counter("files_created_total",
		"Log files made new. A steady rise means that nothing can be recycled: the floor stands still, or too few spares are kept.")
	m.recycled = m.counter("files_recycled_total",
		"Log files written again in a new generation. Rises by one per log file of write load once the node is in its stride.")
	m.hits = m.counter("tail_hits_total",
		"Entries read from the tail cache.")
	m.misses = m.counter("tail_misses_total",
		"Entries read that were not in the tail cache. A rise outside a start means a follower far behind, or a cache too small.")
	m.tornTails = m.counter("torn_tails_total",
		"Torn tails cut when the log was opened. A rise means crashes in the middle of a write; without a crash, a disk that loses writes.")
	m.truncations = m.counter("truncations_total",
		"Suffixes truncated and logs wiped. A rise means changes of leader with uncommitted entries, or installed snapshots.")
	m.corruptReads = m.counter("corrupt_reads_total",
		"Reads of entries whose checksum was wrong. Any rise means a sick disk or memory: replace this node.")
	return m, m.register()
}

func (m *metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "gapless_wal_" + name, Help: help})
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
			return fmt.Errorf("wal: register metrics: %w", err)
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

// stored counts one write.
func (m *metrics) stored(entries int, bytes int64, sync time.Duration) {
	m.appendedEntries.Add(float64(entries))
	m.appendedBytes.Add(float64(bytes))
	m.sync.Observe(sync.Seconds())
}
