package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const exportedEnd = `{"rows":2,"epochs":1,"silent":1,` +
	`"as_of":[{"partition":0,"history":1,"index":7,"time":"2026-11-21T10:00:00Z"}],"completeness":{"verdict":"COMPLETE"}}`

// exportNode answers an export: with a body, and at the end a trailer, or a connection that breaks.
func exportNode(t *testing.T, status int, body, trailer string, breaks bool) (address string, asked *url.URL) {
	t.Helper()
	asked = &url.URL{}
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = *r.URL
		w.Header().Set("Trailer", "X-Gapless-End")
		w.Header().Set("X-Gapless-Rows-Estimate", "2")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
		if breaks {
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		if trailer != "" {
			w.Header().Set("X-Gapless-End", trailer)
		}
	}))
	t.Cleanup(node.Close)
	return node.URL, asked
}

// TestExport writes what a node sends, and gives a file its name only when the node said that everything was sent.
func TestExport(t *testing.T) {
	const line = `{"device":"a","seq":1}` + "\n"
	const last = `{"end":{"rows":2,"epochs":1,"silent":1}}` + "\n"
	for _, tt := range []struct {
		name, file    string
		status        int
		body, trailer string
		breaks        bool
		code          int
		says          string
	}{
		{"lines", "x.ndjson", 200, line + line + last, exportedEnd, false, 0,
			"2 frames of 1 epochs, COMPLETE, as of index 7 at 2026-11-21T10:00:00Z\n1 registered devices never sent anything"},
		{"csv", "x.csv", 200, "device\na\na\n", exportedEnd, false, 0, "2 frames"},
		{"arrow", "x.arrow", 200, "\x00\n\xff", exportedEnd, false, 0, "2 frames"},
		{"no trailer", "x.csv", 200, "device\na\n", "", false, 1, "the export was cut: 9 bytes came, and no end"},
		{"another trailer", "x.csv", 200, "device\na\n", "{}", false, 1, "not what this version expects"},
		{"a line lost", "x.ndjson", 200, line + last, exportedEnd, false, 1, "the export was cut: 1 frames came of 2"},
		{"the last line lost", "x.ndjson", 200, line + line + line, exportedEnd, false, 1, "the export was cut"},
		{"broken", "x.csv", 200, "device\na\n", exportedEnd, true, 1, "broke off after 9 bytes"},
		{"broken with a word", "x.ndjson", 200,
			line + `{"error":{"status":503,"code":"segment_damaged","message":"m","hint":"h"}}` + "\n", "", true, 1,
			"the export broke off: m (503 segment_damaged)\nhint: h"},
		{"refused", "x.ndjson", 429, `{"error":{"code":"too_many_exports","message":"m","hint":"h"}}`, "", false, 1, "m (429 too_many_exports)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			node, _ := exportNode(t, tt.status, tt.body, tt.trailer, tt.breaks)
			file := filepath.Join(t.TempDir(), tt.file)
			var out, errOut bytes.Buffer
			code := run(t.Context(), []string{"export", "a", "--url", node, "-o", file}, nil, &out, &errOut)
			if code != tt.code || !strings.Contains(errOut.String(), tt.says) || out.Len() > 0 {
				t.Errorf("code %d, %q %q", code, out.String(), errOut.String())
			}
			whole, err := os.ReadFile(file)
			part, partErr := os.ReadFile(file + ".part")
			switch {
			case tt.code == 0 && (err != nil || string(whole) != tt.body || partErr == nil):
				t.Errorf("%q %v, and a part: %v", whole, err, partErr)
			case tt.status != 200 && (err == nil || partErr == nil):
				t.Errorf("a file %v, or a part %v, of nothing", err, partErr)
			case tt.code != 0 && tt.status == 200 && (err == nil || string(part) != tt.body):
				t.Errorf("a file: %v, a part: %q %v", err, part, partErr)
			}
		})
	}
}

// TestExportToStdout writes nothing but the frames there.
func TestExportToStdout(t *testing.T) {
	node, _ := exportNode(t, 200, "device\na\na\n", exportedEnd, false)
	var out, errOut bytes.Buffer
	code := run(t.Context(), []string{"export", "--url", node, "--format", "csv"}, nil, &out, &errOut)
	if code != 0 || out.String() != "device\na\na\n" {
		t.Errorf("code %d, %q %q", code, out.String(), errOut.String())
	}
}

// TestExportAsks holds the question that flags make, and flags that make none.
func TestExportAsks(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"", "format=ndjson"},
		{"-o DIR/x.csv", "format=csv"},
		{"-o DIR/x.arrows a b/c", "device=a&device=b%2Fc&format=arrow"},
		{"--match site=x --match line=a --prefix p --system --stream 0 --fields a,b --raw --require complete",
			"fields=a%2Cb&format=ndjson&match=site%3Dx&match=line%3Da&prefix=p&raw=true&require=complete&stream=0&system=true"},
		{"a --epoch 2 --from-seq 1 --to-seq 9 --from f --to t --consistency stale --format csv",
			"consistency=stale&device=a&epoch=2&format=csv&from=f&from_seq=1&to=t&to_seq=9"},
		{"--format xml", ""},
	} {
		node, asked := exportNode(t, 200, "", exportedEnd, false)
		var errOut bytes.Buffer
		args := strings.Fields("export --url " + node + " " + strings.ReplaceAll(tt.args, "DIR", t.TempDir()))
		code := run(t.Context(), args, nil, &bytes.Buffer{}, &errOut)
		if got := asked.Query().Encode(); got != tt.want {
			t.Errorf("%s: %d, asks %s, want %s: %s", tt.args, code, got, tt.want, errOut.String())
		}
	}
}

// TestExportWaits gives up on a node that sends nothing any more.
func TestExportWaits(t *testing.T) {
	for _, sends := range []string{"", "device\n"} {
		release := make(chan struct{})
		node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if sends != "" {
				fmt.Fprint(w, sends)
				w.(http.Flusher).Flush()
			}
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}))
		var out, errOut bytes.Buffer
		start := time.Now()
		code := run(t.Context(), []string{"export", "--url", node.URL, "--format", "csv", "--timeout", "50ms"}, nil, &out, &errOut)
		if code != 1 || !strings.Contains(errOut.String(), "nothing came for 50ms") || time.Since(start) > 10*time.Second {
			t.Errorf("after %q: code %d, %q", sends, code, errOut.String())
		}
		close(release)
		node.Close()
	}
}
