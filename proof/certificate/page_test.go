package certificate_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

func devices(names ...string) certificate.Request {
	return certificate.Request{Scope: certificate.Scope{Tenant: "default", Devices: names}}
}

// mill is a device that lost, and declared lost, in its second epoch, and another one that lost nothing.
func mill(t testing.TB) *world.World {
	w := world.New(t, "plant-7")
	work(w)
	return w
}

// work is what happens there.
func work(w *world.World) {
	one := uint64(1)
	w.Send(world.Batch{Device: "mill-07", Epoch: "boot-16", First: &one, Seqs: world.Seqs(1, 1200)})
	w.Send(world.Batch{Device: "mill-08", Epoch: "boot-2", First: &one, Seqs: world.Seqs(1, 400)})
	w.Cut()
	w.Heartbeat(ledger.Heartbeat{Subject: world.On("default", "mill-07", "boot-17"), Next: 2, HasFirst: true, First: 1, HasPrev: true, Prev: "boot-16", PrevLast: 1200})
	w.Send(world.Batch{Device: "mill-07", Epoch: "boot-17", Seqs: world.Seqs(1, 900, 500, 501, 502, 700)})
	w.Lost(ledger.DeclareLost{Subject: world.On("default", "mill-07", "boot-17"), From: 500, To: 502, Reason: `ring <b>full</b> & "old"`})
	w.End(ledger.Seal{Subject: world.On("default", "mill-08", "boot-2"), Last: 400})
	w.Settle()
	w.Uncertain = []string{"counters of listeners (crash)"}
	w.Cut()
}

// timed is a request for the numbers in a time.
func timed(device, from, to string) certificate.Request {
	req := devices(device)
	req.Scope.Time = []string{from, to}
	return req
}

