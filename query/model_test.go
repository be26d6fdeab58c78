package query

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"
	"pgregory.net/rapid"
)

// step changes a store. The same steps make equal states, wherever the rows lie.
type step func(tester, *store)

func drawSubject(t *rapid.T) sent {
	return sent{
		tenant: rapid.SampledFrom([]string{"t", "t", "t", "u"}).Draw(t, "tenant"),
		device: rapid.SampledFrom([]string{"d", "d", "d", "e", "_own"}).Draw(t, "device"),
		stream: rapid.SampledFrom([]string{"0", "0", "b"}).Draw(t, "stream"),
		epoch:  rapid.SampledFrom([]string{"x", "x", "y"}).Draw(t, "epoch"),
		seq:    rapid.Uint64Range(0, 60).Draw(t, "seq"),
	}
}

// drawFrame makes a frame whose time follows its number, mostly.
func drawFrame(t *rapid.T) sent {
	f := drawSubject(t)
	f.TimeNS = startMS*ms + int64(f.seq)*second
	if rapid.IntRange(0, 5).Draw(t, "time is") == 0 {
		f.TimeNS = startMS*ms + rapid.Int64Range(-10, 70).Draw(t, "seconds")*second
	}
	f.Class = rapid.SampledFrom([]frame.Class{frame.ClassEvent, frame.ClassSnapshot}).Draw(t, "class")
	for _, name := range []string{"a", "b", "ü"} {
		if v, ok := drawValue(t); ok {
			f.Fields = append(f.Fields, frame.Field{Name: name, Value: v})
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "has raw") == 0 {
		f.Raw = rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "raw")
	}
	if rapid.IntRange(0, 9).Draw(t, "unnumbered") == 0 {
		f.device, f.epoch, f.seq, f.group.Unseq = "scale", "", 0, true
	}
	return f
}

func drawValue(t *rapid.T) (frame.Value, bool) {
	switch rapid.IntRange(0, 7).Draw(t, "kind") {
	case 0:
		return frame.Float(rapid.Float64().Draw(t, "float")), true
	case 1:
		v, _ := frame.DecimalFloat(rapid.Int64Range(-1e6, 1e6).Draw(t, "mantissa"), 2)
		return v, true
	case 2:
		return frame.Int(rapid.Int64().Draw(t, "int")), true
	case 3:
		return frame.Uint(rapid.Uint64().Draw(t, "uint")), true
	case 4:
		return frame.Bool(rapid.Bool().Draw(t, "bool")), true
	case 5:
		return frame.String(rapid.StringN(0, 8, 30).Draw(t, "text")), true
	case 6:
		return frame.Bytes(rapid.SliceOfN(rapid.Byte(), 0, 10).Draw(t, "bytes")), true
	}
	return frame.Value{}, false
}

func drawStep(t *rapid.T) step {
	f := drawSubject(t)
	key := frame.StreamKey{Tenant: f.tenant, Device: f.device, Stream: f.stream}
	last := f.seq + rapid.Uint64Range(0, 8).Draw(t, "length")
	switch rapid.IntRange(0, 11).Draw(t, "step") {
	case 0:
		return func(t tester, s *store) {
			s.change(func(l *ledger.Ledger) {
				_, _ = l.Heartbeat(s.commitMS, &ledger.Heartbeat{Subject: ledger.Subject{Key: key, Epoch: f.epoch}, Next: f.seq})
			})
		}
	case 1:
		return func(t tester, s *store) {
			s.change(func(l *ledger.Ledger) {
				_, _ = l.DeclareLost(s.commitMS, &ledger.DeclareLost{Subject: ledger.Subject{Key: key, Epoch: f.epoch}, From: f.seq, To: last})
			})
		}
	case 2:
		return func(t tester, s *store) {
			s.change(func(l *ledger.Ledger) {
				if id, err := l.Intern(key); err == nil {
					l.Reject(&frame.Group{Stream: id, Epoch: f.epoch, Bits: 64}, f.seq, s.commitMS, s.commitMS, frame.CauseRejectedSchema)
				}
			})
		}
	case 3:
		return func(t tester, s *store) { s.settle() }
	case 4:
		entry := drawEntry(t)
		return func(t tester, s *store) { s.register(t, f.tenant, entry) }
	}
	frames := rapid.SliceOfN(rapid.Custom(drawFrame), 1, 8).Draw(t, "frames")
	for n := f.seq; n <= last; n++ { // and some that follow each other
		next := f
		next.seq, next.TimeNS = n, startMS*ms+int64(n)*second
		frames = append(frames, next)
	}
	return func(t tester, s *store) { s.put(t, frames...) }
}

