package influx

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the answers into testdata/transcript.txt")

const transcriptPath = "testdata/transcript.txt"

// TestTranscript holds every answer against testdata/transcript.txt, byte for byte, status line and headers included. The file is a list of
// exchanges with one door that asks for a token:
//
//	== name
//	! how the store behaves this time
//	> request, $TOKEN is a token with the scope write; Host, Content-Length and Connection: close are added
//	< answer
func TestTranscript(t *testing.T) {
	text, err := os.ReadFile(transcriptPath)
	if err != nil {
		t.Fatal(err)
	}
	var notReady error
	r := newRig(t, Options{Version: "v0.4.0-3-gabc", Ready: func() error { return notReady }}, ingest.Options{MaxBodyBytes: 200})
	token := r.secure(auth.Write)
	dial := r.listen()
	head, rest, _ := strings.Cut(string(text), "\n== ")
	var got strings.Builder
	got.WriteString(head)
	exchanges := strings.Split(rest, "\n== ")
	if len(exchanges) < 20 {
		t.Fatalf("%s has only %d exchanges", transcriptPath, len(exchanges))
	}
	for _, exchange := range exchanges {
		name, state, request := parseExchange(exchange)
		r.store.fail, notReady = failures[state], nil
		if state == "not ready" {
			notReady = errors.New("this node has no leader yet")
		} else if _, known := failures[state]; !known && state != "" {
			t.Fatalf("%s: the store cannot be %q", name, state)
		}
		answer := r.exchange(dial, wire(strings.ReplaceAll(request, "$TOKEN", token)))
		fmt.Fprintf(&got, "\n== %s\n", name)
		if state != "" {
			fmt.Fprintf(&got, "! %s\n", state)
		}
		got.WriteString(marked("> ", request) + marked("< ", strings.ReplaceAll(answer, "\r\n", "\n")))
	}
	r.balance()
	if *update {
		if err := os.WriteFile(transcriptPath, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got.String() != string(text) {
		t.Errorf("the answers are not those of %s: %s", transcriptPath, cmp.Diff(string(text), got.String()))
	}
}

// failures is what the store may answer instead of storing.
var failures = map[string]error{
	"overloaded":      &ingest.OverloadError{RetryAfter: 3 * time.Second},
	"without leader":  &ingest.NoLeaderError{Leader: "http://10.0.0.2:7400"},
	"out of touch":    &ingest.OutcomeUnknownError{},
	"broken":          errors.New("disk on fire"),
	"used to the key": &ingest.RefusedError{Status: 422, Code: "idempotency_mismatch", Message: "this Idempotency-Key was used for another body", Hint: "use a new key for new frames"},
}

func parseExchange(text string) (name, state, request string) {
	for i, line := range strings.Split(text, "\n") {
		switch {
		case i == 0:
			name = line
		case strings.HasPrefix(line, "! "):
			state = line[2:]
		case strings.HasPrefix(line, ">"):
			request += strings.TrimPrefix(line[1:], " ") + "\n"
		}
	}
	return name, state, request
}

// wire is the request as it goes over the connection.
func wire(request string) string {
	head, body, _ := strings.Cut(strings.TrimSuffix(request, "\n"), "\n\n")
	head = strings.TrimSuffix(head, "\n") + "\nHost: gapless\nConnection: close"
	if strings.HasPrefix(head, "POST") {
		head += fmt.Sprintf("\nContent-Length: %d", len(body))
	}
	return strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body
}

func marked(mark, text string) string {
	var out strings.Builder
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		out.WriteString(strings.TrimRight(mark+line, " \n") + "\n")
	}
	return out.String()
}
