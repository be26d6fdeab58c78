package query

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/query/series"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestSeriesAnswers holds answers of /v1/query against testdata/series.txt, which people can read.
func TestSeriesAnswers(t *testing.T) {
	srv := newServer(t, labelledScenario(t), Options{})
	const minute = "from=2026-11-21T10:00:00Z&to=2026-11-21T10:00:12Z"
	var got strings.Builder
	for _, query := range []string{
		"device=mill-07",
		"device=mill-07&fields=rpm&from=2026-11-21T10:00:04Z&to=2026-11-21T10:00:10Z&limit=2",
		"device=mill-07&agg=avg,max,count&step=PT4S&" + minute,
		"device=mill-07&agg=first,last,delta,rate,stddev,p50&step=6s&fill=null&" + minute,
		"device=mill-07&agg=sum&step=P1D&tz=Europe/Paris&from=-P1D&to=now",
		"agg=count,min&stream=*",
		"agg=count,first&stream=*&group=all",
		"agg=avg&group=site&step=PT10S&" + minute,
		"agg=avg&group=site&group=line&match=site%3Dberlin",
		"device=mill-07&fields=rpm&format=csv",
		"agg=count,last&stream=*&format=csv",
		"agg=avg&group=site&step=PT10S&format=csv&" + minute,
	} {
		status, kind, body := srv.do("t1", "/v1/query", query, "")
		if strings.HasPrefix(body, "{") {
			body = folded(t, body)
		}
		fmt.Fprintf(&got, "t1: GET /v1/query?%s\n%d %s\n%s\n\n", query, status, kind, body)
	}
	const file = "testdata/series.txt"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); d != "" {
		t.Error(d)
	}
}

// folded is indented with lists of plain values in one line.
func folded(t *testing.T, body string) string {
	t.Helper()
	var out strings.Builder
	list := false
	for line := range strings.SplitSeq(indented(t, body), "\n") {
		text := strings.TrimLeft(line, " ")
		switch plain := !strings.ContainsAny(strings.Trim(text, `,`), "[]{}:") || text[0] == '"' && !strings.Contains(text, `": `); {
		case list && plain:
			out.WriteString(text)
			continue
		case list && strings.HasPrefix(text, "]"):
			out.WriteString(text + "\n")
			list = false
			continue
		case strings.HasSuffix(text, "["):
			out.WriteString(line)
			list = true
			continue
		case list: // a list of objects
			out.WriteString("\n")
			list = false
		}
		out.WriteString(line + "\n")
	}
	return strings.TrimRight(out.String(), "\n")
}

