package gapless

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// send is a request with a JSON body.
func send(t *testing.T, n *Node, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+n.HTTPAddr()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// TestPolicyHistory: each change is told with who, when, why and what, the newest first, also when it lies in a segment and after a restart.
func TestPolicyHistory(t *testing.T) {
	c := newTestCluster(t, 1)
	c.cfgs[0].Peers = nil
	c.startAll()
	n := c.nodes[0]
	history := func(query string) (list []policyChange) {
		t.Helper()
		code, body := get(t, n, "/v1/policy/history"+query)
		var h policyHistory
		if err := json.Unmarshal([]byte(body), &h); err != nil || code != 200 {
			t.Fatalf("history: %d %s: %v", code, body, err)
		}
		return h.Changes
	}
	change := func(old, new, note string) {
		t.Helper()
		_, policy := get(t, n, "/v1/policy")
		if code, body := send(t, n, "PUT", "/v1/policy?note="+url.QueryEscape(note), strings.Replace(policy, old, new, 1)); code != 200 || !strings.Contains(body, new) {
			t.Fatalf("%s: %d %s", new, code, body)
		}
	}
	if list := history(""); len(list) != 0 {
		t.Errorf("before the first change: %+v", list)
	}
	change(`"grace_ms":10000`, `"grace_ms":500`, "slow network")
	change(`"fan_in":4`, `"fan_in":6`, "")
	if code, body := send(t, n, "POST", "/v1/cluster/flush", ""); code != 200 {
		t.Fatalf("flush: %d %s", code, body)
	}
	change(`"off":false`, `"off":true`, `"quoted" & ünïcode`)
	check := func() {
		t.Helper()
		list := history("")
		if len(list) != 3 {
			t.Fatalf("%d changes, want 3: %+v", len(list), list)
		}
		for i, want := range []struct{ note, path, from, to string }{
			{`"quoted" & ünïcode`, "merge.off", "false", "true"}, {"", "merge.fan_in", "4", "6"}, {"slow network", "ledger.grace_ms", "10000", "500"},
		} {
			got := list[i]
			if got.Revision != uint64(3-i) || got.By != "anonymous" || got.Note != want.note || got.At == "" || !strings.Contains(string(got.Policy), `"merge":{"off":`) ||
				len(got.Changes) != 1 || got.Changes[0].Path != want.path || string(got.Changes[0].From) != want.from || string(got.Changes[0].To) != want.to {
				t.Errorf("change %d: %+v, want %+v", i, got, want)
			}
		}
		if list := history("?limit=2"); len(list) != 2 || list[1].Revision != 2 {
			t.Errorf("the newest two: %+v", list)
		}
	}
	check()
	c.stop(0)
	n = c.start(0)
	c.ready(n)
	check()
	for _, query := range []string{"?limit=0", "?limit=1001", "?limit=x"} {
		if code, _ := get(t, n, "/v1/policy/history"+query); code != 400 {
			t.Errorf("%s: %d", query, code)
		}
	}
}

// TestPolicyRefusals: what is refused leaves no trace in the history.
func TestPolicyRefusals(t *testing.T) {
	n := startSingle(t, nil)
	_, policy := get(t, n, "/v1/policy")
	for _, c := range []struct{ note, old, new, code string }{
		{"", `"fan_in":4`, `"fan_in":1`, "bad_policy"},
		{"", `"fan_in":4`, `"fan_in":65`, "bad_policy"},
		{"", `"window_ms":21600000`, `"window_ms":999`, "bad_policy"},
		{"", `"max_bytes":1073741824`, `"max_bytes":1`, "bad_policy"},
		{"", `"off":false`, `"off":1`, "bad_policy"},
		{"", `"merge":{`, `"merge":{"colour":1,`, "bad_policy"},
		{"", `"revision":0`, `"revision":1`, "policy_changed"},
		{strings.Repeat("x", 1025), `"grace_ms":10000`, `"grace_ms":1`, "bad_note"},
		{"two\nlines", `"grace_ms":10000`, `"grace_ms":1`, "bad_note"},
	} {
		if !strings.Contains(policy, c.old) {
			t.Fatalf("%s is not in %s", c.old, policy)
		}
		code, body := send(t, n, "PUT", "/v1/policy?note="+url.QueryEscape(c.note), strings.Replace(policy, c.old, c.new, 1))
		if code < 400 || code >= 500 || !strings.Contains(body, c.code) {
			t.Errorf("%s %q: %d %s, want %s", c.new, c.note, code, body, c.code)
		}
	}
	if _, body := get(t, n, "/v1/policy/history"); strings.TrimSpace(body) != `{"changes":[]}` {
		t.Error(body)
	}
	if _, now := get(t, n, "/v1/policy"); now != policy {
		t.Errorf("%s, want %s", now, policy)
	}
}
