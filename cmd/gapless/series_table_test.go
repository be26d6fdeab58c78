package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestSeriesTableSumsUp prints buckets and points of a node, and below them the verdict of everything that was asked for: a device without a bucket has
// no other line.
func TestSeriesTableSumsUp(t *testing.T) {
	const state = `"as_of":[{"partition":0,"history":1,"index":7,"time":"2026-11-21T10:00:00Z"}],` +
		`"completeness":{"ratio":1,"verdict":"COMPLETE_BETWEEN_SEEN","expected":2,"stored":2,"missing":0}`
	const foot = "\n2 expected, 2 stored, 0 missing, COMPLETE_BETWEEN_SEEN in all; as of index 7, 2026-11-21T10:00:00Z\n"
	for _, tt := range []struct {
		args       []string
		body, want string
	}{
		{[]string{"--agg", "count"}, `{"series":[{"device":"a","start":["2026-11-21T10:00:00Z"],"fields":[{"field":"x","kinds":["int"],"count":[2]}],` +
			`"completeness":{"ratio":[1],"verdict":["COMPLETE"],"expected":[2],"stored":[2],"missing":[0]}}],` + state + `}`,
			"SERIES  START                 FIELD  COUNT  EXPECTED  MISSING  VERDICT\n" +
				"a       2026-11-21T10:00:00Z  x          2         2        0  COMPLETE\n" + foot},
		{[]string{"--limit", "1"}, `{"series":[{"device":"a","stream":"0","epoch":1,"seq":[3],"time":["2026-11-21T10:00:00Z"],` +
			`"fields":[{"field":"x","kinds":["int"],"values":[5]}]}],` + state + `,"next":"more"}`,
			"DEVICE  STREAM  EPOCH  SEQ  TIME                  FIELDS\n" +
				"a       0           1    3  2026-11-21T10:00:00Z  x=5\n... the first 1; --limit 0 prints all\n" + foot},
	} {
		node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, tt.body) }))
		var out, errOut bytes.Buffer
		code := run(t.Context(), append([]string{"series", "a", "b", "--url", node.URL}, tt.args...), nil, &out, &errOut)
		node.Close()
		if code != 0 || out.String() != tt.want {
			t.Errorf("code %d, %q, want %q; %q", code, out.String(), tt.want, errOut.String())
		}
	}
}
