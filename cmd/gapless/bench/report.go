package bench

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// Report is what a load came to. Times are of whole requests, repetitions after refusals included.
type Report struct {
	Target       string  `json:"target"`
	Acknowledged string  `json:"acknowledged"` // what an answer of this target means
	Format       string  `json:"format"`
	Devices      int     `json:"devices"`
	Fields       int     `json:"fields"`
	Batch        int     `json:"batch"`
	Connections  int     `json:"connections"`
	Start        string  `json:"start"` // device time of the first frames, RFC 3339
	Seconds      float64 `json:"seconds"`

	Frames       int64   `json:"frames"` // acknowledged
	FramesPerSec float64 `json:"frames_per_second"`
	ValuesPerSec float64 `json:"values_per_second"`
	SlowestSec   int64   `json:"slowest_second_frames"` // of the full seconds, the first left out
	Requests     int     `json:"requests"`
	Refused      int64   `json:"refused"` // answers 429 and 503, repeated
	BytesPerMsg  float64 `json:"request_bytes_per_frame"`
	EncodeNS     float64 `json:"encode_ns_per_frame"` // processor time of the generator
	Prepared     bool    `json:"prepared"`            // that time lay before the clock
	Counted      uint64  `json:"counted_back,omitempty"`

	P50MS  float64 `json:"p50_ms"`
	P90MS  float64 `json:"p90_ms"`
	P99MS  float64 `json:"p99_ms"`
	P999MS float64 `json:"p999_ms"`
	MaxMS  float64 `json:"max_ms"`
}

func (l *load) report(took time.Duration, seconds []int64) *Report {
	frames := l.acked.Load()
	slices.Sort(l.times)
	r := &Report{
		Target: l.Target, Acknowledged: l.target.durable, Format: l.Format, Devices: l.Devices, Fields: l.Fields, Batch: l.Batch, Connections: l.Connections,
		Start: l.Start.UTC().Format(time.RFC3339), Seconds: took.Seconds(), Frames: frames, FramesPerSec: float64(frames) / took.Seconds(),
		ValuesPerSec: float64(frames*int64(l.Fields)) / took.Seconds(), Requests: len(l.times), Refused: l.refused.Load(), Prepared: l.Prepare,
		P50MS: quantileMS(l.times, 0.5), P90MS: quantileMS(l.times, 0.9), P99MS: quantileMS(l.times, 0.99), P999MS: quantileMS(l.times, 0.999), MaxMS: quantileMS(l.times, 1),
	}
	if len(seconds) > 1 {
		r.SlowestSec = slices.Min(seconds[1:])
	}
	if frames > 0 {
		r.BytesPerMsg = float64(l.bytes.Load()) / float64(frames)
		r.EncodeNS = float64(l.encode.Load()) / float64(frames)
	}
	return r
}

// quantileMS is the nearest-rank quantile of sorted times, in milliseconds; 0 without any.
func quantileMS(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(q*float64(len(sorted))+0.999999) - 1
	return float64(sorted[min(max(rank, 0), len(sorted)-1)].Microseconds()) / 1000
}

// Write prints the report for people.
func (r *Report) Write(w io.Writer) error {
	_, err := fmt.Fprintf(w, `%s, %s, %d devices x %d fields, %d frames a request, %d connections
%d frames in %.1f s: %.0f frames/s, %.0f values/s (slowest second %d frames)
latency of a request: p50 %.2f ms, p90 %.2f, p99 %.2f, p99.9 %.2f, max %.2f; %d requests, %d repeated because the store was busy
%.1f bytes sent a frame, %.0f ns a frame to encode%s; device times from %s
an answer means: %s
`, r.Target, r.Format, r.Devices, r.Fields, r.Batch, r.Connections,
		r.Frames, r.Seconds, r.FramesPerSec, r.ValuesPerSec, r.SlowestSec,
		r.P50MS, r.P90MS, r.P99MS, r.P999MS, r.MaxMS, r.Requests, r.Refused,
		r.BytesPerMsg, r.EncodeNS, map[bool]string{true: ", before the clock started"}[r.Prepared], r.Start, r.Acknowledged)
	if err == nil && r.Counted > 0 {
		_, err = fmt.Fprintf(w, "counted back: %d frames, as many as were acknowledged\n", r.Counted)
	}
	return err
}
