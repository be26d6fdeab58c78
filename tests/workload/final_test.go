package workload

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gaplessdb/gapless/tests/check"
)

// node answers like one on which nothing was ever stored, but refuses a path some times before.
type node struct {
	refuses string
	times   int
}

func (n *node) RoundTrip(req *http.Request) (*http.Response, error) {
	status, body := http.StatusOK, ""
	switch path := req.URL.Path; {
	case n.times > 0 && strings.HasPrefix(path, n.refuses):
		n.times--
		status = http.StatusServiceUnavailable
	case path == "/v1/frames":
		status = http.StatusNotFound
	case path == "/v1/storage":
		body = `{"node":"n1"}`
	case path == "/v1/ledger":
		body = `{"digest":"00","balances":{},"as_of":[{"history":1,"index":1}]}`
	case path != "/readyz":
		body = `{"as_of":[{"history":1,"index":1}]}`
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

// TestFinalInsists: one refusal is no evidence of anything, and a node that goes on refusing has withheld what it was asked for.
func TestFinalInsists(t *testing.T) {
	const always = 1 << 20
	for name, tc := range map[string]struct {
		node
		withheld string // "" for nothing
		lacks    bool   // a ledger or a storage
	}{
		"nothing is refused":   {},
		"frames, once":         {node: node{"/v1/frames", 1}},
		"gaps, once":           {node: node{"/v1/devices/", 1}},
		"newest frames, once":  {node: node{"/v1/latest", 1}},
		"the ledger, once":     {node: node{"/v1/ledger", 1}},
		"the storage, once":    {node: node{"/v1/storage", 1}},
		"frames, always":       {node: node{"/v1/frames", always}, withheld: "the frames of d"},
		"gaps, always":         {node: node{"/v1/devices/", always}, withheld: "the gaps of d"},
		"newest ones, always":  {node: node{"/v1/latest", always}, withheld: "the newest frames of d"},
		"the ledger, always":   {node: node{"/v1/ledger", always}, lacks: true},
		"the storages, always": {node: node{"/v1/storage", always}, lacks: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				site := &Site{Log: NewLog(1, func(string, string) {}), Client: func(string) *http.Client { return &http.Client{Transport: &tc.node} }}
				f := site.Final(Node{Name: "n1", Addr: "n1:1"}, []string{"d"})
				if lacks := f.Ledger == nil || f.Storage == nil; lacks != tc.lacks || f.Withheld != (tc.withheld != "") || !f.Ready {
					t.Errorf("%+v", f)
				}
				_, v := site.Judge()
				if said := v.String(); tc.withheld != "" && !strings.Contains(said, "n1 does not give "+tc.withheld+" after the heal") {
					t.Error(said)
				}
			})
		})
	}
}

// TestFollowerWithoutLines: a follower that nobody gave a line does not pass for one that had nothing to complain of.
func TestFollowerWithoutLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nodes := []Node{{Name: "n1", Addr: "n1:1"}}
		site := &Site{Log: NewLog(1, func(string, string) {}), Nodes: nodes,
			Client: func(string) *http.Client { return &http.Client{Transport: &node{}} }}
		site.NewFollower(1, nil).Finish()
		_, v := site.Judge()
		if said := v.String(); v.Result != check.Fail || !strings.Contains(said, "no tail gave anything") {
			t.Error(said)
		}
	})
}
