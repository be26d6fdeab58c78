package gapless

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// exampleSeeds are what a section of a page takes for granted, by its heading: what is posted before its examples, to a node of its own.
var exampleSeeds = map[string][]struct{ path, body string }{
	"Query": {
		{"/v1/frames", `{"device":"mill-07","epoch":17,"first":0,"seq":0,"time":"2026-11-21T10:00:00Z","fields":{"rpm":0.5,"temp":20.5}}
{"device":"mill-07","epoch":17,"seq":1,"time":"2026-11-21T10:00:01Z","fields":{"rpm":1.5}}
{"device":"mill-07","epoch":17,"seq":2,"time":"2026-11-21T10:00:02Z","fields":{"rpm":2.5}}
{"device":"mill-07","epoch":17,"seq":4,"time":"2026-11-21T10:00:04Z","fields":{"rpm":4.5}}
{"device":"mill-07","epoch":17,"seq":10,"time":"2026-11-21T10:00:10Z","fields":{"rpm":10.5}}
{"device":"scale","fields":{"weight":1}}
{"device":"mill-00","seq":1,"fields":{"rpm":1480}}
{"device":"mill-01","seq":1,"fields":{"rpm":1490.5}}
{"device":"mill-03","seq":1,"fields":{"rpm":1500}}
`},
		{"/v1/devices", `{"device":"mill-07","labels":{"hall":"3","site":"graz","line":"2"},"type":"mill","cadence_ms":1000}
{"device":"scale","labels":{"hall":"4","site":"linz"},"type":"scale"}
{"device":"pump-1","labels":{"site":"bonn","line":"a"},"type":"pump","cadence_ms":60000}
`},
	},
	"Proof": {
		{"/v1/frames", `{"device":"mill-07","epoch":17,"first":0,"seq":0,"time":"2026-11-21T10:00:00Z","fields":{"rpm":0.5}}
{"device":"mill-07","epoch":17,"seq":4,"time":"2026-11-21T10:00:04Z","fields":{"rpm":4.5}}
`},
		{"/v1/devices", `{"device":"mill-07","labels":{"hall":"3"}}
`},
	},
}

// example is a block of shell commands, and how many of its requests end with an error, as the answers below it show.
type example struct {
	section  string // heading of the second level
	line     int
	commands string
	errors   int
}

var fence = regexp.MustCompile("^```(\\w*)$")

// examplesOf finds blocks that send requests with curl: fenced as sh, or indented by four blanks.
func examplesOf(page string) (list []example) {
	var at example
	var block []string
	section, kind, below := "", "", false // below: the block after an example, which may have its answers
	end := func() {
		text := strings.Join(block, "\n") + "\n"
		switch {
		case (kind == "sh" || kind == "indented") && strings.Contains(text, "curl ") && !strings.HasPrefix(text, "$ "): // that is a transcript
			at.section, at.commands = section, text
			list, below = append(list, at), true
		case kind == "json" && below:
			list[len(list)-1].errors = strings.Count("\n"+text, "\n{\"error\":")
			below = false
		}
		block, kind = nil, ""
	}
	for i, line := range strings.Split(page, "\n") {
		m := fence.FindStringSubmatch(line)
		switch indented, isIndented := strings.CutPrefix(line, "    "); {
		case kind != "" && kind != "indented" && m != nil: // the end of a fence
			end()
		case kind != "" && kind != "indented":
			block = append(block, line)
		case m != nil:
			if kind != "" {
				end()
			}
			kind, at = m[1], example{line: i + 1}
			if kind == "" {
				kind = "text"
			}
		case isIndented && (kind == "indented" || i == 0 || block == nil):
			if kind == "" {
				kind, at = "indented", example{line: i + 1}
			}
			block = append(block, indented)
		default:
			if kind == "indented" {
				end()
			}
			if title, ok := strings.CutPrefix(line, "## "); ok {
				section = title
			}
			below = below && line == ""
		}
	}
	return list
}

// exampleCurl stands in for curl: it notes requests that fail. A stream without an end (-N) is cut off after a while, and that is no failure.
const exampleCurl = `#!/bin/sh
case " $* " in *" -N "*) seconds=2 ;; *) seconds=60 ;; esac
"$REAL_CURL" --silent --show-error --fail-with-body --max-time $seconds "$@"
code=$?
[ $code = 28 ] && [ $seconds = 2 ] && exit 0
[ $code = 0 ] || echo "$code: $*" >>"$CURL_FAILED"
exit $code
`

var exampleAddr = regexp.MustCompile(`(127\.0\.0\.1|localhost):74\d\d\b`)

// TestExamples sends the requests of the pages to nodes: each has to succeed, unless the page shows an error.
func TestExamples(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("no curl; make deps installs it")
	}
	for page, least := range map[string]int{"docs/http-api.md": 20, "docs/line-protocol.md": 2} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		list := examplesOf(string(text))
		if len(list) < least {
			t.Errorf("%s has %d examples: the pattern no longer fits the page", page, len(list))
		}
		var n *Node
		for i, e := range list {
			if i == 0 || e.section != list[i-1].section {
				n = startSingle(t, nil)
				for _, seed := range exampleSeeds[e.section] {
					if code, answer := post(t, n, seed.path, "application/x-ndjson", seed.body); code != 200 {
						t.Fatalf("%s: %d %v", seed.path, code, answer)
					}
				}
			}
			failed, out := runExample(t, curl, exampleAddr.ReplaceAllString(e.commands, n.HTTPAddr()))
			if len(failed) != e.errors {
				t.Errorf("%s:%d: %d requests ended with an error, the page shows %d:\n%s\n%s\n%s",
					page, e.line, len(failed), e.errors, e.commands, strings.Join(failed, "\n"), out)
			}
		}
	}
}

// runExample runs commands, and returns the requests that failed.
func runExample(t *testing.T, curl, commands string) (failed []string, out []byte) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "curl"), []byte(exampleCurl), 0o700); err != nil {
		t.Fatal(err)
	}
	notes := filepath.Join(dir, "failed")
	cmd := exec.Command("sh", "-c", commands)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+dir+string(filepath.ListSeparator)+os.Getenv("PATH"), "REAL_CURL="+curl, "CURL_FAILED="+notes)
	out, err := cmd.CombinedOutput()
	text, _ := os.ReadFile(notes) // there is none when nothing failed
	for line := range bytes.Lines(text) {
		failed = append(failed, string(bytes.TrimSpace(line)))
	}
	if err != nil && failed == nil {
		failed = append(failed, fmt.Sprint(err))
	}
	return failed, out
}