// drawEntry is what an operator says of a device: of one that sends, or of one that never does.
func drawEntry(t *rapid.T) string {
	return fmt.Sprintf(`{"device":%q,"labels":{"site":%q},"cadence_ms":%d}`,
		rapid.SampledFrom([]string{"d", "e", "scale", "never"}).Draw(t, "device"),
		rapid.SampledFrom([]string{"x", "y"}).Draw(t, "site"),
		rapid.SampledFrom([]int{0, 1000, 1500, 7000}).Draw(t, "cadence"))
}

// drawMove makes rows move on: the head is sealed, the oldest sealed head flushed, or nothing.
func drawMove(t *rapid.T) step {
	switch rapid.IntRange(0, 5).Draw(t, "move") {
	case 0:
		return func(t tester, s *store) { s.seal() }
	case 1:
		return func(t tester, s *store) { s.flush(t) }
	case 2:
		return func(t tester, s *store) { s.seal(); s.flush(t) }
	}
	return func(tester, *store) {}
}

// question is one request.
type question struct{ endpoint, device, query string }

func drawQuestion(t *rapid.T) question {
	q := question{endpoint: "frames"} // they have the most ways
	if rapid.IntRange(0, 2).Draw(t, "frames") > 0 {
		q.endpoint = rapid.SampledFrom(endpoints).Draw(t, "endpoint").name
	}
	if strings.HasPrefix(q.endpoint, "device") && q.endpoint != "devices" || q.endpoint == "coverage" {
		q.device = rapid.SampledFrom([]string{"d", "e", "_own", "scale"}).Draw(t, "device")
	}
	args := url.Values{}
	add := func(name string, values ...string) {
		for _, e := range endpoints {
			if e.name == q.endpoint && strings.Contains(" "+strings.Join(e.params, " ")+" ", " "+name+" ") && rapid.Bool().Draw(t, name) {
				args.Set(name, rapid.SampledFrom(values).Draw(t, "value"))
			}
		}
	}
	from := rapid.Int64Range(-5, 65).Draw(t, "from")
	to := from + rapid.Int64Range(0, 40).Draw(t, "to")
	if q.endpoint == "frames" {
		args.Set("device", rapid.SampledFrom([]string{"d", "e", "_own", "scale"}).Draw(t, "device"))
	} else {
		add("device", "d", "e", "_own")
	}
	if !args.Has("device") {
		add("prefix", "d", "_", "s")
	}
	if !args.Has("device") {
		add("match", "site=x", "site=y", "site=z")
	}
	add("group", "site", "type")
	add("overdue", "true")
	add("cadence", "registered", "1s", "2500ms")
	add("system", "true")
	add("stream", "0", "b")
	if q.endpoint != "gaps" || args.Has("device") {
		add("epoch", "1", "2")
	}
	add("from_seq", "0", "7", "30")
	add("to_seq", "35", "50", "90")
	add("from", secondText(from))
	add("to", secondText(to))
	add("state", "OPEN", "FINAL")
	add("cause", "never_arrived", "declared_lost")
	add("min", "2")
	add("fields", "a", "ü,a", "", "none")
	add("raw", "false", "true")
	args.Set("limit", strconv.Itoa(rapid.IntRange(1, 30).Draw(t, "limit")))
	if q.endpoint == "frames" && rapid.IntRange(0, 2).Draw(t, "whole") == 0 {
		drawExport(t, args)
	}
	if q.endpoint == "device" || q.endpoint == "device_gaps" || q.endpoint == "ledger" {
		args.Del("limit")
	}
	q.query = args.Encode()
	return q
}