// seriesRefusals are questions asked wrongly.
var seriesRefusals = []struct {
	query         string
	status        int
	code          string
	message, hint string
}{
	{"aggregate=avg", 400, "unknown_parameter", "aggregate", "agg, group, fill"},
	{"agg=mean", 400, "bad_parameter", `agg="mean"`, "stddev"},
	{"agg=avg,", 400, "bad_parameter", `agg="avg,"`, "stddev"},
	{"agg=p101", 400, "bad_parameter", "p101", "p0 to p100"},
	{"device=a&device=", 400, "bad_parameter", "device", "name of a device"},
	{"device=a&prefix=b", 400, "bad_parameter", "prefix", "not together with device"},
	{"device=a&match=b%3Dc", 400, "bad_parameter", "match", "not together with device"},
	{"match=b", 400, "bad_parameter", "match", "label=value"},
	{"match=colour%3Dred", 404, "unknown_label", "colour", "labels in use"},
	{"agg=avg&group=colour", 404, "unknown_label", "colour", "labels in use"},
	{"agg=avg&group=site&group=site", 400, "bad_parameter", "group", "each once"},
	{"agg=avg&group=site,all", 400, "bad_parameter", `group="all"`, "names of labels"},
	{"group=all", 400, "bad_parameter", "group", "together with agg"},
	{"stream=", 400, "bad_parameter", "stream", "or *"},
	{"fields=", 400, "bad_parameter", "fields", "names of fields"},
	{"system=yes", 400, "bad_parameter", "system", "true or false"},
	{"from=yesterday", 400, "bad_parameter", `from="yesterday"`, "RFC 3339"},
	{"from=1795255200", 400, "bad_parameter", "1795255200", "with its unit"},
	{"from=", 400, "bad_parameter", "from", "left away"},
	{"from=now&to=-1h", 400, "bad_parameter", "to", "a time after from, which is 2026-11-21T10:00:10Z"},
	{"from=2026-11-21T10:00:00Z&to=2026-11-21T10:00:00Z", 400, "bad_parameter", "to", "after from"},
	{"agg=avg&step=1m", 400, "bad_parameter", "from", "with step it is required"},
	{"agg=avg&step=1d&from=-1h", 400, "bad_parameter", "step", "P1D"},
	{"agg=avg&step=0s&from=-1h", 400, "bad_parameter", "step", "P1D"},
	{"step=1m&from=-1h", 400, "bad_parameter", "step", "together with agg"},
	{"fill=null", 400, "bad_parameter", "fill", "together with agg"},
	{"agg=avg&fill=zero", 400, "bad_parameter", "fill", "none, null"},
	{"agg=avg&tz=Mars", 400, "bad_parameter", "tz", "Europe/Paris"},
	{"agg=avg&limit=5", 400, "bad_parameter", "limit", "no pages"},
	{"agg=avg&cursor=x", 400, "bad_parameter", "limit", "no pages"},
	{"limit=0", 400, "bad_parameter", "limit", "above 0"},
	{"limit=51", 400, "bad_parameter", "limit", "from 1 to 50"},
	{"step=1m&step=2m", 400, "bad_parameter", "step", "given twice"},
	{"format=xml", 400, "bad_parameter", "format", "json, csv"},
	{"cursor=zzz", 400, "bad_cursor", "not one that an answer gave", "start again"},
	{"device=mill-07&cursor=FIRST", 400, "foreign_cursor", "other parameters", "repeat the parameters"},
	{"device=nobody&agg=avg", 404, "unknown_device", "nobody", "GET /v1/devices"},
	{"device=mill-07&stream=9&agg=avg", 404, "unknown_stream", "9", "lists its streams"},
	{"device=hall/3 <ü>&stream=main&fields=text,float&agg=count,avg", 400, "not_a_number", `field "text" of device "hall/3 <ü>"`, "count, first and last"},
	{"device=mill-07&agg=avg&require=complete", 409, "incomplete", "7 of 13 expected frames are stored", "gaps"},
	{"device=mill-07&require=complete", 409, "incomplete", "7 of 13 expected frames are stored", "gaps"},
	{"device=mill-07&agg=avg&consistency=strong", 400, "bad_parameter", "consistency", "linearizable"},
}

// TestSeriesRefusals asks wrongly in every way.
func TestSeriesRefusals(t *testing.T) {
	srv := newServer(t, labelledScenario(t), Options{PageRows: 5, MaxPageRows: 50})
	first := srv.ok(t, "t1", "/v1/query", "device", "mill-07", "limit", "1", "fields", "rpm")
	for _, tt := range seriesRefusals {
		query := strings.ReplaceAll(tt.query, "FIRST", *first.Next)
		query = strings.ReplaceAll(query, "hall/3 <ü>", url.QueryEscape("hall/3 <ü>"))
		status, _, body := srv.do("t1", "/v1/query", query, "")
		a := decode(t, body)
		if status != tt.status || a.Error.Code != tt.code || !strings.Contains(a.Error.Message, tt.message) ||
			!strings.Contains(a.Error.Hint, tt.hint) || a.Error.Message == "" || a.Error.Hint == "" {
			t.Errorf("%s: %d %+v, want %d %s with %q and %q", query, status, a.Error, tt.status, tt.code, tt.message, tt.hint)
		}
	}
}

// post sends the parameters in a body.
func (s *server) post(kind, query, body string) (int, string) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://gapless/v1/query?"+query, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "t1")
	req.Header.Set("Content-Type", kind)
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var out strings.Builder
	if err := resp.Write(&out); err != nil {
		s.t.Fatal(err)
	}
	_, answer, _ := strings.Cut(out.String(), "\r\n\r\n")
	return resp.StatusCode, answer
}

