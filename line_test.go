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

// writeToken makes a token file with one token, and returns both.
func writeToken(t *testing.T, scopes auth.Scopes) (token, path string) {
	t.Helper()
	token, line, err := auth.NewToken(auth.Principal{Tenant: "default", ID: "telegraf", Scopes: scopes})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return token, path
}

// Line protocol comes in under each version's own ways to say who sends it, and is refused in each version's own words.
func TestLineProtocolCredentials(t *testing.T) {
	token, path := writeToken(t, auth.Write|auth.Read|auth.Admin)
	n := startSingle(t, func(c *Config) { c.TokenFile, c.Version = path, "v0.4.0" })
	for i, tc := range []struct {
		method, path, user, password, header, body string
		code                                       int
		says                                       string
	}{
		{"POST", "/write?db=d", "", "", "Token " + token, "m,device=a x=1", 204, ""},
		{"POST", "/write?db=d", "", "", "Bearer " + token, "m,device=a x=1", 204, ""},
		{"POST", "/write?db=d", "telegraf", token, "", "m,device=a x=1", 204, ""},
		{"POST", "/write?db=d&u=telegraf&p=" + token, "", "", "", "m,device=a x=1", 204, ""},
		{"POST", "/write?db=d&u=telegraf&p=wrong", "", "", "Token " + token, "m,device=a x=1", 401, `{"error":"bad_token: `},
		{"POST", "/write?db=d", "telegraf", "wrong", "", "m,device=a x=1", 401, `{"error":"bad_token: `},
		{"POST", "/write?db=d", "", "", "", "m,device=a x=1", 401, `{"error":"no_token: `},
		{"POST", "/write?db=d", "", "", "Token " + token, "m,device=a x=", 400, `{"error":"unable to parse: line 1: `},
		{"POST", "/api/v2/write?bucket=d", "", "", "Token " + token, "m,device=a x=1", 204, ""},
		{"POST", "/api/v2/write?bucket=d", "telegraf", token, "", "m,device=a x=1", 401, `{"code":"unauthorized","message":"bad_token: `},
		{"POST", "/api/v2/write?bucket=d", "", "", "Token wrong", "m,device=a x=1", 401, `{"code":"unauthorized","message":"bad_token: `},
		{"POST", "/query?q=CREATE+DATABASE+d", "telegraf", token, "", "", 200, `{"results":[{"statement_id":0}]}`},
		{"POST", "/query?q=CREATE+DATABASE+d", "", "", "", "", 401, `{"error":"no_token: `},
		{"GET", "/ping", "", "", "", "", 204, ""},
		{"HEAD", "/ping", "", "", "", "", 204, ""},
		{"GET", "/health", "", "", "", "", 200, `"status":"pass","version":"v0.4.0"}`},
		{"GET", "/write", "", "", "Token " + token, "", 405, `{"error":{"code":"bad_method"`},
		{"POST", "/v1/frames", "", "", "Token " + token, "{}", 401, `{"error":{"code":"bad_token"`},
	} {
		req, err := http.NewRequest(tc.method, "http://"+n.HTTPAddr()+tc.path, strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		if tc.header != "" {
			req.Header.Set("Authorization", tc.header)
		}
		if tc.user != "" {
			req.SetBasicAuth(tc.user, tc.password)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != tc.code || !strings.Contains(string(body), tc.says) {
			t.Errorf("%d: %s %s: %d %s %v, want %d %s", i, tc.method, tc.path, resp.StatusCode, body, err, tc.code, tc.says)
		}
	}
	if b := n.influx.Counters().Snapshot(); b.Balance() != 0 || b.Accepted != 5 || b.Rejected != 1 {
		t.Errorf("counted as %+v", b)
	}
}

// A scope that is missing is refused in the version's words, too; and the settings say how lines become frames.
func TestLineProtocolSettings(t *testing.T) {
	token, path := writeToken(t, auth.Read)
	n := startSingle(t, func(c *Config) { c.TokenFile = path })
	req, err := http.NewRequest("POST", "http://"+n.HTTPAddr()+"/write", strings.NewReader("m x=1"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Token "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != 403 || !strings.HasPrefix(string(body), `{"error":"forbidden: `) {
		t.Errorf("a token that may only read: %d %s %v", resp.StatusCode, body, err)
	}

	n = startSingle(t, func(c *Config) {
		c.LineDeviceTag, c.LineSeqField, c.LineEpochField, c.LineDBField = "unit", "n", "boot", "db"
	})
	resp, err = http.Post("http://"+n.HTTPAddr()+"/write?db=plant", "", strings.NewReader("m,unit=u,device=d n=7i,boot=2i,seq=1i 1763719200000000000"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 204 || resp.Header.Get("X-Gapless-Delivery") != "exactly_once" {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
	_, page := get(t, n, "/v1/frames?device=u&after="+resp.Header.Get("X-Gapless-Position"))
	for _, part := range []string{`"stream":"m"`, `"epoch_value":"2"`, `"seq":7`, `"fields":{"db":"plant","device":"d","seq":1}`, `"time":"2025-11-21T10:00:00Z"`} {
		if !strings.Contains(page, part) {
			t.Errorf("%s is not in %s", part, page)
		}
	}
	if _, page := get(t, n, "/v1/ledger"); !strings.Contains(page, `"listener":"influx"`) {
		t.Errorf("no balance of the listener: %s", page)
	}
}
