package gapless

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/proof/verify"
)

// policyOf is the policy that a node gives, once it gives one.
func policyOf(t *testing.T, n *Node) *sign.Policy {
	t.Helper()
	var body string
	eventually(t, func() (ok bool) {
		var code int
		code, body = get(t, n, "/v1/proof/policy")
		return code == http.StatusOK
	}, func() string { return body })
	p, err := sign.ParsePolicy([]byte(body))
	if err != nil {
		t.Fatalf("%v in\n%s", err, body)
	}
	return p
}

// signing waits until the log has the key of every node: then each of them gives receipts.
func (c *testCluster) signing() *sign.Policy {
	c.t.Helper()
	var p *sign.Policy
	for _, n := range c.nodes {
		eventually(c.t, func() bool {
			p = policyOf(c.t, n)
			return len(p.Logs) == len(c.nodes)
		}, func() string { return "keys are missing in\n" + p.Text() })
	}
	return p
}

// posted is what became of a request that asked for a receipt.
type posted struct {
	status   int
	receipt  string
	position string
	body     string
}

func postForReceipt(t *testing.T, n *Node, path, contentType string, body []byte, header ...string) posted {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+n.HTTPAddr()+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
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
	p := posted{status: resp.StatusCode, body: string(b)}
	var answer struct{ Position, Receipt string }
	if len(b) > 0 && json.Unmarshal(b, &answer) == nil {
		p.position, p.receipt = answer.Position, answer.Receipt
	}
	if note := resp.Header.Get("X-Gapless-Receipt"); note != "" {
		text, err := base64.StdEncoding.DecodeString(note)
		if err != nil {
			t.Fatal(err)
		}
		p.position, p.receipt = resp.Header.Get("X-Gapless-Position"), string(text)
	}
	return p
}

// TestReceipts: every door of every node gives one that its policy believes, of the bytes that were sent and the place that the answer names.
func TestReceipts(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	policy := c.signing()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(`{"device":"zip","seq":1}`))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for i, n := range c.nodes {
		for _, tt := range []struct {
			name, path, kind string
			body             []byte
			header           []string
			want             sign.Counts
		}{
			{"json", "/v1/frames?receipt=true", "application/json", fmt.Appendf(nil, `[{"device":"a%d","seq":1},{"device":"a%d","seq":1}]`, i, i), nil, sign.Counts{Accepted: 1, Duplicate: 1}},
			{"ndjson", "/v1/frames?receipt=true", "application/x-ndjson", fmt.Appendf(nil, "{\"device\":\"b%d\",\"seq\":1}\n{}\n", i), nil, sign.Counts{Accepted: 1, Rejected: 1}},
			{"binary", "/v1/frames?receipt=true", "application/vnd.gapless.batch", binaryBatch(t, fmt.Sprintf("c%d", i)), nil, sign.Counts{Accepted: 1}},
			{"packed", "/v1/frames?receipt=true", "application/json", packed.Bytes(), []string{"Content-Encoding", "gzip"}, firstThenDuplicate(i)},
			{"write", "/write?db=x", "text/plain", fmt.Appendf(nil, "m,device=d%d seq=1i,x=1\n", i), []string{"X-Gapless-Receipt", "true"}, sign.Counts{Accepted: 1}},
			{"write 2", "/api/v2/write?bucket=x", "text/plain", fmt.Appendf(nil, "m,device=e%d seq=1i,x=1\n", i), []string{"X-Gapless-Receipt", "true"}, sign.Counts{Accepted: 1}},
		} {
			got := postForReceipt(t, n, tt.path, tt.kind, tt.body, tt.header...)
			r, node, err := policy.CheckReceipt([]byte(got.receipt))
			if err != nil {
				t.Fatalf("%s at %s: %d %s: %v", tt.name, n.cfg.Node, got.status, got.body, err)
			}
			if node != n.cfg.Node || r.Position.String() != got.position || r.Body != sha256.Sum256(tt.body) || r.Counts != tt.want {
				t.Errorf("%s at %s: signed by %s: %+v; the position is %s", tt.name, n.cfg.Node, node, r, got.position)
			}
			if got := postForReceipt(t, n, strings.TrimSuffix(tt.path, "?receipt=true"), tt.kind, tt.body, "Content-Encoding", headerOf(tt.header, "Content-Encoding")); got.receipt != "" {
				t.Errorf("%s: a receipt that nobody asked for: %s", tt.name, got.receipt)
			}
		}
	}
}