// TestPage holds the page against what has to be on it. With GAPLESS_PAGES it also writes pages there, to be looked at.
func TestPage(t *testing.T) {
	w := mill(t)
	for name, tt := range map[string]struct {
		req  certificate.Request
		has  []string
		hasn string
	}{
		"incomplete": {devices("mill-07", "mill-08"), []string{
			"<h1>INCOMPLETE</h1>", "4 of 2\u202f500 numbers are missing", "<dd>mill-07, mill-08</dd>",
			`<td class="n">500</td><td class="n">502</td><td class="n">3</td><td>final</td><td>declared lost`,
			"ring &lt;b&gt;full&lt;/b&gt; &amp; &#34;old&#34;", "never arrived", "last seen", "successor", "boot-17",
			"a broken sensor or a wrong clock", "counters of listeners (crash), node n2", "synced by 2 of 3 nodes", "gapless verify", "— gapless/plant-7/n2 ",
		}, "<b>full"},
		"complete": {devices("mill-08"), []string{"<h1>COMPLETE</h1>", "Every frame that was numbered is stored"}, "What is missing</h2>"},
		"explained": {func() certificate.Request { r := devices("mill-07"); r.Scope.Seq = []uint64{1, 600}; return r }(), []string{
			"<h1>EXPLAINED</h1>", "stated cause is on record", "1 to 600"}, "never arrived"},
		"indeterminate": {devices("mill-08", "ghost"), []string{"<h1>INDETERMINATE</h1>", "nothing that was asked for is known", "<p>ghost</p>"}, "What is missing</h2>"},
		"between": {func() certificate.Request {
			r := devices("mill-07")
			r.Scope.Epochs = []uint32{2}
			r.Scope.Seq = []uint64{701, 2000}
			return r
		}(), []string{"<h1>COMPLETE BETWEEN SEEN</h1>"}, "What is missing</h2>"},
	} {
		var b bytes.Buffer
		if err := w.Certify(tt.req).Page(&b); err != nil {
			t.Fatal(err)
		}
		for _, text := range tt.has {
			if !strings.Contains(b.String(), text) {
				t.Errorf("%s: %q is not on the page", name, text)
			}
		}
		if strings.Contains(b.String(), tt.hasn) {
			t.Errorf("%s: %q is on the page", name, tt.hasn)
		}
		if dir := os.Getenv("GAPLESS_PAGES"); dir != "" {
			if err := os.WriteFile(dir+"/"+name+".html", b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestPlainOfARange: what was not asked for, a page says nothing of.
func TestPlainOfARange(t *testing.T) {
	w, one := world.New(t, "plant-7"), uint64(1)
	begin := w.MS
	w.Send(world.Batch{Device: "d", Epoch: "a", First: &one, Seqs: world.Seqs(1, 150, 20, 21, 99)})
	w.Send(world.Batch{Device: "crc", Epoch: "a", First: &one, Seqs: world.Seqs(1, 9)})
	w.Settle()
	w.Cut()
	stream := "0"
	damaged := w.Certify(devices("crc"))
	damaged.Verdict, damaged.Statement.Missing, damaged.Statement.Causes = "EXPLAINED", 3, map[string]uint64{"rejected.crc": 2, "declared_lost": 1}
	counts := devices("d")
	counts.Scope.CountsOnly = true
	part := func(change func(s *certificate.Scope), devs ...string) *certificate.Certificate {
		req := devices(devs...)
		change(&req.Scope)
		return w.Certify(req)
	}
	seq := func(first, last uint64) func(*certificate.Scope) {
		return func(s *certificate.Scope) { s.Seq = []uint64{first, last} }
	}
	inTime := func(from, to int64) func(*certificate.Scope) {
		return func(s *certificate.Scope) { s.Time = []string{stamp(begin + from), stamp(begin + to)} }
	}
	for name, tt := range map[string]struct {
		c         *certificate.Certificate
		has, hasn string
	}{
		"numbers":        {part(seq(22, 98), "d"), "<p>Every number asked for that is known to exist is stored. Where they reach", "was numbered"},
		"a time":         {part(inTime(10, 50), "d"), "<p>Every number asked for that is known to exist is stored. Where they reach", "was numbered"},
		"to the end":     {part(seq(100, 200), "d"), "<p>Every number asked for that is known to exist is stored. That there were no others", "first and the last"},
		"behind it":      {part(seq(151, 200), "d"), "<p>None of the numbers asked for is known to exist. That there were no others", "is stored"},
		"some missing":   {part(seq(90, 100), "d"), "<p>1 of 11 numbers asked for that are known to exist are missing, and for some of them nobody", "exact"},
		"one epoch":      {part(func(s *certificate.Scope) { s.Epochs = []uint32{1} }, "crc"), "<p>Every number asked for", "between the first and the last"},
		"one stream":     {part(func(s *certificate.Scope) { s.Stream = &stream }, "crc"), "<p>Every number asked for", "between the first and the last"},
		"no such time":   {part(inTime(-50, -10), "d"), "or none that is known in what was asked for", "is stored"},
		"no such stream": {part(func(s *certificate.Scope) { s.Stream = &stream }, "ghost"), "nothing that was asked for is known", "is stored"},
		"all":            {w.Certify(devices("crc")), "<p>Nothing is missing between the first and the last number that is known.", "asked for"},
		"damaged frames": {damaged, "a stated cause is on record. For 2 of them the cause is damaged frames", "exact"},
		"counts only":    {w.Certify(counts), "--policy policy</pre>", "--segments"},
		"with frames":    {w.Certify(devices("d")), "--policy policy --segments segments/</pre>", "counts only"},
	} {
		var b bytes.Buffer
		if err := tt.c.Page(&b); err != nil {
			t.Fatal(err)
		}
		_, text, _ := strings.Cut(b.String(), "</h1>")
		if tt.hasn != "--segments" && tt.hasn != "counts only" {
			text, _, _ = strings.Cut(text, "</header>")
		}
		if !strings.Contains(text, tt.has) || strings.Contains(text, tt.hasn) {
			t.Errorf("%s: want %q and no %q, is %.500s", name, tt.has, tt.hasn, text)
		}
	}
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano) }
