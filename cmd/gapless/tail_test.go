package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// tailNode answers tails out of a list of frames, and cuts, ends or refuses as a script says.
type tailNode struct {
	mu      sync.Mutex // protects what follows
	frames  int
	script  []string // one word for each connection
	asked   []string
	commits []string
}

func tailPosition(n int) string { return fmt.Sprintf("%032d", n) }

func (n *tailNode) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if r.Method == http.MethodPut {
		var body struct{ Position string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		n.commits = append(n.commits, strings.TrimPrefix(r.URL.Path, "/v1/consumers/")+" "+body.Position)
		fmt.Fprint(w, `{"changed":true}`)
		return
	}
	q := r.URL.Query()
	n.asked = append(n.asked, q.Encode())
	word := "end"
	if len(n.script) > 0 {
		word, n.script = n.script[0], n.script[1:]
	}
	if word == "busy" || word == "bad" {
		status := map[string]int{"busy": http.StatusTooManyRequests, "bad": http.StatusBadRequest}[word]
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":{"code":%q,"message":"no"}}`, word)
		return
	}
	from := 0
	if at := q.Get("from"); len(at) == 32 {
		_, _ = fmt.Sscan(at, &from)
	}
	fmt.Fprintf(w, "{\"at\":%q}\n", tailPosition(from))
	for i := from; i < n.frames; i++ {
		fmt.Fprintf(w, `{"device":"mill-07","stream":"0","epoch":1,"seq":%d,"time":"T","class":"event","fields":{"position":"x","v":%d},"received":"R",`+
			`"position":%q}`+"\n", i, i, tailPosition(i+1))
		if i == from+2 && word != "end" {
			switch word {
			case "cut": // in the middle of a line
				fmt.Fprint(w, `{"device":"mill-07","stre`)
			case "gone":
				fmt.Fprintf(w, `{"end":{"code":"position_gone","message":"gone","position":%q}}`+"\n", tailPosition(i+1))
			case "shutdown":
				fmt.Fprintf(w, `{"end":{"code":"shutdown","message":"ends","position":%q}}`+"\n", tailPosition(i+1))
			}
			return
		}
	}
	fmt.Fprintf(w, `{"end":{"code":"until","message":"done","position":%q}}`+"\n", tailPosition(n.frames+5))
}

func startTail(t *testing.T, n *tailNode, out io.Writer, o tailOptions) (*tail, *bytes.Buffer) {
	t.Helper()
	srv := httptest.NewServer(n)
	t.Cleanup(srv.Close)
	var says bytes.Buffer
	o.format, o.raw = "ndjson", true
	if o.commitEvery == 0 {
		o.commitEvery = 1 << 30
	}
	o.commitAfter = time.Hour
	return &tail{o: &o, c: &client{url: srv.URL, timeout: 5 * time.Second}, out: out, says: &says}, &says
}

// TestTailGoesOn: whatever happens to its connections, it prints every frame once.
func TestTailGoesOn(t *testing.T) {
	n := &tailNode{frames: 10, script: []string{"cut", "busy", "shutdown"}}
	var out bytes.Buffer
	tl, says := startTail(t, n, &out, tailOptions{from: "first", devices: []string{"mill-07"}, consumer: "erp", commitEvery: 2})
	if err := tl.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	var seqs []int
	for line := range strings.Lines(out.String()) {
		var f struct{ Seq int }
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		seqs = append(seqs, f.Seq)
	}
	if !slices.Equal(seqs, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
		t.Errorf("%v", seqs)
	}
	want := []string{"consumer=erp&device=mill-07&from=first"}
	for _, at := range []int{3, 3, 6} {
		want = append(want, "device=mill-07&from="+tailPosition(at))
	}
	if !slices.Equal(n.asked, want) {
		t.Errorf("asked %q, want %q", n.asked, want)
	}
	if last := n.commits[len(n.commits)-1]; last != "erp "+tailPosition(15) || !slices.IsSorted(n.commits) {
		t.Errorf("commits %q", n.commits)
	}
	if strings.Count(says.String(), "again in") != 3 {
		t.Errorf("it says %s", says)
	}
}

func TestTailGivesUp(t *testing.T) {
	for _, word := range []string{"bad", "gone"} {
		n := &tailNode{frames: 10, script: []string{word}}
		var out bytes.Buffer
		tl, _ := startTail(t, n, &out, tailOptions{from: "first"})
		if err := tl.run(t.Context()); err == nil || !strings.Contains(err.Error(), word) || len(n.asked) != 1 {
			t.Errorf("%s: %v after %d attempts", word, err, len(n.asked))
		}
	}
}

// full takes some bytes and then no more.
type full struct{ left int }

func (f *full) Write(b []byte) (int, error) {
	n := min(len(b), f.left)
	if f.left -= n; n < len(b) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// TestTailCommitsOnlyWhatWasWritten: what an output did not take is not taken care of.
func TestTailCommitsOnlyWhatWasWritten(t *testing.T) {
	n := &tailNode{frames: 4, script: []string{"cut", "end"}}
	var whole bytes.Buffer
	tl, _ := startTail(t, n, &whole, tailOptions{from: "first"})
	if err := tl.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	three := strings.Join(slices.Collect(strings.Lines(whole.String()))[:3], "")
	n = &tailNode{frames: 4, script: []string{"cut", "end"}}
	tl, _ = startTail(t, n, &full{left: len(three) + 5}, tailOptions{from: "first", consumer: "erp"})
	if err := tl.run(t.Context()); err == nil || !strings.Contains(err.Error(), "writing") {
		t.Fatalf("%v", err)
	}
	for _, c := range n.commits {
		if c > "erp "+tailPosition(3) {
			t.Errorf("committed %s, only 3 frames were written", c)
		}
	}
}

func TestTailText(t *testing.T) {
	n := &tailNode{frames: 1}
	var out bytes.Buffer
	tl, _ := startTail(t, n, &out, tailOptions{from: "first"})
	tl.o.format = "text"
	if err := tl.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "T mill-07 0/1 0 position=\"x\" v=0\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestTailFlags(t *testing.T) {
	o := tailOptions{
		from: "now", stream: "s", class: "event", fields: "a,b", devices: []string{"d", "e"}, match: []string{"x=y"}, system: true, untilNow: true,
		consumer: "c",
	}
	want := url.Values{
		"from": {"now"}, "stream": {"s"}, "class": {"event"}, "fields": {"a,b"}, "device": {"d", "e"}, "match": {"x=y"}, "system": {"true"}, "raw": {"false"},
		"until": {"now"}, "consumer": {"c"}, "limit": {"3"},
	}
	if got := o.params("", 3); got.Encode() != want.Encode() {
		t.Errorf("%s, want %s", got.Encode(), want.Encode())
	}
	for _, bad := range []tailOptions{
		{format: "csv", commitEvery: 1, commitAfter: 1}, {format: "text", commitAfter: 1}, {format: "text", limit: -1, commitEvery: 1, commitAfter: 1},
	} {
		if bad.check() == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}
