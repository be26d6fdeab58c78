package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/tests/check"
)

var (
	update = flag.Bool("update", false, "write testdata/small.html from what the code makes of it; look at it before")
	dir    = flag.String("pages", "", "write every sample page into this directory, to be looked at")
)

var stories = map[string]func() *Report{
	"pass": passed, "fail": failed, "unknown": unproven, "nothing": func() *Report { return &Report{} }, "small": small, "huge": huge,
	"hostile": func() *Report { r := small(); spoil(r); return r },
}

func written(t *testing.T, r *Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestGolden: a page changes only when somebody means it to.
func TestGolden(t *testing.T) {
	path := filepath.Join("testdata", "small.html")
	got := written(t, small())
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: line %s; run with -args -update, and look at it", path, firstDifference(got, want))
	}
}

func firstDifference(got, want []byte) string {
	a, b := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("%d is\n%s\nwant\n%s", i+1, a[i], b[i])
		}
	}
	return "count differs"
}

// TestStories: each page is one well-formed file of bounded size, the same each time, that reaches for nothing outside.
func TestStories(t *testing.T) {
	for name, tell := range stories {
		t.Run(name, func(t *testing.T) {
			r := tell()
			page := written(t, r)
			if *dir != "" {
				if err := os.WriteFile(filepath.Join(*dir, name+".html"), page, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if len(page) >= 3<<20 {
				t.Errorf("%d bytes", len(page))
			}
			if !bytes.Equal(page, written(t, r)) {
				t.Error("the second page differs from the first")
			}
			wellFormed(t, page)
			for _, foreign := range []string{"<script", "http:", "https:", "@import", "<link", "<img", "src=", "ZgotmplZ", "NaN", "+Inf", "%!"} {
				if bytes.Contains(page, []byte(foreign)) {
					t.Errorf("the page has %q", foreign)
				}
			}
			if !bytes.Contains(page, []byte(`<div class="verdict">`+r.Verdict.Result.String()+`</div>`)) {
				t.Error("no verdict")
			}
		})
	}
}

// wellFormed reads the page as XML, and every number of its pictures.
func wellFormed(t *testing.T, page []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(page))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok {
			for _, a := range start.Attr {
				checkAttr(t, start.Name.Local, a)
			}
		}
	}
}

var (
	numeric  = regexp.MustCompile(`^-?\d+(\.\d+)?$`)
	pathData = regexp.MustCompile(`^([MLHVvZ][-. \d]*)+$`)
)

func checkAttr(t *testing.T, element string, a xml.Attr) {
	switch a.Name.Local {
	case "x", "y", "width", "height":
		if !numeric.MatchString(a.Value) || len(a.Name.Local) > 1 && a.Value[0] == '-' {
			t.Errorf("%s %s=%q", element, a.Name.Local, a.Value)
		}
	case "d":
		if !pathData.MatchString(a.Value) {
			t.Errorf("%s d=%.200q", element, a.Value)
		}
	}
}

// hostile is text that would do something if it were more than text.
const hostile = `</title></style></pre><script>alert("1")</script><b onclick='x'>&amp;` +
	"\x00\x1b[31m\u202egnp.exe\ufffe" + "`{{.}}${x}--><!--]]>\xff"

// TestEveryTextIsEscaped: wherever a text of the run stands, it is text.
func TestEveryTextIsEscaped(t *testing.T) {
	r := small()
	spoil(r)
	page := written(t, r)
	wellFormed(t, page)
	for _, markup := range []string{"<script", "<b onclick", "\x00", "\x1b", "\u202e", "\xff", "\ufffe"} {
		if bytes.Contains(page, []byte(markup)) {
			t.Errorf("the page has %q", markup)
		}
	}
	// Each place is counted: one that drops its text is found, too.
	if n := strings.Count(string(page), "alert("); n < 30 {
		t.Errorf("the text is on the page %d times", n)
	}
	clean, spoilt := tags(t, written(t, small())), tags(t, page)
	for name, n := range spoilt {
		if clean[name] == 0 {
			t.Errorf("%d elements %s that the page does not have", n, name)
		}
	}
}

// spoil puts the text wherever there is room for one.
func spoil(r *Report) {
	r.Title, r.Commit, r.Replay, r.Plan.Note = hostile, hostile, hostile, hostile
	r.Skips = append(r.Skips, hostile)
	r.Counts = append(r.Counts, Count{hostile, 1, hostile})
	r.Logs[hostile] = hostile
	r.Run.Nodes[2] = hostile
	for i := range r.Samples {
		if r.Samples[i].Node == "n3" {
			r.Samples[i].Node = hostile
		}
	}
	f := &r.Run.Faults[0]
	f.Kind, f.Node, f.Text, f.File = hostile, hostile, hostile, hostile
	for i := range r.Run.Events {
		e := &r.Run.Events[i]
		e.Text, e.File, e.Server = hostile, hostile, hostile
	}
	r.Run.Finals[0].Ledger.Node, r.Run.Finals[0].Ledger.Digest = hostile, hostile
	c := check.Counter{Device: hostile, Stream: hostile, Epoch: hostile}
	v := check.Violation{Checker: hostile, What: hostile, Counter: c, Node: hostile, Witnesses: []string{hostile}}
	r.Verdict.Violations = append(r.Verdict.Violations, v)
	r.Verdict.Why = append(r.Verdict.Why, hostile)
	r.Verdict.Blind = append(r.Verdict.Blind, "gaps: "+hostile)
}

func tags(t *testing.T, page []byte) map[string]int {
	t.Helper()
	found := map[string]int{}
	for d := xml.NewDecoder(bytes.NewReader(page)); ; {
		token, err := d.Token()
		if err != nil {
			return found
		}
		if start, ok := token.(xml.StartElement); ok {
			found[start.Name.Local]++
		}
	}
}

// TestWriteFails hands on what the writer says.
func TestWriteFails(t *testing.T) {
	full := errors.New("no room")
	if err := small().Write(failing{full}); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestNothingIsChanged: a report is read, and its run may be judged again.
func TestNothingIsChanged(t *testing.T) {
	r := failed()
	slices.Reverse(r.Run.Faults)
	slices.Reverse(r.Run.Events)
	slices.Reverse(r.Samples)
	slices.Reverse(r.Verdict.Violations)
	faults, events, samples := slices.Clone(r.Run.Faults), slices.Clone(r.Run.Events), slices.Clone(r.Samples)
	found := fmt.Sprint(r.Verdict.Violations)
	written(t, r)
	if !slices.Equal(r.Run.Faults, faults) || !slices.Equal(r.Samples, samples) || fmt.Sprint(r.Verdict.Violations) != found {
		t.Error("faults, samples or violations were changed")
	}
	if fmt.Sprint(r.Run.Events) != fmt.Sprint(events) {
		t.Error("events were changed")
	}
}

// TestHugeIsHuge: the page that must stay small has what was asked of it.
func TestHugeIsHuge(t *testing.T) {
	if n := len(huge().Run.Batches); n < 200_000 {
		t.Errorf("%d batches", n)
	}
}
