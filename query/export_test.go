package query

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// exported is an export as a client gets it.
type exported struct {
	status  int
	header  http.Header
	body    []byte
	err     error // what broke the connection
	trailer struct {
		Rows, Epochs uint64
		Silent       int
		AsOf         []answerAsOf `json:"as_of"`
		Completeness *answerCompleteness
	}
	whole bool // the trailer came
}

// export asks for frames in a format.
func (s *server) export(t tester, query string) (x exported) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://gapless/v1/frames?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "t")
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	x.status, x.header = resp.StatusCode, resp.Header
	x.body, x.err = io.ReadAll(resp.Body)
	if text := resp.Trailer.Get(exportEnd); text != "" {
		x.whole = true
		if err := json.Unmarshal([]byte(text), &x.trailer); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

// lines are the frames of an NDJSON export, and what its last line says.
func (x *exported) lines(t tester) (frames []answerFrame, last answer) {
	t.Helper()
	list := strings.Split(strings.TrimSuffix(string(x.body), "\n"), "\n")
	for _, line := range list[:len(list)-1] {
		var f answerFrame
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		frames = append(frames, f)
	}
	if !strings.HasPrefix(list[len(list)-1], `{"end":`) {
		t.Fatalf("the last line is %s", list[len(list)-1])
	}
	return frames, decode(t, list[len(list)-1])
}

// drawFleet returns frames of three devices.
func drawFleet(t *rapid.T, label string, most int) []sent {
	frames := drawFrames(t, label, most)
	for i := range frames {
		frames[i].device = rapid.SampledFrom([]string{"d", "e", "f"}).Draw(t, "device")
	}
	return frames
}

// pagesOf is the frames of devices, all for none, as pages of one device after the other show them, and what the last said of itself.
func pagesOf(t tester, srv *server, devices, pairs []string) (frames []answerFrame, last *answerCompleteness) {
	if len(devices) == 0 {
		devices = []string{"d", "e", "f"}
	}
	for _, device := range slices.Sorted(slices.Values(devices)) {
		status, body := srv.get("t", "/v1/frames", append(slices.Clone(pairs), "device", device)...)
		if status == 404 {
			continue
		}
		a := decode(t, body)
		frames, last = append(frames, a.Frames...), a.Completeness
	}
	return frames, last
}

// TestExportIsAllPages exports while frames arrive and rows move from layer to layer: what comes is what the pages of every device show at
// the state that the export names, when all rows are in one head.
func TestExportIsAllPages(t *testing.T) {
	srv := newServer(t, newStore(ledger.Policy{}), Options{})
	rapid.Check(t, func(t *rapid.T) {
		s, still := newStore(ledger.Policy{}), newStore(ledger.Policy{})
		for range rapid.IntRange(1, 4).Draw(t, "parts") {
			frames := drawFleet(t, "before", 40)
			s.put(t, frames...)
			still.put(t, frames...)
			drawMove(t)(t, s)
		}
		srv.use(s, Options{LockRows: rapid.IntRange(1, 40).Draw(t, "lock rows")})
		srv.api.mergeBudget = rapid.IntRange(1, 30).Draw(t, "merge budget")
		bursts := meanwhile(t, s)
		pairs := drawRange(t)[2:]
		devices := rapid.SampledFrom([][]string{nil, {"d"}, {"e", "d"}, {"d", "never"}}).Draw(t, "devices")
		known := map[string]bool{"never": true}
		still.view.Ledger.Streams("t", "", "", func(_ frame.StreamID, key frame.StreamKey) bool {
			known[key.Device] = true
			return true
		})
		devices = slices.DeleteFunc(slices.Clone(devices), func(d string) bool { return !known[d] })
		if at := slices.Index(pairs, "epoch"); at >= 0 && len(devices) != 1 {
			pairs = pairs[:at]
		}
		for _, store := range []*store{s, still} {
			store.register(t, "t", `{"device":"never"}`)
		}
		q := "format=ndjson"
		for _, d := range devices {
			q += "&device=" + d
		}
		for i := 0; i < len(pairs); i += 2 {
			q += "&" + pairs[i] + "=" + pairs[i+1]
		}
		x := srv.export(t, q)
		if x.status == 404 { // an epoch that no stream has
			return
		}
		if x.status != 200 || x.err != nil || !x.whole {
			t.Fatalf("%s: %d %v %s", q, x.status, x.err, x.body)
		}
		got, end := x.lines(t)
		for _, burst := range bursts[:end.AsOf[0].Index-still.view.AsOf.Index] {
			still.put(t, burst...)
		}
		srv.use(still, Options{})
		want, one := pagesOf(t, srv, devices, pairs)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%s: %s", q, d)
		}
		d := cmp.Diff(end.AsOf, x.trailer.AsOf) + cmp.Diff(end.Completeness, x.trailer.Completeness)
		if d != "" || x.trailer.Rows != uint64(len(got)) {
			t.Fatalf("line and trailer differ: %s, %d rows of %d", d, x.trailer.Rows, len(got))
		}
		if len(devices) == 1 {
			if d := cmp.Diff(one, end.Completeness); d != "" {
				t.Fatalf("%s: %s", q, d)
			}
		}
	})
}
