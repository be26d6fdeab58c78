package gapless

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/proof/verify"
)

// listed are the nodes of a policy, and how many of them have to sign.
func listed(p *sign.Policy) (nodes []string, k int) {
	for _, g := range p.Groups {
		if g.Name == "nodes" {
			nodes, k = g.Members, g.K
		}
	}
	return nodes, k
}

// TestRemovedNode: the policy lists those who vote, and wants a majority of them; the log says that the key of a removed node is out of use. What was
// certified with it verifies with the policy of its time, and with today's while enough of its signers still vote, also what the removed node gave out.
func TestRemovedNode(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	c.signing()
	postFrames(t, c.nodes[0], "press", 0, 9)
	receipt := postForReceipt(t, c.nodes[2], "/v1/frames?receipt=true", "application/json", []byte(`{"device":"press","seq":10}`)).receipt
	c.seal(c.nodes[0])
	for _, n := range []*Node{c.nodes[0], c.nodes[2]} {
		eventually(t, func() bool { s := signers(t, n); return len(s.Signers) == 3 && s.Census > 0 }, func() string { return fmt.Sprint(signers(t, n)) })
	}
	ofGone := []byte(certificateOf(t, c.nodes[2], "?at=newest", "press"))
	before, first := c.policy(), []byte(certificateOf(t, c.nodes[0], "?at=newest", "press"))
	s := certificateSource{n: c.nodes[0], look: (&proofCatalog{c.nodes[0]}).Look()}
	s.look.Voters = []string{c.nodes[1].id.server(), c.nodes[2].id.server()}
	if err := s.believable(); err == nil || !strings.Contains(err.Error(), "has no vote") {
		t.Errorf("a node that lost its vote a moment ago: %v", err)
	}

	mustChange(t, c.nodes[0], "n3", "remove", "")
	gone := c.nodes[2].id.server()
	c.stop(2)
	i := c.add("n4")
	c.start(i)
	mustChange(t, c.nodes[0], "n4", "join", c.cfgs[i].Listen)
	mustChange(t, c.nodes[0], "n4", "promote", "")
	want := []string{"node:n1", "node:n2", "node:n4"}
	eventually(t, func() bool {
		nodes, k := listed(policyOf(t, c.nodes[0]))
		return slices.Equal(nodes, want) && k == 2
	}, func() string { return policyOf(t, c.nodes[0]).Text() })

	var ends []record.Key
	eventually(t, func() bool {
		ends = c.endsOfKeys()
		return len(ends) == 1
	}, func() string { return fmt.Sprintf("%d keys came to an end: %+v", len(ends), ends) })
	keys := keysAt(t, c.nodes[0], "GET", "/v1/proof/keys").Keys
	k := keys[slices.IndexFunc(keys, func(k proof.Key) bool { return k.Server == gone })]
	if k.Until == 0 || ends[0].Server != gone || ends[0].Replaces != k.VKey || ends[0].LogVKey != "" {
		t.Errorf("the key of the removed server is %+v, its end %+v", k, ends[0])
	}
	wantVerdict(t, verify.Input{Certificate: first, Policy: before}, verify.CodeCompleteBetweenSeen)
	wantVerdict(t, verify.Input{Certificate: first, Policy: c.policy()}, verify.CodeCompleteBetweenSeen)
	wantVerdict(t, verify.Input{Certificate: ofGone, Policy: c.policy()}, verify.CodeCompleteBetweenSeen)
	report := verify.RunReceipt(t.Context(), verify.ReceiptInput{Input: verify.Input{Policy: c.policy()}, Receipt: []byte(receipt)})
	if report.Verdict != verify.ReceiptSigned || !strings.HasPrefix(report.Checks[0].Text, "n3 of ") {
		t.Errorf("a receipt of the removed node: %+v", report)
	}
	second := c.certified(c.nodes[i], `{"devices":["press"]}`)
	wantVerdict(t, verify.Input{Certificate: second, Policy: c.policy()}, verify.CodeCompleteBetweenSeen)
}

