package gapless

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/proof/leaves"
)

// asked is an answer to a request with a token.
func asked(t *testing.T, n *Node, method, path, token, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+n.HTTPAddr()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// TestReadersEndNoSeal: who may only read gets the newest census, and costs nobody a seal.
func TestReadersEndNoSeal(t *testing.T) {
	tokens, lines := map[auth.Scopes]string{}, ""
	for _, scopes := range []auth.Scopes{auth.Read, auth.Read | auth.Write} {
		token, line, err := auth.NewToken(auth.Principal{Tenant: "default", ID: scopes.String(), Scopes: scopes})
		if err != nil {
			t.Fatal(err)
		}
		tokens[scopes], lines = token, lines+line+"\n"
	}
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	n := startSingle(t, func(c *Config) { c.TokenFile = path })
	reader, writer := tokens[auth.Read], tokens[auth.Read|auth.Write]
	for i, tt := range []struct {
		token, params string
		code          int
		sealed        uint32
	}{
		{reader, "", 503, 0}, {reader, "?at=now", 403, 0}, {writer, "", 200, 1}, {reader, "", 200, 1}, {reader, "?at=newest", 200, 1}, {writer, "?at=newest", 200, 1},
	} {
		resp, body := asked(t, n, "POST", "/v1/certificates"+tt.params, tt.token, `{"prefix":""}`)
		if resp.StatusCode != tt.code {
			t.Errorf("%d: %d %s", i, resp.StatusCode, body)
		}
		if sealed := n.sealer.Status().Sealed; sealed != tt.sealed {
			t.Errorf("%d: %d seals, want %d", i, sealed, tt.sealed)
		}
	}
}

// TestDamagedProofHeals: a request that meets damage in a file of the proof is answered 503 with when to ask again, and later ones are answered.
func TestDamagedProofHeals(t *testing.T) {
	n := startSingle(t, nil)
	for i := range 5 {
		postFrames(t, n, fmt.Sprintf("press-%d", i), 0, 9)
	}
	if code, answer := post(t, n, "/v1/proof/seal", "application/json", ""); code != http.StatusOK {
		t.Fatalf("seal: %d %v", code, answer)
	}
	dir := filepath.Join(n.cfg.Data, proofDir)
	for _, tt := range []struct {
		file, method, path string
		at                 []float64 // of the file
	}{
		{"*.strips", "POST", "/v1/certificates?at=newest", []float64{0, 0.15, 0.6}},
		{"*.strips", "GET", "/v1/trace/press-2/1/3", []float64{0, 0.15, 0.6}},
		{"*.census", "POST", "/v1/certificates?at=newest", []float64{0, 0.15, 0.9}},
		{"log.hashes", "POST", "/v1/certificates?at=newest", []float64{0, 0.3, 0.6, 0.9}},
		{"log.hashes", "GET", "/tlog/tile/0/000.p/1", []float64{0.3}},
		{"log.hashes", "GET", "/v1/proof/consistency?from=1", []float64{0, 0.3, 0.6, 0.9}},
	} {
		refused := 0
		for _, at := range tt.at {
			files, err := filepath.Glob(filepath.Join(dir, tt.file))
			if err != nil || len(files) == 0 {
				t.Fatalf("%s: %v %v", tt.file, files, err)
			}
			place := fmt.Sprintf("%s at %.0f %% for %s", tt.file, 100*at, tt.path)
			flip(t, files[len(files)-1], at)
			eventually(t, func() bool {
				resp, body := asked(t, n, tt.method, tt.path, "", map[string]string{"POST": `{"prefix":""}`}[tt.method])
				unready := strings.Contains(body, `"not_ready"`) // a trace says so in the place of the proof
				if resp.StatusCode == http.StatusOK && !unready {
					return true
				}
				if refused++; resp.StatusCode != http.StatusOK && (resp.StatusCode != 503 || !unready || resp.Header.Get("Retry-After") == "") {
					t.Fatalf("%s: %d %s, Retry-After %q", place, resp.StatusCode, body, resp.Header.Get("Retry-After"))
				}
				return false
			}, func() string { return place + ": it does not heal" })
		}
		if refused == 0 {
			t.Errorf("%s for %s: no damage was met", tt.file, tt.path)
		}
	}
}

// flip changes a bit of a file, somewhere in it.
func flip(t *testing.T, name string, at float64) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[int(at*float64(len(b)))] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCertificateSegments: of each epoch those that have numbers around the scope's, and none for what has no frames there.
func TestCertificateSegments(t *testing.T) {
	n := startSingle(t, nil)
	at := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	for i := range 3 {
		postTimed(t, n, "press", 10*i, 10*i+9, at.Add(time.Duration(i)*time.Hour))
		if code, answer := post(t, n, "/v1/proof/seal", "application/json", ""); code != http.StatusOK {
			t.Fatalf("seal: %d %v", code, answer)
		}
	}
	for body, want := range map[string]int{
		`{"devices":["press"]}`: 3, `{"devices":["press"],"seq":[0,5]}`: 1, `{"devices":["press"],"seq":[9,10]}`: 2, `{"devices":["press"],"epochs":[2]}`: 0,
		`{"devices":["press"],"seq":[40,50]}`: 0, `{"devices":["press"],"time":["2026-11-21T11:00:00Z","2026-11-21T11:00:05Z"]}`: 1,
		`{"devices":["press"],"time":["2026-11-20T11:00:00Z","2026-11-20T11:00:05Z"]}`: 0, `{"prefix":"","stream":"other"}`: 0, `{"devices":["pres"]}`: 0,
		`{"prefix":"p","counts_only":true}`: 3,
	} {
		resp, text := asked(t, n, "POST", "/v1/certificates?at=newest", "", body)
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", body, resp.StatusCode, text)
			continue
		}
		c := parsed(t, []byte(text))
		if len(c.Segments) != want {
			t.Errorf("%s: %d segments, want %d", body, len(c.Segments), want)
		}
		if counts := strings.Contains(body, "counts_only"); counts && len(c.Proof.Seals) != 0 || c.Scope.CountsOnly != counts {
			t.Errorf("%s: %d seals are shown, counts only: %v", body, len(c.Proof.Seals), c.Scope.CountsOnly)
		}
	}
}

