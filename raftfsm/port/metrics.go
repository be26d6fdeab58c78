package port

import (
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	strangers *prometheus.CounterVec
	refused   prometheus.Counter
	open      prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) *metrics {
	f := promauto.With(r)
	m := &metrics{
		strangers: f.NewCounterVec(prometheus.CounterOpts(opts("strangers_total",
			"Connections that were refused, by reason: look who scans, is misconfigured, or was replaced and does not know.")), []string{"reason"}),
		refused: f.NewCounter(prometheus.CounterOpts(opts("refused_total", "Connections closed because too many were open."))),
		open:    f.NewGauge(prometheus.GaugeOpts(opts("open_connections", "Open incoming connections of other nodes."))),
	}
	for reason := range refusals {
		m.strangers.WithLabelValues(reason.label())
	}
	return m
}

func opts(name, help string) prometheus.Opts {
	return prometheus.Opts{Namespace: "gapless", Subsystem: "port", Name: name, Help: help}
}

// logEvery is how often the log tells of strangers with one reason. All are counted.
const logEvery = 5 * time.Second

// turnedAway logs strangers so that one who dials without pause does not fill the log.
type turnedAway struct {
	mu     sync.Mutex // protects all below
	said   map[Refusal]time.Time
	unsaid map[Refusal]int
}

func (t *turnedAway) note(log *slog.Logger, e *RefusedError, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.said == nil {
		t.said, t.unsaid = map[Refusal]time.Time{}, map[Refusal]int{}
	}
	if last, ok := t.said[e.Reason]; ok && now.Sub(last) < logEvery {
		t.unsaid[e.Reason]++
		return
	}
	log.Warn("connection to the cluster port refused", "remote", e.Remote, "reason", e.Reason.label(), "err", e, "more_since", t.unsaid[e.Reason])
	t.said[e.Reason], t.unsaid[e.Reason] = now, 0
}
