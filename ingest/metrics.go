package ingest

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
)

// metrics of one door. Each has the label listener.
type metrics struct {
	requests      *prometheus.CounterVec
	rejections    *prometheus.CounterVec
	requestTime   prometheus.Histogram
	proposeTime   prometheus.Histogram
	bodyBytes     prometheus.Counter
	unpackedBytes prometheus.Counter
	receipts      *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, h *Handler) (*metrics, error) {
	buckets := prometheus.ExponentialBuckets(250e-6, 2, 16) // 250 us to 8 s
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gapless_ingest_requests_total",
			Help: "Requests with frames or commands, by error code or ok. A rise of overloaded or no_leader means that clients are turned away.",
		}, []string{"code"}),
		rejections: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gapless_ingest_rejections_total",
			Help: "Items rejected one by one, by code. A rise means that some client sends what the store cannot keep.",
		}, []string{"code"}),
		requestTime: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "gapless_ingest_request_seconds", Buckets: buckets,
			Help: "Time from the complete headers of a request to its answer."}),
		proposeTime: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "gapless_ingest_propose_seconds", Buckets: buckets,
			Help: "The part of it spent waiting for commit and apply. A rise means a slow disk or a slow majority."}),
		bodyBytes: prometheus.NewCounter(prometheus.CounterOpts{Name: "gapless_ingest_body_bytes_total",
			Help: "Bytes of request bodies as sent."}),
		unpackedBytes: prometheus.NewCounter(prometheus.CounterOpts{Name: "gapless_ingest_unpacked_bytes_total",
			Help: "Bytes of request bodies after unpacking."}),
		receipts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "gapless_ingest_receipts_total",
			Help: "Receipts that were asked for, by outcome: signed or failed. A failed one is missing in the answer to a request that was stored; the log has why.",
		}, []string{"outcome"}),
	}
	return m, register(reg, h.opt.Listener, m.requests, m.rejections, m.requestTime, m.proposeTime, m.bodyBytes, m.unpackedBytes, m.receipts, tallies{&h.counters})
}

func register(reg prometheus.Registerer, listener string, list ...prometheus.Collector) error {
	if reg == nil {
		return nil
	}
	reg = prometheus.WrapRegistererWith(prometheus.Labels{"listener": listener}, reg)
	for _, c := range list {
		if err := reg.Register(c); err != nil {
			return fmt.Errorf("ingest: metrics of listener %q: %w", listener, err)
		}
	}
	return nil
}

func inFlight(g *gate) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gapless_ingest_in_flight_bytes",
		Help: "Bytes of request bodies in work. At gapless_ingest_in_flight_limit_bytes, requests get 429."},
		func() float64 { return float64(g.inFlight()) })
}

func inFlightLimit(g *gate) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gapless_ingest_in_flight_limit_bytes",
		Help: "Limit max_inflight_bytes."}, func() float64 { return float64(g.limit) })
}

// request counts a finished request under its error code.
func (m *metrics) request(err error, took time.Duration) {
	code := "ok"
	if err != nil {
		code = "internal"
		if refusal := (*Error)(nil); errors.As(err, &refusal) {
			code = refusal.Code
		}
	}
	m.requests.WithLabelValues(code).Inc()
	m.requestTime.Observe(took.Seconds())
}

func (m *metrics) proposed(took time.Duration) { m.proposeTime.Observe(took.Seconds()) }

func (m *metrics) body(ctx *fasthttp.RequestCtx, unpacked int) {
	m.bodyBytes.Add(float64(max(ctx.Request.Header.ContentLength(), 0)))
	m.unpackedBytes.Add(float64(unpacked))
}

func (m *metrics) receipt(err error) {
	outcome := "signed"
	if err != nil {
		outcome = "failed"
	}
	m.receipts.WithLabelValues(outcome).Inc()
}

func (m *metrics) rejected(list []Rejection) {
	for i := range list {
		m.rejections.WithLabelValues(list[i].Code).Inc()
	}
}

// tallies shows the Counters, all of one moment.
type tallies struct{ counters *Counters }

var framesDesc = prometheus.NewDesc("gapless_ingest_frames_total",
	"Items by outcome; received is the sum of the others. A rise of conflict means that a device numbers two frames alike.",
	[]string{"outcome"}, nil)

func (t tallies) Describe(ch chan<- *prometheus.Desc) { ch <- framesDesc }

func (t tallies) Collect(ch chan<- prometheus.Metric) {
	now := t.counters.Snapshot()
	for _, o := range []struct {
		name  string
		count uint64
	}{
		{"received", now.Received}, {"undecodable", now.Undecodable}, {"accepted", now.Accepted}, {"duplicate", now.Duplicate},
		{"conflict", now.Conflict}, {"unverified", now.Unverified}, {"rejected", now.Rejected}, {"shed", now.Shed}, {"refused", now.Refused},
	} {
		ch <- prometheus.MustNewConstMetric(framesDesc, prometheus.CounterValue, float64(o.count), o.name)
	}
}