// TestCountedIsWhatTheLogSays: a tree of this node's own proves nothing.
func TestCountedIsWhatTheLogSays(t *testing.T) {
	n := startSingle(t, nil)
	postFrames(t, n, "press", 0, 9)
	if code, answer := post(t, n, "/v1/proof/seal", "application/json", ""); code != http.StatusOK {
		t.Fatalf("seal: %d %v", code, answer)
	}
	seal, _, _ := n.sealer.SealOf(1)
	f, err := n.counted(leaves.Strips, 1, seal.Root)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Error(err)
	}
	var shaped interface {
		HTTPError() (int, string, string, string)
		RetryAfter() time.Duration
	}
	if _, err := n.counted(leaves.Strips, 1, "another"); !errors.As(err, &shaped) {
		t.Errorf("another root: %v", err)
	} else if status, code, _, _ := shaped.HTTPError(); status != 503 || code != "not_ready" || shaped.RetryAfter() == 0 {
		t.Errorf("another root: %v", err)
	}
	if err := n.notReady(context.Canceled); err != context.Canceled {
		t.Errorf("an error of something else becomes %v", err)
	}
}

// TestRefusalsKeepTheirCode: what the log of the proof refuses is said as it is, whatever route asked for it.
func TestRefusalsKeepTheirCode(t *testing.T) {
	for _, tt := range []struct {
		err    error
		status int
	}{
		{&proof.Refusal{Code: "c", Message: "m", Hint: "h", Conflict: true}, http.StatusConflict}, {&proof.Refusal{Code: "c", Message: "m", Hint: "h"}, http.StatusBadRequest},
		{&ingest.RefusedError{Code: "c", Message: "m", Hint: "h"}, http.StatusBadRequest}, {&ingest.RefusedError{Status: 429, Code: "c", Message: "m", Hint: "h"}, 429},
	} {
		var shaped *httpError
		if err := adminError(fmt.Errorf("asked: %w", tt.err)); !errors.As(err, &shaped) || *shaped != (httpError{tt.status, "c", "m", "h"}) {
			t.Errorf("%v becomes %v", tt.err, err)
		}
	}
}
