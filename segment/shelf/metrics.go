package shelf

import (
	"fmt"

	"github.com/gaplessdb/gapless/segment"
	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	registerer prometheus.Registerer // nil if nothing is registered
	all        []prometheus.Collector

	opens       prometheus.Counter
	quarantined prometheus.Counter
	dropped     prometheus.Counter
	pulled      prometheus.Counter
	pulledBytes prometheus.Counter
	pullErrors  *prometheus.CounterVec
	throttled   prometheus.Counter
	servedBytes prometheus.Counter
	removed     prometheus.Counter
	tooLate     prometheus.Counter
}

// newMetrics registers the metrics of one shelf. Several shelves in a process need registerers that add a label.
func newMetrics(s *Shelf, r prometheus.Registerer) (*metrics, error) {
	m := &metrics{registerer: r}
	m.opens = m.counter("opens_total",
		"Segment files opened. A steady rise while the number of segments is steady: more are read than may stay open at once.")
	m.quarantined = m.counter("quarantined_total",
		"Segments found damaged and taken out of use. Any rise means a sick disk or memory: watch this node, replace it if it goes on.")
	m.dropped = m.counter("quarantine_removed_total",
		"Damaged copies removed because newer ones are kept, or because no floor lists the segment. Rises only after damage.")
	m.pulled = m.counter("pulled_segments_total",
		"Segments brought from peers: results of merges, and all that is missing after an absence, on a new disk, or after damage.")
	m.pulledBytes = m.counter("pulled_bytes_total",
		"Bytes taken from peers, those of answers that were wrong included.")
	m.pullErrors = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gapless_shelf_pull_errors_total",
		Help: "Failures of pulls. peer: a peer failed; not_here: a peer lacks the segment; no_peer: nobody to ask; corrupt: a whole file " +
			"came out wrong; space: no room on this disk; disk: this disk failed. A pull goes on by itself."}, []string{"reason"})
	m.all = append(m.all, m.pullErrors)
	m.throttled = m.counter("pull_throttled_seconds_total",
		"Time that pulls waited for the limit of bytes per second. Raise the limit if segments are missing for long.")
	m.servedBytes = m.counter("served_bytes_total",
		"Bytes of segments given to peers.")
	m.removed = m.counter("removed_segments_total",
		"Segments removed because no floor lists them any more and nobody has needed them for retire_after. Rises with every merge.")
	m.tooLate = m.counter("dropped_opens_total",
		"Attempts to open a segment that was removed. A rise means readers that are slower than retire_after: they have to start again from the newest state.")
	m.gauges(s)
	for _, reason := range []string{reasonPeer, reasonNotHere, reasonNoPeer, reasonCorrupt, reasonSpace, reasonDisk} {
		m.pullErrors.WithLabelValues(reason)
	}
	return m, m.register()
}

// gauges are read from the shelf when somebody asks.
func (m *metrics) gauges(s *Shelf) {
	for _, state := range States {
		m.all = append(m.all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gapless_shelf_segments",
			Help:        "Segments on this node by state. Anything but present for long means that the node is not a whole copy.",
			ConstLabels: prometheus.Labels{"state": string(state)}}, func() float64 { return float64(s.count(state)) }))
	}
	m.gauge("quarantine_copies", "Damaged copies kept as evidence. Any rise means a sick disk or memory: watch this node, replace it if it goes on.",
		func() float64 { return float64(s.copies()) })
	m.gauge("bytes", "Bytes of segment files on the disk. Those beyond what the manifest lists wait for retire_after, or are results of merges that no floor lists yet.",
		func() float64 { return float64(s.Bytes()) })
	m.gauge("open_files", "Segment files that are open. Above max_open only while so many are read at once.",
		func() float64 { return float64(s.openFiles()) })
	m.gauge("cache_bytes", "Bytes of decoded blocks and index pages in memory.",
		func() float64 { return float64(s.cacheStats().Bytes) })
	m.counterOf("cache_hits_total", "Blocks and pages that a read found in memory.",
		func() float64 { return float64(s.cacheStats().Hits) })
	m.counterOf("cache_misses_total", "Blocks and pages that a read had to decode. High beside the hits: the cache is too small.",
		func() float64 { return float64(s.cacheStats().Misses) })
	m.counterOf("cache_evictions_total", "Blocks and pages dropped from memory to make room.",
		func() float64 { return float64(s.cacheStats().Evictions) })
	m.counterOf("reads_total", "Reads of segment files by queries.", func() float64 { return float64(s.reads.Reads.Load()) })
	m.counterOf("read_bytes_total", "Bytes that queries read from segment files.", func() float64 { return float64(s.reads.Bytes.Load()) })
	m.counterOf("read_blocks_total", "Blocks that queries looked into. Beside the rows they return it shows how well they are pruned.",
		func() float64 { return float64(s.reads.Blocks.Load()) })
	m.counterOf("read_damage_total", "Corruptions that reads ran into. Any rise means a sick disk or memory.",
		func() float64 { return float64(s.reads.Damage.Load()) })
}

func (s *Shelf) openFiles() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

func (s *Shelf) cacheStats() segment.CacheStats {
	if s.cache == nil {
		return segment.CacheStats{}
	}
	return s.cache.Stats()
}

func (m *metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "gapless_shelf_" + name, Help: help})
	m.all = append(m.all, c)
	return c
}

func (m *metrics) counterOf(name, help string, read func() float64) {
	m.all = append(m.all, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "gapless_shelf_" + name, Help: help}, read))
}

func (m *metrics) gauge(name, help string, read func() float64) {
	m.all = append(m.all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gapless_shelf_" + name, Help: help}, read))
}

func (m *metrics) register() error {
	if m.registerer == nil {
		return nil
	}
	for i, c := range m.all {
		if err := m.registerer.Register(c); err != nil {
			m.all = m.all[:i]
			m.unregister()
			return fmt.Errorf("shelf: register metrics: %w", err)
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
