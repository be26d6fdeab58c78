package gapless

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/witness/witnesstest"
)

// outsideWitness is a witness at an address of its own, which knows no log yet.
func outsideWitness(t *testing.T, name string) (*witnesstest.Witness, string) {
	t.Helper()
	key, err := sign.Generate(strings.NewReader(strings.Repeat(name, 32)))
	if err != nil {
		t.Fatal(err)
	}
	w, err := witnesstest.New(name, key, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(w)
	t.Cleanup(srv.Close)
	return w, srv.URL + "/prefix/"
}

// trustIn makes a witness know the keys with which the nodes sign as the log, as its operator would.
func (c *testCluster) trustIn(w *witnesstest.Witness) {
	c.t.Helper()
	for _, l := range c.signing().Logs {
		w.Trust(l.Key)
	}
}

// signers are those of a node's newest checkpoint.
func signers(t *testing.T, n *Node) proof.CheckpointOf { return proofAt(t, n).Checkpoint }

// demanding is the policy of a node with an outside witness made necessary, as docs/operations.md says.
func demanding(t *testing.T, n *Node) []byte {
	t.Helper()
	text := policyOf(t, n).Text()
	strict := strings.Replace(text, "quorum nodes\n", "quorum both\n", 1)
	if strict == text {
		t.Fatalf("nothing to change in\n%s", text)
	}
	return []byte(strict)
}

func certificateOf(t *testing.T, n *Node, query, device string) string {
	t.Helper()
	code, body := send(t, n, "POST", "/v1/certificates"+query, fmt.Sprintf(`{"devices":[%q]}`, device))
	if code != http.StatusOK {
		t.Fatalf("certificate: %d %s", code, body)
	}
	return body
}

// TestWitnessesCosign: checkpoints of a cluster are cosigned by whoever can be asked; a witness that is silent, one that lies and one that is nowhere
// delay nothing; the next leader goes on; and a certificate satisfies a policy that wants the witness, only with it.
func TestWitnessesCosign(t *testing.T) {
	const name = "witness.example/w1"
	w, address := outsideWitness(t, name)
	entries := []string{w.VerifierKey() + " " + address}
	for i, srv := range badWitnesses(t) {
		bad, _ := outsideWitness(t, fmt.Sprintf("bad.example/%d", i))
		entries = append(entries, bad.VerifierKey()+" "+srv)
	}
	c := newTestCluster(t, 3)
	for i := range c.cfgs {
		c.cfgs[i].Witnesses = entries
	}
	c.startAll()
	leader, _ := c.leader()
	postFrames(t, leader, "press", 0, 9)
	c.seal(c.nodes[0]) // the witness knows no key of the log yet, and nobody waits for it
	if at := signers(t, leader); slices.Contains(at.Signers, name) {
		t.Fatalf("cosigned by a witness that does not know the log: %v", at.Signers)
	}
	without := certificateOf(t, leader, "", "press")

	c.trustIn(w)
	cosigned := func() bool {
		for _, n := range c.nodes {
			if n != nil && !slices.Contains(signers(t, n).Signers, name) {
				return false
			}
		}
		return true
	}
	why := func() string { return fmt.Sprintf("%+v, asked %d times", signers(t, leader), w.Asked()) }
	eventually(t, cosigned, why)
	at := signers(t, leader)
	with := certificateOf(t, leader, "?at=newest", "press")
	for _, tt := range []struct {
		name, certificate string
		policy            []byte
		code              int
	}{
		{"without, not asked for", without, []byte(policyOf(t, leader).Text()), verify.CodeCompleteBetweenSeen},
		{"without, asked for", without, demanding(t, leader), verify.CodeSignature},
		{"with, asked for", with, demanding(t, leader), verify.CodeCompleteBetweenSeen},
	} {
		report := verify.Run(t.Context(), verify.Input{Certificate: []byte(tt.certificate), Policy: tt.policy})
		if report.Code != tt.code {
			t.Errorf("%s: code %d, %+v", tt.name, report.Code, report.Checks)
		}
	}

	for i, n := range c.nodes { // the leader goes; the next one shows what comes
		if n == leader {
			c.stop(i)
		}
	}
	leader, _ = c.leader()
	if now := signers(t, leader); now.Records == at.Records && !slices.Contains(now.Signers, name) {
		t.Errorf("the next leader has the checkpoint without the cosignature: %v", now.Signers)
	}
	postFrames(t, leader, "press", 10, 19)
	c.seal(leader)
	eventually(t, cosigned, why)
	if latest, _ := w.Latest(policyOf(t, leader).Origins()[0]); latest.Size <= at.Records || latest.Size != signers(t, leader).Records {
		t.Errorf("the witness is at %d, the checkpoint at %d, before it was %d", latest.Size, signers(t, leader).Records, at.Records)
	}
	code, metrics := get(t, leader, "/metrics")
	for _, line := range []string{
		`gapless_witness_cosigned_total{witness="witness.example/w1"}`, `gapless_witness_refused_total{reason="signature",witness="bad.example/1"}`,
		`gapless_witness_refused_total{reason="network",witness="bad.example/2"}`,
		`gapless_witness_other_history{witness="witness.example/w1"} 0`,
	} {
		eventually(t, func() bool {
			code, metrics = get(t, leader, "/metrics")
			return code == http.StatusOK && strings.Contains(metrics, line)
		}, func() string { return "no " + line })
	}
}

// badWitnesses are addresses where somebody takes the request and never answers, where somebody signs with another key, and where nobody is.
func badWitnesses(t *testing.T) []string {
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else the server does not see that the node has gone
		<-r.Context().Done()
	}))
	liar := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(rw, "— bad.example/1 AAAAAAAAAAAAAAAA")
	}))
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	t.Cleanup(silent.Close)
	t.Cleanup(liar.Close)
	return []string{silent.URL, liar.URL, gone.URL}
}

