package ingest

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestMetrics(t *testing.T) {
	d := newDoor(t, doorOptions{Options: Options{Listener: "http-2"}})
	d.json(`[{"device":"a","seq":1},{"device":"a","seq":2,"colour":1}]`)
	d.json(`[`)
	d.proposer.fail = &NoLeaderError{}
	d.json(`{"device":"a","seq":3}`)
	want := `
# HELP gapless_ingest_frames_total Items by outcome; received is the sum of the others. A rise of conflict means that a device numbers two frames alike.
# TYPE gapless_ingest_frames_total counter
gapless_ingest_frames_total{listener="http-2",outcome="accepted"} 1
gapless_ingest_frames_total{listener="http-2",outcome="conflict"} 0
gapless_ingest_frames_total{listener="http-2",outcome="duplicate"} 0
gapless_ingest_frames_total{listener="http-2",outcome="received"} 4
gapless_ingest_frames_total{listener="http-2",outcome="refused"} 1
gapless_ingest_frames_total{listener="http-2",outcome="rejected"} 1
gapless_ingest_frames_total{listener="http-2",outcome="shed"} 0
gapless_ingest_frames_total{listener="http-2",outcome="undecodable"} 1
gapless_ingest_frames_total{listener="http-2",outcome="unverified"} 0
# HELP gapless_ingest_in_flight_bytes Bytes of request bodies in work. At gapless_ingest_in_flight_limit_bytes, requests get 429.
# TYPE gapless_ingest_in_flight_bytes gauge
gapless_ingest_in_flight_bytes{listener="http-2"} 0
# HELP gapless_ingest_rejections_total Items rejected one by one, by code. A rise means that some client sends what the store cannot keep.
# TYPE gapless_ingest_rejections_total counter
gapless_ingest_rejections_total{code="unknown_key",listener="http-2"} 1
# HELP gapless_ingest_requests_total Requests with frames or commands, by error code or ok. A rise of overloaded or no_leader means that clients are turned away.
# TYPE gapless_ingest_requests_total counter
gapless_ingest_requests_total{code="bad_json",listener="http-2"} 1
gapless_ingest_requests_total{code="no_leader",listener="http-2"} 1
gapless_ingest_requests_total{code="ok",listener="http-2"} 1
`
	if err := testutil.GatherAndCompare(d.reg, strings.NewReader(want), "gapless_ingest_frames_total", "gapless_ingest_in_flight_bytes",
		"gapless_ingest_rejections_total", "gapless_ingest_requests_total"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(d.reg); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

// Two doors share a registry when their listeners differ, and say so when they do not.
func TestTwoDoorsOneRegistry(t *testing.T) {
	reg := prometheus.NewRegistry()
	for i, listener := range []string{"a", "b", "b"} {
		_, err := New(newFakeProposer(t), Options{Listener: listener, Metrics: reg})
		if (err == nil) != (i < 2) {
			t.Errorf("door %d: %v", i, err)
		}
		if i == 2 && err != nil && !strings.Contains(err.Error(), `listener "b"`) {
			t.Error(err)
		}
	}
	if _, err := New(newFakeProposer(t), Options{MaxBodyBytes: -1}); err == nil {
		t.Error("a negative limit")
	}
}