// endsOfKeys are the records by which keys came out of use, as the first node has them.
func (c *testCluster) endsOfKeys() (ends []record.Key) {
	c.t.Helper()
	err := c.nodes[0].logRecords(c.t.Context(), 0, 1000, func(_ int64, data []byte) error {
		r, err := record.Parse(data)
		if k, ok := r.(*record.Key); ok && k.VKey == "" {
			ends = append(ends, *k)
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return ends
}

// TestGrowingCluster: while one node grows to three, nobody gives out a certificate that the policy of the same moment does not believe; a node without
// a vote gives none, and no receipt.
func TestGrowingCluster(t *testing.T) {
	c := newTestCluster(t, 1)
	c.cfgs[0].Peers = nil
	c.startAll()
	postFrames(t, c.nodes[0], "press", 0, 9)
	c.seal(c.nodes[0])

	var watching sync.WaitGroup
	first := c.nodes[0]
	grown, given := make(chan struct{}), 0
	watching.Go(func() {
		for done := false; !done; {
			select {
			case <-grown:
				done = true
			default:
			}
			given += c.believed(first)
		}
	})
	for _, node := range []string{"n2", "n3"} {
		i := c.add(node)
		n := c.start(i)
		mustChange(t, c.nodes[0], node, "join", c.cfgs[i].Listen)
		c.ready(n)
		wantRefused(t, n, "POST", "/v1/certificates?at=newest", `{"devices":["press"]}`, "not_ready")
		wantRefused(t, n, "POST", "/v1/frames?receipt=true", `{"device":"other","seq":1}`, "no_receipt")
		mustChange(t, c.nodes[0], node, "promote", "")
	}
	eventually(t, func() bool {
		nodes, k := listed(policyOf(t, c.nodes[0]))
		return len(nodes) == 3 && k == 2 && c.believed(c.nodes[2]) == 1
	}, func() string { return policyOf(t, c.nodes[0]).Text() })
	close(grown)
	watching.Wait()
	t.Logf("%d certificates were given out meanwhile", given)
	if given == 0 {
		t.Error("no certificate was given out, which proves little")
	}
}

// believed asks for a certificate between two equal policies, which have to believe it. 0: there was none, or the policies differ.
func (c *testCluster) believed(n *Node) int {
	code, before := get(c.t, n, "/v1/proof/policy")
	made, body := send(c.t, n, "POST", "/v1/certificates?at=newest", `{"devices":["press"]}`)
	again, after := get(c.t, n, "/v1/proof/policy")
	if code != http.StatusOK || made != http.StatusOK || again != http.StatusOK || before != after {
		if made != http.StatusOK && made != http.StatusServiceUnavailable {
			c.t.Errorf("certificate: %d %s", made, body)
		}
		return 0
	}
	if report := verify.Run(c.t.Context(), verify.Input{Certificate: []byte(body), Policy: []byte(before)}); report.Code != verify.CodeCompleteBetweenSeen {
		c.t.Errorf("code %d: %+v\n%s", report.Code, report.Checks, before)
	}
	return 1
}

// wantRefused sends a request that a node has to refuse with 503 and a code.
func wantRefused(t *testing.T, n *Node, method, path, body, code string) {
	t.Helper()
	if status, answer := send(t, n, method, path, body); status != http.StatusServiceUnavailable || !strings.Contains(answer, `"`+code+`"`) {
		t.Errorf("%s %s: %d %s, want 503 %s", method, path, status, answer, code)
	}
}

// TestNewVotersHaveNotSigned: as long as the newest checkpoint is one that today's policy does not believe, there is no certificate.
func TestNewVotersHaveNotSigned(t *testing.T) {
	c := newTestCluster(t, 1)
	c.startAll()
	c.seal(c.nodes[0])
	s := certificateSource{n: c.nodes[0], look: (&proofCatalog{c.nodes[0]}).Look()}
	if err := s.believable(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(l *proof.Look){
		"signed by nobody who votes": func(l *proof.Look) { l.Section = unsigned(t, &l.Section) },
		"others have made no key":    func(l *proof.Look) { l.Voters = append(slices.Clone(l.Voters), "n8.x", "n9.y") },
	} {
		other := s
		change(&other.look)
		err := other.believable()
		status, code := http.StatusOK, ""
		var refused interface {
			HTTPError() (status int, code, message, hint string)
		}
		if errors.As(err, &refused) {
			status, code, _, _ = refused.HTTPError()
		}
		if status != http.StatusServiceUnavailable || code != "not_ready" && code != "no_checkpoint" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// unsigned is a section without the signatures of its newest checkpoint.
func unsigned(t *testing.T, s *proof.Section) proof.Section {
	t.Helper()
	var b bytes.Buffer
	if err := s.Freeze()(&b); err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	dec := json.NewDecoder(&b)
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	doc["newest"].(map[string]any)["signatures"] = []string{}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	other := proof.NewSection()
	if err := other.Restore(bytes.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	return *other
}

// TestFalseWitness: a line that a witness never signed is part of nothing that is given out, and the witness is asked again.
func TestFalseWitness(t *testing.T) {
	const name = "witness.example/w1"
	w, address := outsideWitness(t, name)
	c := newTestCluster(t, 1)
	c.cfgs[0].Peers = nil
	c.cfgs[0].Witnesses = []string{w.VerifierKey() + "\t" + address}
	c.startAll()
	n := c.nodes[0]
	postFrames(t, n, "press", 0, 9)
	c.seal(n) // the witness does not know the log, and signs nothing

	look := (&proofCatalog{n}).Look()
	newest := look.Section.Newest()
	other := sign.Checkpoint{Origin: look.Section.Origin(), Size: newest.Size + 1, Root: newest.Root}
	command, err := json.Marshal(map[string]any{"size": newest.Size, "root": newest.Root, "signatures": []string{falseLine(t, name, other)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := n.ProposeCommand(t.Context(), proof.KindWitness, proof.CommandVersion, command); err != nil {
		t.Fatal(err)
	}
	look = (&proofCatalog{n}).Look()
	if lines := look.Section.Newest().Witnesses; len(lines) != 1 || !strings.HasPrefix(lines[0], name+" ") {
		t.Fatalf("the log has not taken it: %q", lines)
	}
	made := certificateOf(t, n, "?at=newest", "press")
	if _, shown := get(t, n, "/tlog/checkpoint"); strings.Contains(shown, name) || strings.Contains(parsed(t, []byte(made)).Proof.Checkpoint, name) {
		t.Errorf("it is given out:\n%s", shown)
	}
	wantVerdict(t, verify.Input{Certificate: []byte(made), Policy: c.policy()}, verify.CodeCompleteBetweenSeen)
	if _, trace := get(t, n, "/v1/trace/press/1/3"); !strings.Contains(trace, "/n1 ") || strings.Contains(trace, name) {
		t.Errorf("the trace shows %s", trace)
	}

	c.trustIn(w)
	eventually(t, func() bool {
		_, shown := get(t, n, "/tlog/checkpoint")
		return strings.Contains(shown, name)
	}, func() string { return fmt.Sprintf("the witness was asked %d times", w.Asked()) })
	wantVerdict(t, verify.Input{Certificate: []byte(certificateOf(t, n, "?at=newest", "press")), Policy: demanding(t, n)}, verify.CodeCompleteBetweenSeen)
}

// falseLine is a line of a witness for another checkpoint, without "— ".
func falseLine(t *testing.T, name string, of sign.Checkpoint) string {
	t.Helper()
	key, err := sign.Generate(strings.NewReader(strings.Repeat(name, 32))) // as outsideWitness makes it
	if err != nil {
		t.Fatal(err)
	}
	signer, err := key.Cosigner(name, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := note.Sign(&note.Note{Text: of.Text()}, signer)
	if err != nil {
		t.Fatal(err)
	}
	_, lines, err := sign.Split(signed)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(lines), "— "), "\n")
}
