package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/influxdata/line-protocol/v2/lineprotocol"

	"github.com/gaplessdb/gapless"
	"github.com/gaplessdb/gapless/frame"
)

// sample encodes the first frames of a fleet.
func sample(t *testing.T, format string, numbered bool) []byte {
	t.Helper()
	p := newPart(shape{devices: 7, fields: 5, start: 1_700_000_000_000, step: 1000, seed: 3}, 1, 2)
	e, err := newEncoder(format, 5)
	if err != nil {
		t.Fatal(err)
	}
	if text, ok := e.(*textEncoder); ok && numbered {
		text.one = appendNumberedLine
	}
	e.begin(nil)
	for range 20 {
		f := p.next()
		if err := e.add(&f); err != nil {
			t.Fatal(err)
		}
	}
	b, err := e.end()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// said is a frame as text: device, number, time and values with their digits.
func said(device string, seq, timeMS any, fields map[string]string) string {
	s := fmt.Sprintf("%s #%v @%v", device, seq, timeMS)
	for i := range 5 {
		s += " " + fields[fieldName(i)]
	}
	return s
}

// TestFormatsAgree: the same fleet is the same frames in every format.
func TestFormatsAgree(t *testing.T) {
	want := fromBinary(t, sample(t, "binary", false))
	if len(want) != 20 || want[0] == want[1] || !strings.HasPrefix(want[1], "bench-00001 #1 @1700000001000 ") {
		t.Fatalf("the fleet is %q", want)
	}
	for name, got := range map[string][]string{"json": fromJSON(t, sample(t, "json", false)), "line": fromLine(t, sample(t, "line", true))} {
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s has\n%q, binary\n%q", name, got, want)
		}
	}
}

func fromBinary(t *testing.T, b []byte) (list []string) {
	t.Helper()
	var rd frame.Reader
	if err := rd.Reset(b); err != nil {
		t.Fatal(err)
	}
	names := map[frame.StreamID]string{}
	for def := range rd.Defs() {
		names[def.ID] = def.Key.Device
	}
	rd.Rewind()
	var g frame.Group
	var it frame.Item
	for rd.NextGroup(&g) {
		for rd.Next(&it) {
			var f frame.Frame
			it.Decode(&f)
			fields := map[string]string{}
			for i, v := range f.Fields {
				fields[v.Name] = fmt.Sprintf("%.*f", digits(i), v.Value.Float64())
			}
			list = append(list, said(names[g.Stream], it.Seq, it.TimeNS/1e6, fields))
		}
	}
	slices.Sort(list)
	return list
}

func fromJSON(t *testing.T, b []byte) (list []string) {
	t.Helper()
	for line := range bytes.Lines(b) {
		var f struct {
			Device string
			Seq    uint64
			TimeMS int64 `json:"time_ms"`
			Fields map[string]json.Number
		}
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatal(err)
		}
		fields := map[string]string{}
		for name, v := range f.Fields {
			fields[name] = v.String()
		}
		list = append(list, said(f.Device, f.Seq, f.TimeMS, fields))
	}
	return list
}

func fromLine(t *testing.T, b []byte) (list []string) {
	t.Helper()
	for dec := lineprotocol.NewDecoderWithBytes(b); dec.Next(); {
		var device string
		var seq any
		fields := map[string]string{}
		if m, err := dec.Measurement(); err != nil || string(m) != measurement {
			t.Fatal(string(m), err)
		}
		for {
			key, value, err := dec.NextTag()
			if err != nil {
				t.Fatal(err)
			}
			if key == nil {
				break
			}
			device = string(value)
		}
		for i := -1; ; i++ {
			key, value, err := dec.NextField()
			if err != nil {
				t.Fatal(err)
			}
			if key == nil {
				break
			}
			if string(key) == "seq" {
				seq = value.IntV()
			} else {
				fields[string(key)] = fmt.Sprintf("%.*f", digits(i), value.FloatV())
			}
		}
		at, err := dec.Time(lineprotocol.Millisecond, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, said(device, seq, at.UnixMilli(), fields))
	}
	return list
}