// TestSeriesByPost asks the same in an address, a form and JSON, and wrongly in the last two.
func TestSeriesByPost(t *testing.T) {
	srv := newServer(t, labelledScenario(t), Options{MaxBodyBytes: 2000})
	const form, js = "application/x-www-form-urlencoded", "application/json; charset=utf-8"
	want, _ := 0, ""
	want, body := srv.get("t1", "/v1/query", "device", "mill-07", "device", "scale", "agg", "avg", "agg", "count", "from", "-1h", "to", "now+1s",
		"step", "30m", "fields", "rpm,weight")
	if want != 200 || !strings.Contains(body, `"rpm"`) || !strings.Contains(body, `"weight"`) {
		t.Fatalf("%d %s", want, body)
	}
	for _, tt := range []struct{ kind, query, body string }{
		{form, "", "device=mill-07&device=scale&agg=avg,count&from=-1h&to=now%2B1s&step=30m&fields=rpm&fields=weight"},
		{form, "device=mill-07&agg=avg", "device=scale&agg=count&from=-1h&to=now%2B1s&step=PT30M&fields=rpm%2Cweight"},
		{js, "", `{"device":["mill-07","scale"],"agg":["avg","count"],"from":"-1h","to":"now+1s","step":"30m","fields":["rpm","weight"]}`},
		{js, "from=-1h&to=now%2B1s", `{"device":["mill-07","scale"],"agg":"avg,count","step":"30m","fields":"rpm,weight","system":false}`},
	} {
		status, got := srv.post(tt.kind, tt.query, tt.body)
		if status != 200 || got != body {
			t.Errorf("%s: %d %s\nwant %s", tt.body, status, got, body)
		}
	}
	for _, tt := range []struct {
		kind, query, body string
		status            int
		code, message     string
	}{
		{"text/plain", "", "device=a", 415, "unknown_content_type", "text/plain"},
		{form, "", "device=%zz", 400, "bad_body", "not a form"},
		{form, "", "devices=a", 400, "unknown_parameter", "devices"},
		{form, "step=1m", "step=2m", 400, "bad_parameter", "step"},
		{js, "", "", 400, "bad_body", "not a JSON object"},
		{js, "", "[]", 400, "bad_body", "not a JSON object"},
		{js, "", `{"agg":"avg"} {}`, 400, "bad_body", "not a JSON object"},
		{js, "", `{"agg":"avg","agg":"max"}`, 400, "bad_body", "duplicate"},
		{js, "", "{\"agg\":\"\xff\"}", 400, "bad_body", "UTF-8"},
		{js, "", `{"devices":["a"]}`, 400, "unknown_parameter", "devices"},
		{js, "", `{"step":["1m"]}`, 400, "bad_parameter", "step"},
		{js, "", `{"device":[1]}`, 400, "bad_parameter", "device"},
		{js, "", `{"device":[["a"]]}`, 400, "bad_parameter", "device"},
		{js, "", `{"device":null}`, 400, "bad_parameter", "device"},
		{js, "", `{"from":{"a":1}}`, 400, "bad_parameter", "from"},
		{js, "", `{"limit":1.5}`, 400, "bad_parameter", "limit"},
		{js, "", `{"device":["` + strings.Repeat("x", 2000) + `"]}`, 413, "body_too_large", "query.max_body_bytes"},
	} {
		status, body := srv.post(tt.kind, tt.query, tt.body)
		if a := decode(t, body); status != tt.status || a.Error.Code != tt.code || !strings.Contains(a.Error.Message, tt.message) || a.Error.Hint == "" {
			t.Errorf("%.60s: %d %+v, want %d %s with %q", tt.body, status, a.Error, tt.status, tt.code, tt.message)
		}
	}
}

