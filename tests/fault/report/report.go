package report

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/schedule"
)

// Report is everything that the page tells. Whatever is missing is left out, or said to be missing.
type Report struct {
	Title   string // of the scenario
	Commit  string // that was tested
	Replay  string // command that repeats the run
	Seed    uint64
	Plan    *schedule.Schedule // as it was written before the run
	Run     *check.Run
	Verdict check.Verdict
	Samples []Sample          // of the nodes, in any order
	Skips   []string          // what this machine could not do
	Counts  []Count           // what else was counted
	Logs    map[string]string // by node, or whoever wrote one
	Started time.Time
}

// Sample is what a node was at one time. It stays so until the next one of the node.
type Sample struct {
	At      time.Duration
	Node    string
	State   State
	Term    uint64
	Commit  uint64 // index, 0 for not known
	Applied uint64
}

// State is what a node does in the cluster.
type State uint8

const (
	Down      State = iota // there is no process
	Paused                 // it stands still (SIGSTOP)
	Follower               // it follows, or waits to be admitted
	Candidate              // it stands for election
	Leader                 // it leads in Term
	Refused                // it does not take part: its disk or its membership was refused
)

var stateNames = [...]string{"down", "paused", "follower", "candidate", "leader", "refused"}

func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Count is a number with its name.
type Count struct {
	Name string
	N    uint64
	Note string
}

//go:embed page.html timeline.html tables.html style.css
var files embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"number": number, "clock": clock, "short": shorten, "add": func(a, b int) int { return a + b },
}).ParseFS(files, "*.html"))

// page is what the template shows.
type page struct {
	Style    template.CSS
	Report   *Report
	Header   header
	Findings []finding
	Timeline *timeline
	Promises []promise
	Faults   faultTable
	Ledger   ledgerTable
	Logs     logList
}

// Write writes the page, whole or not at all as far as that is up to it.
func (r *Report) Write(w io.Writer) error {
	style, err := files.ReadFile("style.css")
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	whole := *r
	if whole.Run == nil {
		whole.Run = &check.Run{}
	}
	p := page{Style: template.CSS(style), Report: &whole, Promises: whole.promises(), Findings: whole.findings()}
	p.Timeline, p.Faults, p.Ledger, p.Logs = whole.timeline(), whole.faultTable(), whole.ledgerTable(), whole.logList()
	p.Header = whole.header(p.Promises)
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, "page", &p); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if _, err := w.Write(bytes.Map(harmless, b.Bytes())); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// harmless replaces characters that an XML file may not have, and those that make a line look like another one.
func harmless(c rune) rune {
	switch {
	case c == '\n' || c == '\t':
		return c
	case unicode.IsControl(c), unicode.Is(unicode.Bidi_Control, c), c == 0xFFFE, c == 0xFFFF:
		return unicode.ReplacementChar
	}
	return c
}

// shorten keeps the first characters of a text.
func shorten(limit int, text string) string {
	if len(text) <= limit {
		return text
	}
	if runes := []rune(text); len(runes) > limit {
		return strings.TrimRight(string(runes[:limit-1]), " ") + "…"
	}
	return text
}