func firstThenDuplicate(i int) sign.Counts {
	if i == 0 {
		return sign.Counts{Accepted: 1}
	}
	return sign.Counts{Duplicate: 1}
}

func headerOf(header []string, name string) string {
	if len(header) == 2 && header[0] == name {
		return header[1]
	}
	return "identity"
}

func binaryBatch(t *testing.T, device string) []byte {
	t.Helper()
	var b frame.Builder
	b.Reset(frame.Header{})
	id, err := b.Stream(frame.StreamKey{Tenant: frame.DefaultTenant, Device: device, Stream: frame.DefaultStream})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Add(frame.Group{Stream: id, Bits: 64}, &frame.Frame{Seq: 1, TimeNS: 1, Class: frame.ClassEvent}); err != nil {
		t.Fatal(err)
	}
	batch, err := b.Finish(nil)
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

// TestReceiptIsHeldAgainstACertificate: what a receipt promises is looked up offline; a changed note, body or cluster is found out.
func TestReceiptIsHeldAgainstACertificate(t *testing.T) {
	c := newTestCluster(t, 1)
	c.cfgs[0].Peers = nil
	c.startAll()
	n := c.nodes[0]
	policy := c.signing()
	body := []byte(`{"device":"mill","seq":0,"first":0}`)
	first := postForReceipt(t, n, "/v1/frames?receipt=true", "application/json", body, "Idempotency-Key", "k")
	code, certificate := send(t, n, "POST", "/v1/certificates?at=now", `{"devices":["mill"]}`)
	if code != http.StatusOK {
		t.Fatalf("certificate: %d %s", code, certificate)
	}
	again := postForReceipt(t, n, "/v1/frames?receipt=true", "application/json", body, "Idempotency-Key", "k")
	later := postForReceipt(t, n, "/v1/frames?receipt=true", "application/json", []byte(`{"device":"mill","seq":1}`))
	rotated := c.rotate(n)
	if rotated.Text() == policy.Text() {
		t.Fatal("the key was not rotated")
	}
	newKey := postForReceipt(t, n, "/v1/frames?receipt=true", "application/json", []byte(`{"device":"mill","seq":2}`))
	for _, tt := range []struct {
		name, receipt, certificate, policy string
		body                               io.Reader
		verdict                            string
		code                               int
		words                              string
	}{
		{"alone", first.receipt, "", policy.Text(), nil, verify.ReceiptSigned, 0, "n1 of "},
		{"with the body", first.receipt, "", policy.Text(), bytes.NewReader(body), verify.ReceiptSigned, 0, "are what was sent"},
		{"with a certificate", first.receipt, certificate, policy.Text(), bytes.NewReader(body), verify.ReceiptCovered, 0, "is not behind the census"},
		{"of a repetition", again.receipt, certificate, policy.Text(), bytes.NewReader(body), verify.ReceiptCovered, 0, "is not behind the census"},
		{"behind the certificate", later.receipt, certificate, policy.Text(), nil, verify.ReceiptEarly, verify.CodeIndeterminate, "ask for a certificate of now"},
		{"after the key was changed", first.receipt, certificate, rotated.Text(), nil, verify.ReceiptCovered, 0, "is not behind the census"},
		{"by the new key", newKey.receipt, "", rotated.Text(), nil, verify.ReceiptSigned, 0, "n1 of "},
		{"by a key that the policy has not", newKey.receipt, "", policy.Text(), nil, "", verify.CodeSignature, "no known key"},
		{"another body", first.receipt, "", policy.Text(), strings.NewReader("x"), "", verify.CodeTampered, "another body"},
		{"more was accepted", strings.Replace(first.receipt, "accepted 1", "accepted 2", 1), "", policy.Text(), nil, "", verify.CodeSignature, "changed after it was signed"},
		{"no receipt", certificate, "", policy.Text(), nil, "", verify.CodeSignature, "not a signed note"},
		{"a forged certificate", first.receipt, strings.Replace(certificate, `"stored":1`, `"stored":2`, 1), policy.Text(), nil, "", verify.CodeTampered, "by the proof it is"},
	} {
		in := verify.ReceiptInput{Input: verify.Input{Policy: []byte(tt.policy)}, Receipt: []byte(tt.receipt), Body: tt.body}
		if tt.certificate != "" {
			in.Certificate = []byte(tt.certificate)
		}
		report := verify.RunReceipt(t.Context(), in)
		if report.Verdict != tt.verdict || report.Code != tt.code || !strings.Contains(fmt.Sprint(report.Checks), tt.words) {
			t.Errorf("%s: %q, code %d: %+v", tt.name, report.Verdict, report.Code, report.Checks)
		}
	}
	r0, _, _ := policy.CheckReceipt([]byte(first.receipt))
	r1, _, err := policy.CheckReceipt([]byte(again.receipt))
	if err != nil || r1.Position != r0.Position || r1.Counts != r0.Counts || again.position != first.position {
		t.Errorf("the first time %+v, again %+v, %v", r0, r1, err)
	}
}

// rotate changes a node's key, and waits until the log has the new one.
func (c *testCluster) rotate(n *Node) (p *sign.Policy) {
	c.t.Helper()
	before := policyOf(c.t, n)
	if code, answer := post(c.t, n, "/v1/proof/keys/rotate", "application/json", ""); code != http.StatusOK {
		c.t.Fatalf("rotate: %d %v", code, answer)
	}
	eventually(c.t, func() bool {
		p = policyOf(c.t, n)
		return len(p.Logs) > len(before.Logs)
	}, func() string { return "no new key in\n" + p.Text() })
	return p
}

// TestNoReceiptBeforeTheCommit: a leader that has lost its majority knows the outcome of nothing, and signs nothing. A key that is not in the log yet
// signs nothing either.
func TestNoReceiptBeforeTheCommit(t *testing.T) {
	c := newTestCluster(t, 3)
	for i := range c.cfgs {
		c.cfgs[i].RequestTimeout = 2 * time.Second
	}
	c.startAll()
	c.signing()
	leader, followers := c.leader()
	for i, n := range c.nodes {
		if n == followers[0] || n == followers[1] {
			c.stop(i)
		}
	}
	got := postForReceipt(t, leader, "/v1/frames?receipt=true", "application/json", []byte(`{"device":"d","seq":1}`))
	if got.status != http.StatusServiceUnavailable || got.receipt != "" || strings.Contains(got.body, "receipt/v1") {
		t.Fatalf("without a majority: %d %s", got.status, got.body)
	}
	// Of a new key no majority has heard yet, and nobody could believe it: the one before signs as long as it takes.
	if err := leader.sealer.Rotate("test"); err != nil {
		t.Fatal(err)
	}
	look := (&proofCatalog{leader}).Look()
	newest, _, err := leader.sealer.NewestKey()
	if key, ok := leader.sealer.Signer(&look); err != nil || !ok || key.Public().Equal(newest.Public()) {
		t.Fatalf("with a key that is not in the log: %t, %v", ok, err)
	}
	for i := range c.nodes {
		if c.nodes[i] == nil {
			c.ready(c.start(i))
		}
	}
	eventually(t, func() bool {
		got = postForReceipt(t, leader, "/v1/frames?receipt=true", "application/json", []byte(`{"device":"d","seq":1}`))
		return got.status == http.StatusOK
	}, func() string { return got.body })
	r, _, err := policyOf(t, leader).CheckReceipt([]byte(got.receipt))
	if err != nil || r.Accepted+r.Duplicate != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if n := countFrames(t, leader, "d", "&consistency=linearizable&after="+got.position); n != 1 {
		t.Errorf("%d frames are there", n)
	}
}
