package gapless

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/vfs"
)

// TestOldCertificateLives: what was certified once is proven for ever: after merges, with keys rotated, a node replaced, from files that lie elsewhere, and
// whether the policy is the old one or today's. A later certificate continues the log of the earlier one.
func TestOldCertificateLives(t *testing.T) {
	c := newMergingCluster(t)
	c.keysKnown()
	hour := time.Now().Truncate(time.Hour).Add(-2 * time.Hour)
	postTimed(t, c.nodes[0], "press-1", 0, 119, hour)
	postTimed(t, c.nodes[0], "press-1", 125, 200, hour.Add(125*time.Minute))
	first := c.certified(c.nodes[1], `{"devices":["press-1"]}`)
	policy := c.policy()
	early := c.copySegments(0)
	wantVerdict(t, verify.Input{Certificate: first, Policy: policy, Files: early}, verify.CodeIncomplete)

	for i := range 3 { // merged with what comes later, device times mixed
		postTimed(t, c.nodes[i], "press-2", 100*i, 100*i+99, hour.Add(time.Duration(i)*time.Minute))
		c.flushed()
	}
	c.merged()
	eventually(t, func() bool { c.flushed(); return !c.surplusFiles() }, func() string { return "replaced segments are still here" })
	if code, body := send(t, c.nodes[0], "POST", "/v1/proof/keys/rotate", ""); code != http.StatusOK {
		t.Fatalf("rotate: %d %s", code, body)
	}
	leader, followers := c.leader()
	victim, node := c.place(followers[0]), followers[0].cfg.Node
	c.stop(victim)
	c.wipe(victim)
	n := c.start(victim)
	waits(t, n, "gapless ctl replace "+node)
	mustChange(t, leader, node, "replace", "")
	c.ready(n)

	second := c.certified(n, `{"devices":["press-1"]}`) // the new disk has to count the past before it can answer
	checkpoint := parsed(t, first).Proof.Checkpoint
	files := c.copySegments(victim)
	for name, p := range map[string][]byte{"the old policy": policy, "today's policy": c.policy()} {
		t.Run(name, func(t *testing.T) {
			wantVerdict(t, verify.Input{Certificate: first, Policy: p, Files: files}, verify.CodeIncomplete)
		})
	}
	since := fmt.Sprintf(`{"devices":["press-1"],"since":[%d]}`, sizeOf(t, checkpoint))
	third := c.certified(n, since)
	wantVerdict(t, verify.Input{Certificate: third, Policy: c.policy(), Files: files, Since: [][]byte{[]byte(checkpoint)}}, verify.CodeIncomplete)
	wantVerdict(t, verify.Input{Certificate: second, Policy: c.policy(), Files: files}, verify.CodeIncomplete)
	wantVerdict(t, verify.Input{Certificate: first, Policy: c.policy(), Since: [][]byte{[]byte(parsed(t, second).Proof.Checkpoint)}}, verify.CodeRewritten)
}

// certified is a certificate of everything until now.
func (c *testCluster) certified(n *Node, body string) []byte {
	c.t.Helper()
	var answer string
	eventually(c.t, func() bool {
		var code int
		code, answer = send(c.t, n, "POST", "/v1/certificates", body)
		return code == http.StatusOK
	}, func() string { return answer })
	return []byte(answer)
}

// policy is whose signatures count.
func (c *testCluster) policy() []byte {
	c.t.Helper()
	code, body := get(c.t, c.nodes[0], "/v1/proof/policy")
	if code != http.StatusOK {
		c.t.Fatalf("policy: %d %s", code, body)
	}
	return []byte(body)
}

// copySegments copies a node's segments to another directory.
func (c *testCluster) copySegments(i int) verify.Files {
	c.t.Helper()
	to := c.t.TempDir()
	from := filepath.Join(c.cfgs[i].Data, segmentsDir)
	files, err := filepath.Glob(filepath.Join(from, "*.gseg"))
	if err != nil || len(files) == 0 {
		c.t.Fatalf("segments of %s: %d, %v", from, len(files), err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err == nil {
			err = os.WriteFile(filepath.Join(to, filepath.Base(f)), b, 0o600)
		}
		if err != nil {
			c.t.Fatal(err)
		}
	}
	fs, err := vfs.OS(to)
	if err != nil {
		c.t.Fatal(err)
	}
	return verify.Dir(fs, ".")
}

func wantVerdict(t *testing.T, in verify.Input, code int) {
	t.Helper()
	report := verify.Run(t.Context(), in)
	if report.Code != code {
		t.Errorf("code %d, want %d: %+v", report.Code, code, report.Checks[len(report.Checks)-1])
	}
}

func parsed(t *testing.T, b []byte) *certificate.Certificate {
	t.Helper()
	c, err := certificate.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sizeOf is how many records a checkpoint covers.
func sizeOf(t *testing.T, note string) int64 {
	t.Helper()
	text, _, err := sign.Split([]byte(note))
	if err != nil {
		t.Fatal(err)
	}
	c, err := sign.ParseCheckpoint(text)
	if err != nil {
		t.Fatal(err)
	}
	return c.Size
}