// TestPolicyNamesTheWitnesses: they are there to be asked for, and the nodes are enough as before.
func TestPolicyNamesTheWitnesses(t *testing.T) {
	w, address := outsideWitness(t, "witness.example/w1")
	c := newTestCluster(t, 1)
	c.cfgs[0].Peers = nil
	c.cfgs[0].Witnesses = []string{w.VerifierKey() + "  " + address}
	c.startAll()
	p := policyOf(t, c.nodes[0])
	if p.Quorum != "nodes" || !strings.Contains(p.Text(), "witness witness:1 "+w.VerifierKey()+" "+address+"\n") || !strings.Contains(p.Text(), "group outside 1 witness:1\ngroup both 2 nodes outside\n") {
		t.Errorf("%s", p.Text())
	}
}

func TestBadWitnesses(t *testing.T) {
	w, _ := outsideWitness(t, "witness.example/w1")
	node, _ := outsideWitness(t, "gapless/0123/n1")
	var many []string
	for i := range maxOutside + 1 {
		w, _ := outsideWitness(t, fmt.Sprintf("w.example/%02d", i))
		many = append(many, w.VerifierKey()+" https://w.example/")
	}
	for _, tt := range []struct {
		list []string
		want string
	}{
		{[]string{w.VerifierKey()}, "its address"},
		{[]string{w.VerifierKey() + " https://w.example/ more"}, "its address"},
		{[]string{w.VerifierKey() + " ftp://w.example/"}, "not the address of a witness"},
		{[]string{"https://w.example/ " + w.VerifierKey()}, "not the address of a witness"},
		{[]string{"w.example+00000000+AAAA https://w.example/"}, "key"},
		{[]string{w.VerifierKey() + " https://w.example/", w.VerifierKey() + " https://other.example/"}, "twice"},
		{[]string{node.VerifierKey() + " https://w.example/"}, "a name that nodes have"},
		{many, "has room for the cosignatures of 16"},
	} {
		cfg := Config{Node: "n1", Data: "d", Witnesses: tt.list}
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "witness") {
			t.Errorf("%q: %v, want %q", tt.list, err, tt.want)
		}
	}
	cfg := Config{Node: "n1", Data: "d", Witnesses: []string{w.VerifierKey() + " https://w.example/"}}
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
}
