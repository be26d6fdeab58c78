package influx

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/ledger/registry"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// A packed body is the same request as the plain one; another unit, device or database makes it another.
func TestIdempotencyCoversWhatLinesMean(t *testing.T) {
	r := newRig(t, Options{DatabaseField: "db"}, ingest.Options{})
	const lines = "m,device=a,host=b x=1 1763719200"
	sum := func(path, body string, headers ...string) [32]byte {
		t.Helper()
		if resp := r.post(path, body, append(headers, "Idempotency-Key", "k")...); resp.StatusCode() != 204 {
			t.Fatalf("%s: %d %s", path, resp.StatusCode(), resp.Body())
		}
		return r.store.last.BodySHA256
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := zip.Write([]byte(lines)); err != nil || zip.Close() != nil {
		t.Fatal(err)
	}
	first := sum("/write?db=d", lines)
	if sum("/write?db=d", packed.String(), "Content-Encoding", "gzip") != first || sum("/api/v2/write?bucket=d&org=o", lines) != first {
		t.Error("the same lines count as another request")
	}
	for _, path := range []string{"/write?db=d&precision=s", "/write?db=d&device_tag=host", "/write?db=e"} {
		if sum(path, lines) == first {
			t.Errorf("%s counts as the same request", path)
		}
	}
}

// Answers without a body say in headers what became of the lines, and whether it was an answer again.
func TestOutcomeHeaders(t *testing.T) {
	r := newRig(t, Options{}, ingest.Options{})
	for _, test := range []struct {
		lines, outcome, delivery string
		replay                   bool
	}{
		{"m,device=a seq=1i\nm,device=a seq=2i", "accepted=2 duplicate=0 conflict=0 unverified=0 rejected=0", "exactly_once", false},
		{"m,device=a seq=1i\nm,device=a seq=2i,x=1\nm,device=a seq=3i", "accepted=1 duplicate=1 conflict=1 unverified=0 rejected=0", "exactly_once", false},
		{"m,device=a x=1", "accepted=1 duplicate=0 conflict=0 unverified=0 rejected=0", "at_least_once", false},
		{"m,device=a seq=1i", "accepted=0 duplicate=0 conflict=0 unverified=0 rejected=0 replayed=true", "exactly_once", true},
	} {
		r.store.replay = test.replay
		resp := r.post("/api/v2/write?bucket=b", test.lines)
		outcome, delivery := string(resp.Header.Peek(outcomeHeader)), string(resp.Header.Peek(deliveryHeader))
		if resp.StatusCode() != 204 || outcome != test.outcome || delivery != test.delivery {
			t.Errorf("%q: %d %q %q", test.lines, resp.StatusCode(), outcome, delivery)
		}
	}
}

// Lines have no class: the registry's is theirs.
func TestClassOfTheRegistry(t *testing.T) {
	devices := registry.New(ledger.New(ledger.Policy{}))
	body := []byte(`{"tenant":"default","devices":[{"device":"cam","class":"snapshot"}]}`)
	if _, err := devices.Apply(1, 1, testTime.UnixMilli(), registry.KindSet, 1, body); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, Options{}, ingest.Options{Devices: devices.Snapshot})
	r.post("/write", "m,device=cam x=1\nm,device=door x=1")
	if got := r.store.frames; len(got) != 2 || got[0].frame.Class != frame.ClassSnapshot || got[1].frame.Class != frame.ClassEvent {
		t.Errorf("stored %+v", got)
	}
}

// Both doors of a server have one limit for what is in work, and each its own counts.
func TestDoorsShareOneServer(t *testing.T) {
	reg := prometheus.NewRegistry()
	r := newRig(t, Options{}, ingest.Options{Metrics: reg, Listener: "http"})
	r.post("/write", "m x=1\nbad\n")
	want := `# HELP gapless_ingest_rejections_total Items rejected one by one, by code. A rise means that some client sends what the store cannot keep.
# TYPE gapless_ingest_rejections_total counter
gapless_ingest_rejections_total{code="bad_line",listener="influx"} 1
# HELP gapless_ingest_requests_total Requests with frames or commands, by error code or ok. A rise of overloaded or no_leader means that clients are turned away.
# TYPE gapless_ingest_requests_total counter
gapless_ingest_requests_total{code="ok",listener="influx"} 1
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "gapless_ingest_rejections_total", "gapless_ingest_requests_total"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(reg, "gapless_ingest_in_flight_bytes"); err != nil || n != 1 {
		t.Errorf("%d gauges of what is in flight, %v", n, err)
	}
}

// Many at once, with a store that refuses now and then: every line has one outcome. Run with -race.
func TestManyWriters(t *testing.T) {
	r := newRig(t, Options{}, ingest.Options{})
	r.store.fail = &ingest.OverloadError{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				r.post("/write", "m,device=a x=1,seq=1i\nbad\nm,device=a,t=1 x=1..2,seq=2i\n")
				r.post("/write?precision=x", "m x=1\n")
			}
		})
	}
	wg.Wait()
	if now := r.balance(); now.Refused != 8*20*3 || now.Undecodable != 8*20 {
		t.Errorf("counted as %+v", now)
	}
}

// Every code that this package can answer with stands in docs/line-protocol.md.
func TestEveryCodeIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/line-protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	pattern := regexp.MustCompile(`(?:badRequest\(|Code: |return v?,? ?|fault = )"([a-z]+_[a-z_]+)"`)
	codes := map[string]bool{}
	for _, path := range sources {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range pattern.FindAllStringSubmatch(string(text), -1) {
			codes[m[1]] = true
		}
	}
	if len(codes) < 15 {
		t.Errorf("only %d codes were found: the pattern no longer fits the code", len(codes))
	}
	for code := range codes {
		if !strings.Contains(string(page), "`"+code+"`") {
			t.Errorf("the page does not explain %s", code)
		}
	}
}
