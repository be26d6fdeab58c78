package tail

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the package.
type metrics struct {
	readers     *prometheus.GaugeVec   // by stream
	frames      *prometheus.CounterVec // by place
	bytes       prometheus.Counter
	ends        *prometheus.CounterVec // by code
	refused     *prometheus.CounterVec // by limit
	misses      prometheus.Counter
	behind      prometheus.Histogram
	viewSeconds prometheus.Histogram
	windows     prometheus.Histogram
	waits       prometheus.Histogram
	blocks      prometheus.Counter
	readBytes   prometheus.Counter
}

// newMetrics builds the metrics and registers them where a registerer is given.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	opt := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Name: "gapless_tail_" + name, Help: help}
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "gapless_tail_" + name, Help: help, Buckets: buckets})
	}
	seconds := prometheus.ExponentialBuckets(0.00001, 4, 12)
	m := &metrics{
		readers: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "gapless_tail_readers", Help: "Connected readers by stream (frames or gaps). " +
			"At tail.max_readers new ones are refused."}, []string{"stream"}),
		frames: prometheus.NewCounterVec(opt("frames_total", "Frames given to readers, by where they were read: the shared ring, a head, or "+
			"segments. A rise of segments means readers that are far behind."), []string{"from"}),
		bytes: prometheus.NewCounter(opt("bytes_total", "Bytes written to readers.")),
		ends: prometheus.NewCounterVec(opt("disconnects_total", "Ended streams by reason. A rise of slow_reader means clients that do not "+
			"keep up, one of segment_missing or segment_damaged that this node lacks data."), []string{"reason"}),
		refused: prometheus.NewCounterVec(opt("limited_total", "Requests refused at a limit."), []string{"limit"}),
		misses: prometheus.NewCounter(opt("ring_misses_total", "Times that a live reader fell out of the ring and had to read by itself. A "+
			"rise means that tail.ring_rows or tail.ring_bytes is too small for how far readers fall behind.")),
		behind: histogram("behind_entries", "How many entries of the log a reader was behind when it looked. A rise means slow readers.",
			prometheus.ExponentialBuckets(1, 8, 10)),
		viewSeconds: histogram("view_seconds", "Time under the read lock of the state. It delays writes: a rise means that tail.lock_rows is too large.",
			seconds),
		windows: histogram("window_seconds", "Time to find and read the next rows in segments. A rise means large segments or a busy disk.",
			seconds),
		waits: histogram("window_wait_seconds", "Time that readers waited for their turn to read segments. A rise means that tail.catchups is "+
			"too small for how many are behind.", seconds),
		blocks:    prometheus.NewCounter(opt("read_blocks_total", "Blocks of segments that readers looked into, from the cache or the disk.")),
		readBytes: prometheus.NewCounter(opt("read_bytes_total", "Bytes that readers read from segment files.")),
	}
	if reg == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{
		m.readers, m.frames, m.bytes, m.ends, m.refused, m.misses, m.behind, m.viewSeconds, m.windows, m.waits, m.blocks, m.readBytes,
	} {
		errs = append(errs, reg.Register(c))
	}
	return m, errors.Join(errs...)
}