// FuzzSeriesBody gives any body to the endpoint: it answers, or refuses with a reason.
func FuzzSeriesBody(f *testing.F) {
	api, err := New(scenario(f), nil, Options{})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{`{"device":["mill-07"],"agg":["avg"]}`, `{"from":"-1h","step":"1m","agg":"max"}`, `{"limit":3}`, `{"tz":"Europe/Paris"}`} {
		f.Add(s, true)
	}
	f.Add("device=mill-07&agg=avg", false)
	f.Fuzz(func(t *testing.T, body string, js bool) {
		p := params{}
		err := p.addForm([]byte(body))
		if js {
			p = params{}
			err = p.addJSON([]byte(body))
		}
		var refused *Error
		if err != nil {
			if !errors.As(err, &refused) || refused.Status != 400 || refused.Hint == "" {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		r := &request{ctx: context.Background(), args: p}
		r.who.Tenant = "t1"
		q, _, err := r.seriesQueryOf(nil)
		if err == nil {
			_, err = api.Query(context.Background(), *q)
		}
		if err != nil && !errors.As(err, &refused) {
			t.Fatalf("%q: %v", body, err)
		}
	})
}

// TestPointsAreTheFrames compares points with frames in every detail that both have, page by page, wherever the rows lie and whatever arrives meanwhile.
func TestPointsAreTheFrames(t *testing.T) {
	srv := newServer(t, newStore(ledger.Policy{}), Options{})
	rapid.Check(t, func(t *rapid.T) {
		s := newStore(ledger.Policy{})
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			drawStep(t)(t, s)
			drawMove(t)(t, s)
		}
		opt := Options{MaxAnswerBytes: rapid.SampledFrom([]int{16 << 20, 600}).Draw(t, "bytes"), LockRows: rapid.IntRange(1, 50).Draw(t, "lock rows")}
		srv.use(s, opt)
		var some []string
		if rapid.Bool().Draw(t, "some fields") {
			some = []string{"fields", "a,ü"}
		}
		pairs := append(slices.Clone(some), "stream", "*")
		var frames []answerFrame
		list := rapid.SampledFrom([][]string{{"d"}, {"d", "e"}, {"_own", "d", "e"}}).Draw(t, "devices")
		for _, device := range list {
			status, body := srv.get("t", "/v1/frames", append([]string{"device", device, "limit", "10000", "consistency", "stale"}, some...)...)
			if a := decode(t, body); status == 200 && a.Next == nil {
				frames = append(frames, a.Frames...)
			} else { // nobody heard of it, or a page of bytes
				return
			}
			pairs = append(pairs, "device", device)
		}
		limit := fmt.Sprint(rapid.IntRange(1, 20).Draw(t, "limit"))
		got, more := pointsOf(t, srv, append(slices.Clone(pairs), "limit", limit))
		for pages := 1; more != ""; pages++ {
			if pages > 2000 {
				t.Fatalf("%d pages, and %d points of %d frames", pages, len(got), len(frames))
			}
			drawStep(t)(t, s) // later rows are not of this listing
			drawMove(t)(t, s)
			var page []answerFrame
			page, more = pointsOf(t, srv, append(slices.Clone(pairs), "limit", limit, "cursor", more))
			got = append(got, page...)
		}
		for i := range frames {
			frames[i].Raw = ""
		}
		if some != nil { // a frame that has none of them is no point
			frames = slices.DeleteFunc(frames, func(f answerFrame) bool { return len(f.Fields) == 0 })
		}
		if d := cmp.Diff(frames, got); d != "" && len(frames)+len(got) > 0 {
			t.Fatalf("%v: %s", pairs, d)
		}
	})
}

// pointsOf asks for a page of points and makes frames of them again.
func pointsOf(t tester, srv *server, pairs []string) (list []answerFrame, next string) {
	t.Helper()
	status, body := srv.get("t", "/v1/query", pairs...)
	if status != 200 {
		t.Fatalf("%v: %d %s", pairs, status, body)
	}
	var a struct {
		Series []struct {
			Device, Stream string
			Epoch          uint32
			Seq            []uint64
			Time           []string
			Fields         []struct {
				Field  string
				Kinds  []string
				Values []any
			}
		}
		Next *string
	}
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	for _, s := range a.Series {
		if len(s.Time) != len(s.Seq) {
			t.Fatalf("%d times of %d points", len(s.Time), len(s.Seq))
		}
		for i := range s.Seq {
			f := answerFrame{Device: s.Device, Stream: s.Stream, Epoch: s.Epoch, Seq: s.Seq[i], Fields: map[string]any{}}
			for _, c := range s.Fields {
				if v := c.Values[i]; v != nil {
					f.Fields[c.Field] = v
				}
			}
			list = append(list, f)
		}
	}
	if a.Next != nil {
		next = *a.Next
	}
	return list, next
}

// TestBucketsSayWhatFramesSay compares the completeness of every bucket, and of the whole range, with what /v1/frames says of the same time.
func TestBucketsSayWhatFramesSay(t *testing.T) {
	srv := newServer(t, newStore(ledger.Policy{}), Options{})
	rapid.Check(t, func(t *rapid.T) {
		s := newStore(ledger.Policy{})
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			drawSeriesStep(t)(t, s)
			drawMove(t)(t, s)
		}
		if _, ok := s.view.Ledger.ID(frame.StreamKey{Tenant: "t", Device: "d", Stream: "0"}); !ok {
			return
		}
		srv.use(s, Options{})
		api := newAPI(t, s, Options{})
		from := startMS*ms + rapid.Int64Range(-8, 60).Draw(t, "from")*second
		to := from + rapid.Int64Range(1, 40).Draw(t, "to")*second
		q := SeriesQuery{Tenant: "t", Devices: []string{"d"}, Aggregates: []string{"count"}, From: timeOf(from), To: timeOf(to), Step: "7s", FillNull: true}
		got, err := api.Query(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		frames := func(first, last int64) *answerCompleteness {
			return srv.ok(t, "t", "/v1/frames", "device", "d", "stream", "0", "limit", "1", "from", timeOf(first), "to", timeOf(last)).Completeness
		}
		var w writer
		got.whole.write(&w)
		var whole answerCompleteness
		if err := json.Unmarshal(w.b, &whole); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(frames(from, to-1), &whole); d != "" {
			t.Fatalf("the whole range: %s", d)
		}
		one := got.Series[0]
		for i, start := range one.StartNS {
			end := got.LastNS
			if i+1 < len(one.StartNS) {
				end = one.StartNS[i+1] - 1
			}
			want := frames(start, end)
			if c := one.Buckets[i]; c.Expected != want.Expected || c.Stored != want.Stored || c.Missing() != want.Missing || c.Verdict.String() != want.Verdict {
				t.Fatalf("bucket %d from %s to %s: %+v, want %+v", i, timeOf(start), timeOf(end), c, want)
			}
		}
	})
}

func timeOf(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }

// TestSeriesWhileRowsMove moves rows and adds later ones after every look at the state: the answer is that of the state it names.
func TestSeriesWhileRowsMove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		still, moving := newStore(ledger.Policy{}), newStore(ledger.Policy{})
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			change, move := drawSeriesStep(t), drawMove(t)
			change(t, still)
			change(t, moving)
			move(t, moving)
		}
		opt := Options{LockRows: rapid.IntRange(1, 9).Draw(t, "lock rows")}
		q := drawModelQuestion(t).SeriesQuery
		want, wantErr := newAPI(t, still, Options{}).Query(context.Background(), q)
		var later []step
		for range 30 {
			later = append(later, drawMove(t))
		}
		rows := rapid.SliceOfN(rapid.Custom(drawFrame), 30, 30).Draw(t, "later rows")
		looks := 0
		moving.between = func() {
			if looks >= len(later) {
				return
			}
			if looks > 8 { // the first looks may come before the state is chosen
				moving.put(t, rows[looks])
			}
			later[looks](t, moving)
			looks++
		}
		got, err := newAPI(t, moving, opt).Query(context.Background(), q)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%v, want %v", err, wantErr)
		}
		if err != nil || got.AsOf.Index != want.AsOf.Index {
			return // the state was chosen after the first of the later rows
		}
		if d := cmp.Diff(placelessSeries(want), placelessSeries(got)); d != "" {
			t.Fatalf("%+v: %s", q, d)
		}
	})
}

