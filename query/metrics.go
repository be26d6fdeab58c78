package query

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the room.
type metrics struct {
	requests    *prometheus.CounterVec   // by endpoint and code
	seconds     *prometheus.HistogramVec // by endpoint
	rows        *prometheus.CounterVec   // by endpoint
	bytes       *prometheus.CounterVec   // by endpoint
	limited     *prometheus.CounterVec   // by limit
	viewSeconds prometheus.Histogram
	exports     prometheus.Gauge

	readRows   *prometheus.CounterVec // by endpoint
	readBlocks *prometheus.CounterVec // by endpoint
	readBytes  *prometheus.CounterVec // by endpoint
}

// newMetrics builds the metrics and registers them where a registerer is given.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gapless_query_" + name, Help: help}, labels)
	}
	m := &metrics{
		requests: counter("requests_total", "Questions by endpoint and code (ok or the error's). A rise of deadline or internal means "+
			"that answers fail on our side.", "endpoint", "code"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "gapless_query_seconds",
			Help:    "Time to answer. A rise means larger answers, a busy machine, or waiting for a leader.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 10),
		}, []string{"endpoint"}),
		rows:  counter("rows_total", "Frames, gaps, devices or runs in answers.", "endpoint"),
		bytes: counter("answer_bytes_total", "Bytes of answers before any compression.", "endpoint"),
		limited: counter("limited_total", "Answers that were refused or cut at a limit. A rise means that clients ask for more than the "+
			"settings allow.", "limit"),
		viewSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "gapless_query_view_seconds",
			Help:    "Time under the read lock of the state. It delays writes: a rise means questions that look at too much at once.",
			Buckets: prometheus.ExponentialBuckets(0.00001, 4, 10),
		}),
		exports: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "gapless_query_exports",
			Help: "Exports under way. One that stays at query.max_exports means clients that take their frames slowly, or too many of them.",
		}),
		readRows: counter("read_rows_total", "Rows of heads and segments that answers looked at. A rise without more rows in answers means "+
			"filters that no index serves.", "endpoint"),
		readBlocks: counter("read_blocks_total", "Blocks of segments that answers looked into, from the cache or the disk.", "endpoint"),
		readBytes: counter("read_bytes_total", "Bytes that answers read from segment files. A rise means that the cache is too small.",
			"endpoint"),
	}
	if reg == nil {
		return m, nil
	}
	return m, errors.Join(reg.Register(m.requests), reg.Register(m.seconds), reg.Register(m.rows), reg.Register(m.bytes),
		reg.Register(m.limited), reg.Register(m.viewSeconds), reg.Register(m.exports), reg.Register(m.readRows),
		reg.Register(m.readBlocks), reg.Register(m.readBytes))
}

// countLimit counts the limit that an error names, if it is one.
func (a *API) countLimit(err error) {
	var e *Error
	if errors.As(err, &e) && e.limit != "" {
		a.metrics.limited.WithLabelValues(e.limit).Inc()
	}
}

func (m *metrics) observe(endpoint string, err error, d time.Duration, rows, bytes int) {
	m.requests.WithLabelValues(endpoint, codeOf(err)).Inc()
	m.seconds.WithLabelValues(endpoint).Observe(d.Seconds())
	if err == nil {
		m.rows.WithLabelValues(endpoint).Add(float64(rows))
		m.bytes.WithLabelValues(endpoint).Add(float64(bytes))
	}
	var e *Error
	if errors.As(err, &e) && e.limit != "" {
		m.limited.WithLabelValues(e.limit).Inc()
	}
}

// observeReading counts what a request read, also one that failed.
func (m *metrics) observeReading(endpoint string, r *reading) {
	m.readRows.WithLabelValues(endpoint).Add(float64(r.rows))
	m.readBlocks.WithLabelValues(endpoint).Add(float64(r.blocks))
	m.readBytes.WithLabelValues(endpoint).Add(float64(r.bytes))
}
