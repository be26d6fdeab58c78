package gapless

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/auth"
)

func startSingle(t *testing.T, edit func(*Config)) *Node {
	t.Helper()
	c := newTestCluster(t, 1)
	c.cfgs[0].Peers = nil
	if edit != nil {
		edit(&c.cfgs[0])
	}
	c.startAll()
	return c.nodes[0]
}

func TestTokensAndScopes(t *testing.T) {
	reader, readerLine, err := auth.NewToken(auth.Principal{Tenant: "default", ID: "dashboard", Scopes: auth.Read})
	if err != nil {
		t.Fatal(err)
	}
	other, otherLine, err := auth.NewToken(auth.Principal{Tenant: "acme", ID: "all", Scopes: auth.Read | auth.Write | auth.Admin})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(readerLine+"\n"+otherLine+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := startSingle(t, func(c *Config) { c.TokenFile = path })
	for _, tc := range []struct {
		method, path, token string
		code                int
	}{
		{"GET", "/healthz", "", 200},
		{"GET", "/readyz", "", 200},
		{"GET", "/v1/devices", "", 401},
		{"GET", "/v1/devices", "nonsense", 401},
		{"GET", "/v1/devices", reader, 200},
		{"GET", "/metrics", "", 401},
		{"GET", "/metrics", reader, 200},
		{"GET", "/v1/cluster", reader, 200},
		{"POST", "/v1/frames", reader, 403},
		{"PUT", "/v1/policy", reader, 403},
		{"POST", "/v1/cluster/transfer", reader, 403},
		{"POST", "/v1/cluster/members/n2/join", reader, 403},
		{"GET", "/debug/pprof/goroutine", reader, 403},
		{"POST", "/v1/frames", other, 200},
		{"GET", "/v1/nope", "", 404},
		{"DELETE", "/v1/frames", other, 405},
	} {
		req, err := http.NewRequest(tc.method, "http://"+n.HTTPAddr()+tc.path, strings.NewReader(`{"device":"d","seq":1,"fields":{"v":1}}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if tc.token != "" {
			req.Header.Set("Authorization", "Bearer "+tc.token)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != tc.code {
			t.Errorf("%s %s with token %.4q: %d %s, want %d", tc.method, tc.path, tc.token, resp.StatusCode, body, tc.code)
		}
		if tc.code >= 400 && !strings.HasPrefix(string(body), `{"error":{"code":"`) {
			t.Errorf("%s %s: error body %s", tc.method, tc.path, body)
		}
	}
}

func TestDeviceNamesAreOnlyNames(t *testing.T) {
	n := startSingle(t, nil)
	for _, device := range []string{"../../etc", "a/b", "ü", "x y", "100%", "."} {
		code, answer := post(t, n, "/v1/frames", "application/json", `{"device":"`+device+`","seq":0,"fields":{"v":1}}`)
		if code != 200 {
			t.Fatalf("%q: %d %v", device, code, answer)
		}
	}
	for _, escaped := range []string{"..%2F..%2Fetc", "a%2Fb", "%C3%BC", "x%20y", "100%25", "."} {
		req, err := http.NewRequest("GET", "http://"+n.HTTPAddr(), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.URL.Opaque = "/v1/devices/" + escaped + "/gaps"
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%s: %d %s", escaped, resp.StatusCode, body)
		}
	}
}

// TestOldDuplicatesAreSettled repeats frames that the ledger's fingerprint ring has forgotten.
func TestOldDuplicatesAreSettled(t *testing.T) {
	n := startSingle(t, nil)
	postFrames(t, n, "d", 0, 299)
	code, answer := post(t, n, "/v1/frames", "application/x-ndjson", `{"device":"d","seq":3,"first":0,"fields":{"v":3.5}}
{"device":"d","seq":4,"first":0,"fields":{"v":4.5}}
{"device":"d","seq":9,"first":0,"fields":{"v":-1}}`)
	if code != 200 || answer["duplicate"] != 2.0 || answer["conflict"] != 1.0 || answer["unverified"] != 0.0 {
		t.Errorf("two old duplicates and a conflict: %d %v", code, answer)
	}
	if _, body := get(t, n, "/v1/frames?device=_conflict"); !strings.Contains(body, `"seq":9`) {
		t.Errorf("the conflicting frame was not kept: %s", body)
	}
	if _, body := get(t, n, "/v1/frames?device=d&from_seq=9&to_seq=9"); !strings.Contains(body, `"v":9.5`) {
		t.Errorf("the first frame was not kept: %s", body)
	}
}

func TestPolicyOverHTTP(t *testing.T) {
	n := startSingle(t, nil)
	_, policy := get(t, n, "/v1/policy")
	put := func(body string) (int, string) {
		req, err := http.NewRequest("PUT", "http://"+n.HTTPAddr()+"/v1/policy", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	changed := strings.Replace(policy, `"grace_ms":10000`, `"grace_ms":500`, 1)
	if code, body := put(changed); code != 200 || !strings.Contains(body, `"revision":1`) {
		t.Fatalf("a change: %d %s", code, body)
	}
	if code, body := put(changed); code != 409 {
		t.Errorf("a change of an old revision: %d %s", code, body)
	}
	if code, body := put(`{"nonsense":1}`); code < 400 || code >= 500 {
		t.Errorf("an unknown setting: %d %s", code, body)
	}
}

// TestSuspectedDuplicateIsMarked: a frame without a number that comes twice is kept twice, and the second one says so.
func TestSuspectedDuplicateIsMarked(t *testing.T) {
	n := startSingle(t, nil)
	const body = `{"device":"s","time":"2026-11-21T10:00:00Z","fields":{"v":1.5}}`
	for range 2 {
		if code, answer := post(t, n, "/v1/frames", "application/json", body); code != 200 || answer["accepted"] != 1.0 {
			t.Fatalf("%d %v", code, answer)
		}
	}
	_, page := get(t, n, "/v1/frames?device=s")
	if got := strings.Count(page, "suspected_duplicate"); got != 1 {
		t.Errorf("%d of two equal frames are marked, want the second: %s", got, page)
	}
}