// TestLaterRowsAreNotOfTheState adds rows in holes, and moves them into segments, while an answer is on its way through the head.
func TestLaterRowsAreNotOfTheState(t *testing.T) {
	for _, q := range []SeriesQuery{
		{Aggregates: []string{"count", "sum"}},
		{Aggregates: []string{"count", "sum", "rate", "last"}, From: secondText(0), Step: "20s", To: secondText(100)},
		{Aggregates: []string{"max"}, From: secondText(30), Step: "20s", To: secondText(200)},
	} {
		s := newStore(ledger.Policy{})
		for n := range uint64(60) {
			if s.put(t, measured("d", 2*n)); n == 19 {
				s.seal()
				s.flush(t)
			}
		}
		s.change(func(l *ledger.Ledger) {
			if _, err := l.Heartbeat(s.commitMS, &ledger.Heartbeat{Subject: ledger.Subject{ID: s.id(t, "t", "d", "0")}, Next: 140}); err != nil {
				t.Fatal(err)
			}
		})
		q.Tenant, q.Fields = "t", []string{"value-1"}
		want, err := newAPI(t, s, Options{}).Query(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		looks, next := 0, uint64(1)
		s.between = func() {
			if looks++; looks < 2 || next > 119 { // the first look is for the segments, the second chooses the state
				return
			}
			for range 10 {
				s.put(t, measured("d", next))
				next += 2
			}
			early, late := measured("d", 1000+next), measured("d", next+139)
			early.TimeNS, late.TimeNS = startMS*ms-100*second, startMS*ms+500*second
			s.put(t, early, late)
			s.seal()
			alone := measured("d", 2000+next) // in a segment of its own
			alone.TimeNS = startMS*ms + 45*second
			s.put(t, alone)
			if s.seal(); looks%2 == 0 {
				for range 4 {
					s.flush(t)
				}
			}
		}
		got, err := newAPI(t, s, Options{LockRows: 5}).Query(context.Background(), q)
		if err != nil || looks < 3 || got.AsOf != want.AsOf {
			t.Fatalf("%v after %d looks: %+v", err, looks, got)
		}
		if d := cmp.Diff(placelessSeries(want), placelessSeries(got)); d != "" {
			t.Errorf("%v: %s", q.Aggregates, d)
		}
	}
}

// placelessSeries is an answer without what depends on where rows lie: its cost, and the last bits of floats.
func placelessSeries(a *SeriesAnswer) string {
	var r request
	b := *a
	b.Segments, b.Blocks, b.Bytes, b.Rows, b.StatisticsBlocks = 0, 0, 0, 0, 0
	for i := range b.Series {
		for f := range b.Series[i].Fields {
			for c := range b.Series[i].Fields[f].Columns {
				for v := range b.Series[i].Fields[f].Columns[c].Values {
					if one := &b.Series[i].Fields[f].Columns[c].Values[v]; one.Kind == series.Float {
						*one = series.Value{Kind: series.Text, Str: fmt.Appendf(nil, "%.5g", one.Float64())}
					}
				}
			}
		}
	}
	b.write(&r)
	return string(r.w.b)
}

// TestNowIsTheTimeOfTheState lets the clock of the store go on between the looks at it.
func TestNowIsTheTimeOfTheState(t *testing.T) {
	for _, aggs := range [][]string{nil, {"count"}} {
		s := newStore(ledger.Policy{})
		for seq := range uint64(10) {
			s.put(t, measured("d", seq))
			s.seal()
			s.flush(t)
		}
		looks := 0
		s.between = func() {
			if looks++; looks < 5 {
				s.commitMS += 1000
				s.put(t, measured("d", 100+uint64(looks)))
			}
		}
		got, err := newAPI(t, s, Options{}).Query(context.Background(), SeriesQuery{Tenant: "t", Aggregates: aggs, From: "-9s", To: "now"})
		if err != nil || got.LastNS+1 != got.AsOf.TimeMS*ms || got.FirstNS != got.AsOf.TimeMS*ms-9*second {
			t.Errorf("%v: %+v", err, got)
		}
	}
}

// TestSeriesAfterAMerge lets a merge take a segment away between the look at the state and the opening of its segments.
func TestSeriesAfterAMerge(t *testing.T) {
	s := newStore(ledger.Policy{})
	for seq := range uint64(10) {
		s.put(t, measured("d", seq))
		s.seal()
		s.flush(t)
	}
	api := newAPI(t, s, Options{})
	s.between = sync.OnceFunc(func() { s.rewrite(t) })
	got, err := api.Query(context.Background(), SeriesQuery{Tenant: "t", Aggregates: []string{"count"}, Fields: []string{"value-1"}})
	if err != nil || len(got.Series) != 1 {
		t.Fatal(got, err)
	}
	if v, _ := got.Series[0].Fields[0].Columns[0].Values[0].Int64(); v != 10 {
		t.Errorf("%d values, want 10", v)
	}
}

// TestSeriesDeadline lets the disk be slow: the deadline ends an answer between two reads, and so does the caller.
func TestSeriesDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(ledger.Policy{})
		for i := range uint64(20) {
			s.put(t, measured("d", 2*i))
			s.seal()
			s.flush(t)
		}
		s.watch = func(int64) { time.Sleep(time.Second) } // by the clock of the bubble
		api := newAPI(t, s, Options{Deadline: 3 * time.Second})
		for _, query := range []string{"agg=stddev", "agg=avg&step=10s&from=" + secondText(3) + "&to=" + secondText(30), "device=d", "agg=rate"} {
			start := time.Now()
			_, err := api.ask(question{seriesName, "", query}, "t")
			checkError(t, query, err, "deadline", "query.deadline of 3s", "narrower range")
			if took := time.Since(start); took < 3*time.Second || took > 12*time.Second {
				t.Errorf("%s ended after %s", query, took)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := api.Query(ctx, SeriesQuery{Tenant: "t", Aggregates: []string{"sum"}}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestSeriesConsistency makes sure that the first look is as fresh as was asked, that later ones need not ask again, and that `after` is waited for.
func TestSeriesConsistency(t *testing.T) {
	s := newStore(ledger.Policy{})
	s.put(t, measured("d", 1), measured("d", 2), measured("d", 3))
	api := newAPI(t, s, Options{LockRows: 1})
	if _, err := api.Query(context.Background(), SeriesQuery{Tenant: "t", Aggregates: []string{"sum"}, Consistency: Linearizable}); err != nil {
		t.Fatal(err)
	}
	if len(s.asked) < 2 || s.asked[0] != Linearizable || slices.ContainsFunc(s.asked[1:], func(c Consistency) bool { return c != Stale }) {
		t.Errorf("asked for %v", s.asked)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	later := frame.Position{History: 1, Index: 99}
	if _, err := api.Query(ctx, SeriesQuery{Tenant: "t", Aggregates: []string{"sum"}, After: later}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	_, err := api.Query(context.Background(), SeriesQuery{Tenant: "t", Devices: []string{"d"}, Aggregates: []string{"sum"}, Require: ledger.Complete})
	checkError(t, "require", err, "incomplete", "COMPLETE_BETWEEN_SEEN", "gaps")
}

// TestSeriesSideBySide asks while rows arrive and are flushed.
func TestSeriesSideBySide(t *testing.T) {
	s := newStore(ledger.Policy{})
	s.crowded = true
	api := newAPI(t, s, Options{LockRows: 7, SeriesWorkers: 4})
	var all sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				a, err := api.Query(context.Background(), SeriesQuery{Tenant: "t", Aggregates: []string{"count", "rate", "p50", "last"}, Group: []string{"all"}})
				if err != nil {
					t.Error(err)
					return
				}
				for _, one := range a.Series {
					v, _ := one.Fields[0].Columns[0].Values[0].Int64()
					if got := one.Buckets[0]; uint64(v) != got.Stored || got.Missing() != 0 {
						t.Errorf("%d values, %+v", v, got)
					}
				}
			}
		})
	}
	for seq := range uint64(60) {
		s.put(t, measured("a", seq), measured("b", seq), measured("c", seq))
		if seq%7 == 6 {
			s.seal()
			s.flush(t)
		}
	}
	close(done)
	all.Wait()
	if s.opened != 0 {
		t.Errorf("%d segments were not given back", s.opened)
	}
}
