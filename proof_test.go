package gapless

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/proof"
)

// proofAt is what a node says of the proof.
func proofAt(t *testing.T, n *Node) (a proof.Status) {
	t.Helper()
	code, body := get(t, n, "/v1/proof")
	if err := json.Unmarshal([]byte(body), &a); code != http.StatusOK || err != nil {
		t.Fatalf("proof: %d %s %v", code, body, err)
	}
	return a
}

// seal ends the open seal through a node.
func (c *testCluster) seal(n *Node) proof.Status {
	c.t.Helper()
	code, answer := post(c.t, n, "/v1/proof/seal", "application/json", "")
	if code != http.StatusOK {
		c.t.Fatalf("seal: %d %v", code, answer)
	}
	return proofAt(c.t, n)
}

// TestThreeNodesSeal: each node counts what it has, a majority agrees, and all sign one log; after merges as before.
func TestThreeNodesSeal(t *testing.T) {
	c := newMergingCluster(t)
	leader, _ := c.leader()
	at := time.Now().Add(-time.Hour)
	postTimed(t, leader, "press-1", 0, 49, at)
	postTimed(t, leader, "press-2", 10, 20, at)
	first := c.seal(c.nodes[0])
	if first.Sealed != 1 || first.Checkpoint.Census == 0 || len(first.Differences) != 0 || len(first.Checkpoint.Signers) < 2 {
		t.Fatalf("after the first seal: %+v", first)
	}
	postTimed(t, leader, "press-1", 60, 90, at)
	second := c.seal(c.nodes[1])
	if second.Sealed != 2 || second.Checkpoint.Records <= first.Checkpoint.Records {
		t.Fatalf("after the second seal: %+v", second)
	}
	for _, n := range c.nodes {
		eventually(t, func() bool {
			st := proofAt(t, n)
			return st.Checked == 2 && st.Objection == "" && len(st.Checkpoint.Signers) == 3 && len(st.Differences) == 0
		}, func() string { return fmt.Sprintf("%+v", proofAt(t, n)) })
	}
}

// TestCertificateOverHTTP: every node gives one, and its log is one that public tools read.
func TestCertificateOverHTTP(t *testing.T) {
	c := newMergingCluster(t)
	leader, _ := c.leader()
	postTimed(t, leader, "press-1", 0, 49, time.Now().Add(-time.Hour))
	for _, n := range c.nodes {
		code, body := send(t, n, "POST", "/v1/certificates", `{"devices":["press-1"]}`)
		if code != http.StatusOK {
			t.Fatalf("certificate: %d %s", code, body)
		}
		code, note := get(t, n, "/tlog/checkpoint")
		if code != http.StatusOK {
			t.Fatalf("checkpoint: %d %s", code, note)
		}
		code, policy := get(t, n, "/v1/proof/policy")
		if code != http.StatusOK {
			t.Fatalf("policy: %d %s", code, policy)
		}
		t.Logf("%s\n%s\n%s", body, note, policy)
	}
}

// TestCertificateNamesOnlyItsSegments: those with frames of the scope, and of a device that nobody knows none.
func TestCertificateNamesOnlyItsSegments(t *testing.T) {
	c := newTestCluster(t, 1)
	c.startAll()
	n := c.nodes[0]
	for _, device := range []string{"press", "press-2"} {
		postFrames(t, n, device, 0, 9)
		c.seal(n)
	}
	for device, want := range map[string]int{"press": 1, "press-2": 1, "pre": 0, "nobody": 0} {
		got := parsed(t, c.certified(n, fmt.Sprintf(`{"devices":[%q]}`, device)))
		if len(got.Segments) != want {
			t.Errorf("the certificate of %s names %d segments, want %d", device, len(got.Segments), want)
		}
	}
	if got := parsed(t, c.certified(n, `{"prefix":"press"}`)); len(got.Segments) != 2 {
		t.Errorf("the certificate of the prefix names %d segments, want 2", len(got.Segments))
	}
}