// drawExport makes a question for pages one for a stream, perhaps of many devices.
func drawExport(t *rapid.T, args url.Values) {
	args.Del("limit")
	args.Set("format", rapid.SampledFrom([]string{"ndjson", "csv", "arrow"}).Draw(t, "format"))
	if args.Get("format") == "ndjson" && rapid.Bool().Draw(t, "progress") {
		args.Set("progress", "5")
	}
	switch rapid.IntRange(0, 3).Draw(t, "devices") {
	case 0:
		args.Add("device", "never")
	case 1:
		args.Del("device")
		args.Del("epoch")
	case 2:
		args.Del("device")
		args.Del("epoch")
		args.Set("match", "site=x")
	}
}

// ask asks without the sockets and returns the answer, or the error as text.
func (a *API) ask(q question, tenant string) (body string, err error) {
	var ctx fasthttp.RequestCtx
	ctx.Request.SetRequestURI("/?" + q.query)
	if q.device != "" {
		ctx.SetUserValue("device", q.device)
	}
	for _, e := range endpoints {
		if e.name == q.endpoint {
			err = a.handler(e)(&ctx, auth.Principal{Tenant: tenant, Scopes: auth.Read})
		}
	}
	return string(ctx.Response.Body()), err
}

var (
	statsMember = regexp.MustCompile(`"stats":\{[^}]*\},`)
	whereMember = regexp.MustCompile(`"(?:log_only|head)":(\d+),"(?:hot|segments)":(\d+)`) // of the balances
)

// placeless takes out of an answer what tells where frames lie: its cost, and of the balances all but the sum.
func placeless(body string) string {
	return whereMember.ReplaceAllStringFunc(statsMember.ReplaceAllString(body, ""), func(where string) string {
		n := whereMember.FindStringSubmatch(where)
		inHead, _ := strconv.Atoi(n[1])
		inSegments, _ := strconv.Atoi(n[2])
		return fmt.Sprint(inHead + inSegments)
	})
}

// compare asks two APIs for all pages of a question: every page is the same, but for what it cost.
func compare(t tester, one, other *API, q question, tenant string) {
	t.Helper()
	for page := 1; ; page++ {
		want, wantErr := one.ask(q, tenant)
		got, gotErr := other.ask(q, tenant)
		want, got = placeless(want), placeless(got)
		if fmt.Sprint(wantErr) != fmt.Sprint(gotErr) || want != got {
			t.Fatalf("page %d of %+v differs (%v, %v): %s", page, q, wantErr, gotErr, cmp.Diff(strings.Split(want, ","), strings.Split(got, ",")))
		}
		_, next, _ := strings.Cut(want, `"next":"`)
		if next, _, _ = strings.Cut(next, `"`); wantErr != nil || next == "" {
			return
		}
		args, err := url.ParseQuery(q.query)
		if err != nil {
			t.Fatal(err)
		}
		args.Set("cursor", next)
		q.query = args.Encode()
	}
}

func newAPI(t tester, s *store, opt Options) *API {
	t.Helper()
	api, err := New(s, s, opt)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

// TestLayersDoNotShow makes two stores of the same commits: in one all rows stay in the head, in the other they move at random into sealed
// heads and segments. Every answer of one is byte for byte the answer of the other.
func TestLayersDoNotShow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole, split := newStore(ledger.Policy{}), newStore(ledger.Policy{})
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			change, move := drawStep(t), drawMove(t)
			change(t, whole)
			change(t, split)
			move(t, split)
		}
		opt := Options{
			MaxAnswerBytes: rapid.SampledFrom([]int{16 << 20, 3000}).Draw(t, "bytes"),
			LockRows:       rapid.IntRange(1, 50).Draw(t, "lock rows"),
		}
		one, other := newAPI(t, whole, opt), newAPI(t, split, opt)
		other.mergeBudget = rapid.IntRange(1, 30).Draw(t, "merge budget")
		for range 12 {
			compare(t, one, other, drawQuestion(t), rapid.SampledFrom([]string{"t", "u"}).Draw(t, "tenant"))
		}
		if split.opened != 0 {
			t.Fatalf("%d segments were not given back", split.opened)
		}
	})
}
