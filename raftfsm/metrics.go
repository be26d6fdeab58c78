package raftfsm

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics of consensus and apply.
type Metrics struct {
	AppliedIndex    prometheus.Gauge
	ApplySeconds    prometheus.Histogram
	StoreSeconds    prometheus.Histogram
	Fenced          prometheus.Gauge
	EntryBytes      prometheus.Histogram
	EntryParts      prometheus.Histogram
	QueueBytes      prometheus.Gauge
	InflightEntries prometheus.Gauge
	Overloaded      prometheus.Counter
	Unknown         prometheus.Counter
	ClockPaused     prometheus.Gauge
	Handovers       prometheus.Counter
	RecorderDropped prometheus.Gauge
	HeadBytes       prometheus.Gauge
	SealedHeads     prometheus.Gauge
	FlushSeconds    prometheus.Histogram
	FlushedFrames   prometheus.Counter
	FlushErrors     prometheus.Counter
	Diverged        prometheus.Gauge

	clockPaused atomic.Int32
}

// NewMetrics registers the metrics of this package.
func NewMetrics(r prometheus.Registerer) *Metrics {
	f := promauto.With(r)
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "gapless", Subsystem: "raftfsm", Name: name, Help: help}
	}
	gauge := func(name, help string) prometheus.Gauge { return f.NewGauge(prometheus.GaugeOpts(opts(name, help))) }
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts(opts(name, help)))
	}
	histogram := func(name, help string, start, factor float64, n int) prometheus.Histogram {
		o := opts(name, help)
		return f.NewHistogram(prometheus.HistogramOpts{
			Namespace: o.Namespace, Subsystem: o.Subsystem, Name: o.Name, Help: o.Help,
			Buckets: prometheus.ExponentialBuckets(start, factor, n),
		})
	}
	return &Metrics{
		AppliedIndex:    gauge("applied_index", "Raft index of the last applied command; one that stands still while others rise means this node is stuck."),
		ApplySeconds:    histogram("apply_seconds", "Time to apply one batch of committed entries; a rise delays every answer.", 1e-5, 4, 10),
		StoreSeconds:    histogram("store_seconds", "Time of one guarded write and sync; a rise means a slow disk, fence_after ends the process.", 1e-4, 2, 16),
		Fenced:          gauge("fenced", "1 after a write failed or stalled; the process is ending."),
		EntryBytes:      histogram("entry_bytes", "Size of batch commands; small ones under load mean that batching does not work.", 256, 4, 9),
		EntryParts:      histogram("entry_parts", "Requests per batch command.", 1, 2, 12),
		QueueBytes:      gauge("queue_bytes", "Bytes of requests waiting on this leader; at max_queue_bytes the answer is 429."),
		InflightEntries: gauge("inflight_entries", "Batch commands proposed and not applied yet."),
		Overloaded:      counter("overloaded_total", "Requests refused because the leader's queue was full; add nodes' disk speed or slow the senders."),
		Unknown:         counter("unknown_outcome_total", "Requests whose commit could not be learnt, mostly at a change of leader; senders repeat them."),
		ClockPaused:     gauge("clock_paused", "1 while no majority of clocks is known: gaps do not become final and nothing expires."),
		RecorderDropped: gauge("recorder_dropped", "Frames of system recorders since the beginning of the history that were not kept: of _conflict and _dlq beyond policy recorder_per_tick, which may be raised, and of _audit, with their records in the log of the proof, beyond 1,000 a second; look who sends so much that is refused, or changes so much."),
		HeadBytes:       gauge("head_bytes", "Memory of the frames that are in no segment and not sealed yet."),
		SealedHeads:     gauge("sealed_heads", "Heads that wait for their flush; at 2 requests are refused with 429."),
		FlushSeconds:    histogram("flush_seconds", "Time from a sealed head to its published floor; near the time a head takes to fill, ingest is slowed.", 1e-2, 2, 14),
		FlushedFrames:   counter("flushed_frames_total", "Frames written into segments."),
		FlushErrors:     counter("flush_errors_total", "Flushes that failed and were tried again; the log grows and requests are refused until one succeeds."),
		Diverged:        gauge("floor_diverged", "1 while another member made another floor of the same index: a node's state is damaged; one against a majority takes theirs."),
		Handovers:       counter("handovers_total", "Leaderships given up by the watchdog because a follower in contact fell behind."),
	}
}

// state notes what apply left behind. The caller holds the state's lock.
func (m *Metrics) state(s *State) {
	m.RecorderDropped.Set(float64(s.recorder.dropped))
	m.AppliedIndex.Set(float64(s.index))
	m.HeadBytes.Set(float64(s.head.Bytes()))
	m.SealedHeads.Set(float64(len(s.sealed)))
}

// SetClockPaused notes whether the clock stands still and reports whether that changed.
func (m *Metrics) SetClockPaused(paused bool) (changed bool) {
	value := int32(0)
	if paused {
		value = 1
	}
	m.ClockPaused.Set(float64(value))
	return m.clockPaused.Swap(value) != value
}
