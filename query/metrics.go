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
	}
	if reg == nil {
		return m, nil
	}
	return m, errors.Join(reg.Register(m.requests), reg.Register(m.seconds), reg.Register(m.rows), reg.Register(m.bytes),
		reg.Register(m.limited), reg.Register(m.viewSeconds))
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
