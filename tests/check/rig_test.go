package check_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gaplessdb/gapless"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/workload"
)

// rig is one node and a client that writes down what it does.
type rig struct {
	t        *testing.T
	dir      string
	patience time.Duration // of the node with one request
	node     *gapless.Node
	start    time.Time
	log      *workload.Log // with the same start, for clients that keep one

	mu  sync.Mutex
	run check.Run
}

func startRig(t *testing.T, patience time.Duration) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), patience: patience, start: time.Now(), log: workload.NewLog(7, func(string, string) {})}
	r.run = check.Run{Seed: 7, Nodes: []string{"n1"}}
	r.open()
	t.Cleanup(r.stop)
	return r
}

// open starts the node.
func (r *rig) open() {
	r.t.Helper()
	began := r.now()
	node, err := gapless.Open(gapless.Config{
		Node: "n1", Cluster: "check", Data: r.dir, HTTP: "127.0.0.1:0", Listen: "127.0.0.1:0",
		FenceAfter: 10 * time.Second, RequestTimeout: r.patience, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		OnFatal: func(err error) { r.t.Errorf("fatal: %v", err) },
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.node = node
	r.run.Events = append(r.run.Events, check.Event{Kind: check.Started, Node: "n1", At: began})
	for status, why := 0, []byte(nil); status != 200; status, why = r.do("GET", "/readyz", "", nil) {
		if r.now() > began+20*time.Second {
			r.t.Fatalf("the node does not get ready: %d %s", status, why)
		}
	}
}

// stop ends the node, if it runs.
func (r *rig) stop() {
	r.t.Helper()
	if r.node == nil {
		return
	}
	if err := r.node.Close(); err != nil {
		r.t.Error(err)
	}
	r.node = nil
	r.run.Events = append(r.run.Events, check.Event{Kind: check.Ended, Node: "n1", At: r.now()})
}

func (r *rig) now() time.Duration { return time.Since(r.start) }

// do is one request.
func (r *rig) do(method, path, contentType string, body []byte, header ...string) (int, []byte) {
	r.t.Helper()
	status, _, answer := r.request(method, path, contentType, body, header...)
	return status, answer
}

// request is one request, with the header of its answer.
func (r *rig) request(method, path, contentType string, body []byte, header ...string) (int, http.Header, []byte) {
	r.t.Helper()
	req, err := http.NewRequest(method, "http://"+r.node.HTTPAddr()+path, bytes.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, answer
}

// send posts a batch; the items in broken are spoiled on the way.
func (r *rig) send(b check.Batch, broken ...uint64) check.Batch {
	r.t.Helper()
	b.Node = "n1"
	path, kind, body, err := b.Request(r.run.Seed)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, n := range broken {
		was := fmt.Sprintf(`"seq":%d,`, n)
		body = bytes.Replace(body, []byte(was), []byte(was+`"colour":1,`), 1)
	}
	var header []string
	if b.Key != "" {
		header = []string{"Idempotency-Key", b.Key}
	}
	b.Invoke = r.now()
	status, answered, answer := r.request("POST", path, kind, body, header...)
	b.Return = r.now()
	if err := check.ParseAnswer(status, answered, answer, &b); err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.run.Batches = append(r.run.Batches, b)
	return b
}

func (r *rig) claim(c check.Claim, call, body string) {
	r.t.Helper()
	c.Node, c.Invoke = "n1", r.now()
	status, answer := r.do("POST", "/v1/devices/"+url.PathEscape(c.Counter.Device)+"/"+call, "application/json", []byte(body))
	c.Return = r.now()
	if err := check.ParseClaim(status, answer, &c); err != nil || c.Outcome != check.Acked {
		r.t.Fatalf("%s: %d %s %v", &c, status, answer, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.run.Claims = append(r.run.Claims, c)
}

// ask is one question; the answer has its times.
func (r *rig) ask(client int, path, consistency string) (check.Answer, []byte) {
	r.t.Helper()
	a := check.Answer{Client: client, Node: "n1", Consistency: consistency, Invoke: r.now()}
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	status, body := r.do("GET", path+sep+"consistency="+consistency, "", nil)
	a.Return = r.now()
	if status != 200 && status != 404 {
		r.t.Fatalf("%s: %d %s", path, status, body)
	}
	if status == 404 {
		return a, nil
	}
	return a, body
}

func (r *rig) latest(client int, device, consistency string) []check.Read {
	r.t.Helper()
	a, body := r.ask(client, "/v1/latest?device="+url.QueryEscape(device), consistency)
	if body == nil {
		return nil
	}
	reads, next, err := check.ParseLatest(body, r.run.Seed, a)
	if err != nil || next != "" {
		r.t.Fatal(err, next)
	}
	return reads
}

func (r *rig) gaps(client int, device, consistency string) []check.GapReport {
	r.t.Helper()
	a, body := r.ask(client, "/v1/devices/"+url.PathEscape(device)+"/gaps", consistency)
	if body == nil {
		return nil
	}
	reports, err := check.ParseGaps(body, a)
	if err != nil {
		r.t.Fatal(err)
	}
	return reports
}

func (r *rig) ledger(client int) check.Ledger {
	r.t.Helper()
	a, body := r.ask(client, "/v1/ledger", "linearizable")
	l, err := check.ParseLedger(body, a)
	if err != nil {
		r.t.Fatal(err)
	}
	return l
}

func (r *rig) storage() check.Storage {
	r.t.Helper()
	from := r.now()
	_, body := r.do("GET", "/v1/storage", "", nil)
	s, err := check.ParseStorage(body)
	if err != nil {
		r.t.Fatal(err)
	}
	s.Invoke, s.Return = from, r.now()
	return s
}

// sample asks everything once and notes it.
func (r *rig) sample(client int, device, consistency string) {
	r.t.Helper()
	reads, gaps, l, s := r.latest(client, device, consistency), r.gaps(client, device, consistency), r.ledger(client), r.storage()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.run.Reads = append(r.run.Reads, reads...)
	r.run.GapReports = append(r.run.GapReports, gaps...)
	r.run.Ledgers = append(r.run.Ledgers, l)
	r.run.Storages = append(r.run.Storages, s)
}

// final reads everything.
func (r *rig) final(devices ...string) *check.Final {
	r.t.Helper()
	f := check.NewFinal("n1")
	f.At = r.now()
	status, _ := r.do("GET", "/readyz", "", nil)
	f.Ready = status == 200
	for _, device := range append(devices, "_conflict", "_dlq", "_audit") {
		for next := "?"; next != ""; {
			_, body := r.ask(0, "/v1/frames?limit=500&device="+url.QueryEscape(device)+strings.TrimPrefix(next, "?"), "linearizable")
			if body == nil {
				break
			}
			cursor, err := check.ParseFrames(body, r.run.Seed, f)
			if err != nil {
				r.t.Fatal(err)
			}
			if next = cursor; next != "" {
				next = "&cursor=" + url.QueryEscape(cursor)
			}
		}
	}
	for _, device := range devices {
		f.Gaps = append(f.Gaps, r.gaps(0, device, "linearizable")...)
		f.Latest = append(f.Latest, r.latest(0, device, "linearizable")...)
	}
	l, s := r.ledger(0), r.storage()
	f.Ledger, f.Storage = &l, &s
	r.run.Healed = f.At
	return f
}

// tail follows from the first frame to the last.
func (r *rig) tail() *check.Tail {
	r.t.Helper()
	status, body := r.do("GET", "/v1/tail?from=first&until=now", "", nil)
	t, end := check.NewTail(70, frame.Position{}), ""
	for line := range bytes.Lines(body) {
		var err error
		if end, err = check.ParseTailLine(line, r.run.Seed, t); err != nil {
			r.t.Fatal(err)
		}
	}
	if status != 200 || end != "until" || t.Lines == 0 {
		r.t.Errorf("the tail answers %d and ends with %q after %d lines", status, end, t.Lines)
	}
	t.Whole = true
	return t
}