// TestLoadOfANode sends to a real node of one, in each of its formats, and counts the frames back.
func TestLoadOfANode(t *testing.T) {
	cfg := gapless.Defaults()
	cfg.Node, cfg.Data, cfg.HTTP, cfg.Listen = "n1", t.TempDir(), "127.0.0.1:0", "127.0.0.1:0"
	cfg.Logger = slog.New(slog.DiscardHandler)
	cfg.OnFatal = func(err error) { t.Error(err) }
	for _, format := range targets["gapless"].formats {
		t.Run(format, func(t *testing.T) {
			cfg.Data = t.TempDir()
			n, err := gapless.Open(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			base := "http://" + n.HTTPAddr()
			waitReady(t, base)
			o := Options{URL: base, Format: format, Devices: 40, Batch: 100, Frames: 3950, Prepare: format == "json", Verify: true}
			if format == "binary" {
				o.Connections = 1 // the questions below want to know how many frames a device has
			}
			r, err := Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if r.Frames != 3950 || r.Counted != 3950 || r.Requests != 40 || r.P99MS <= 0 || r.FramesPerSec <= 0 {
				t.Errorf("the report says %+v", r)
			}
			if format != "binary" {
				return
			}
			start, err := time.Parse(time.RFC3339, r.Start)
			if err != nil {
				t.Fatal(err)
			}
			checkQuestions(t, base, start)
		})
	}
}

// checkQuestions asks a fleet of 40 devices with 8 fields that begins at start, whose first device has 99 frames, and once about a day before.
func checkQuestions(t *testing.T, base string, start time.Time) {
	t.Helper()
	o := QueryOptions{Target: "gapless", URL: base, Devices: 40, Start: start, Repeat: 2}
	q, err := Query(t.Context(), o)
	if err != nil || len(q.Answers) != 4 {
		t.Fatalf("questions: %+v, %v", q, err)
	}
	var got []int
	for _, a := range q.Answers {
		got = append(got, a.Points)
	}
	if got[0] != 40*8 || got[1] != 99*8 || got[2] < 40*2 || got[3] != 10 {
		t.Errorf("the answers hold %v values", got)
	}
	o.Start = start.Add(-24 * time.Hour)
	if q, err = Query(t.Context(), o); err == nil || !strings.Contains(err.Error(), "answered nothing") {
		t.Errorf("a question about an empty day: %+v, %v", q, err)
	}
}

// TestPoints: an answer of each store and question.
func TestPoints(t *testing.T) {
	for body, want := range map[string]int{
		`{"frames":[{"fields":{"a":1,"b":"NaN"}},{"fields":{}}]}`:                               2,
		`{"series":[{"fields":[{"field":"f0","avg":[1,null,2]}]},{"fields":[{"max":[3]}]}]}`:    3,
		`{"results":[{"series":[{"columns":["time","a","b"],"values":[[1,2,null],[2,3,4]]}]}]}`: 3,
		`{"results":[{"statement_id":0}]}`:                                                      0,
		`{"data":{"result":[{"value":[1,"2"]},{"values":[[1,"2"],[2,"3"]]}]}}`:                  3,
		"{\"values\":[1,2],\"timestamps\":[1,2]}\n{\"values\":[3],\"timestamps\":[1]}\n":        3,
		``: 0,
	} {
		if n, err := points([]byte(body)); n != want || err != nil {
			t.Errorf("%s holds %d values (%v), want %d", body, n, err, want)
		}
	}
	if _, err := points([]byte("<html>")); err == nil {
		t.Error("a page in HTML was counted")
	}
}

func waitReady(t *testing.T, base string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		resp, err := http.Get(base + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("not ready: %v", err)
		}
	}
}

// TestABusyStoreIsAskedAgain: refusals are repeated and counted, and an answer that does not say that all is stored ends the run.
func TestABusyStoreIsAskedAgain(t *testing.T) {
	busy, answer := 3, `{"accepted":10,"duplicate":0}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		if busy > 0 {
			busy--
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		io.WriteString(w, answer)
	}))
	defer server.Close()
	opt := Options{URL: server.URL, Devices: 5, Batch: 10, Frames: 50, Connections: 1}
	r, err := Run(t.Context(), opt)
	if err != nil || r.Refused != 3 || r.Frames != 50 || r.Start == "" {
		t.Errorf("report %+v, %v", r, err)
	}
	answer = `{"accepted":9,"duplicate":1}`
	if _, err := Run(t.Context(), opt); err == nil {
		t.Error("an answer that one frame was not stored passed")
	}
	if r, err := Run(t.Context(), opt); r == nil || err == nil {
		t.Error("a run that failed reports nothing of what it measured")
	}
}

// TestOptions: what cannot be measured is refused with its reason.
func TestOptions(t *testing.T) {
	for want, o := range map[string]Options{
		"gapless, influx": {Target: "postgres"},
		"takes the form":  {Target: "influx", Format: "json"},
		"connections":     {Devices: 2, Connections: 3},
		"prepared only":   {Prepare: true},
		"fields":          {Fields: 65},
	} {
		if _, err := o.fill(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}

// TestQuantiles is the nearest rank.
func TestQuantiles(t *testing.T) {
	var times []time.Duration
	for i := 1; i <= 100; i++ {
		times = append(times, time.Duration(i)*time.Millisecond)
	}
	for q, want := range map[float64]float64{0: 1, 0.5: 50, 0.99: 99, 0.999: 100, 1: 100} {
		if got := quantileMS(times, q); got != want {
			t.Errorf("quantile %g is %g, want %g", q, got, want)
		}
	}
}
