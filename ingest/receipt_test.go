package ingest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gaplessdb/gapless/frame"
)

// fakeNotary writes receipts in the open, and remembers what it knew of the store when it was asked to sign.
type fakeNotary struct {
	proposer *fakeProposer
	refuse   error // of Ready
	fail     error // of the signer
	ready    int
	stored   []int // batches in the store when each receipt was signed
}

func (n *fakeNotary) Ready() (Signer, error) {
	n.ready++
	if n.refuse != nil {
		return nil, n.refuse
	}
	return func(r Receipt) (string, error) {
		n.proposer.mu.Lock()
		defer n.proposer.mu.Unlock()
		n.stored = append(n.stored, len(n.proposer.requests))
		return fmt.Sprintf("%d/%d %x a%d d%d c%d u%d r%d x%d", r.Position.Index, r.Position.Ordinal, r.Body[:4],
			r.Accepted, r.Duplicate, r.Conflict, r.Unverified, r.Rejected, r.Refused), n.fail
	}, nil
}

func notarized(t *testing.T) (*door, *fakeNotary) {
	n := &fakeNotary{}
	d := newDoor(t, doorOptions{Options: Options{Notary: n}})
	n.proposer = d.proposer
	return d, n
}

func sum4(body []byte) string { s := sha256.Sum256(body); return fmt.Sprintf("%x", s[:4]) }

// Each form of body gets a receipt with the hash of the bytes that were sent, and with what became of its items.
func TestReceiptOfEveryForm(t *testing.T) {
	d, n := notarized(t)
	d.proposer.refuse = []uint64{66}
	var b frame.Builder
	b.Reset(frame.Header{})
	id, err := b.Stream(frame.StreamKey{Tenant: "default", Device: "bin", Stream: "0"})
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
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(`{"device":"z","seq":1}`))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, kind, encoding string
		body                 []byte
		counts               string
	}{
		{"one object", "application/json", "", []byte(`{"device":"a","seq":1}`), "a1 d0 c0 u0 r0 x0"},
		{"sent again", "application/json", "", []byte(`{"device":"a","seq":1}`), "a0 d1 c0 u0 r0 x0"},
		{"with other content", "application/json", "", []byte(`{"device":"a","seq":1,"fields":{"v":1}}`), "a0 d0 c1 u0 r0 x0"},
		{"bad items, and one that the store refuses", lineJSON, "", []byte("{\"device\":\"a\",\"seq\":2}\n{\"device\":7}\n{\"device\":\"a\",\"seq\":66}\n"), "a1 d0 c0 u0 r1 x1"},
		{"nothing stored, a reject recorded", lineJSON, "", []byte(`{"device":"a","seq":9,"fields":{"v":null}}`), "a0 d0 c0 u0 r1 x0"},
		{"a batch", eventBatch, "", batch, "a1 d0 c0 u0 r0 x0"},
		{"packed: the hash is of what was sent", "application/json", "gzip", packed.Bytes(), "a1 d0 c0 u0 r0 x0"},
	} {
		headers := map[string]string{}
		if tt.encoding != "" {
			headers["Content-Encoding"] = tt.encoding
		}
		got := d.send(request{path: "/v1/frames?receipt=true", kind: tt.kind, body: tt.body, headers: headers})
		if want := fmt.Sprintf("%d/0 %s %s", d.proposer.index, sum4(tt.body), tt.counts); got.answer.Receipt != want {
			t.Errorf("%s: %d, receipt %q, want %q", tt.name, got.status, got.answer.Receipt, want)
		}
		if last := n.stored[len(n.stored)-1]; last != len(d.proposer.requests) {
			t.Errorf("%s: signed when %d batches were stored, now it is %d", tt.name, last, len(d.proposer.requests))
		}
	}
}

// A repetition of an Idempotency-Key gets the receipt of the first time: position and counts.
func TestReceiptOfARepetition(t *testing.T) {
	d, _ := notarized(t)
	send := func(body string) reply {
		return d.send(request{path: "/v1/frames?receipt=true", body: []byte(body), headers: map[string]string{"Idempotency-Key": "k"}})
	}
	first := send(`{"device":"a"}`)
	d.json(`{"device":"b","seq":1}`) // the store moves on
	again := send(`{"device":"a"}`)
	if !again.answer.Replayed || again.answer.Receipt != first.answer.Receipt || !strings.HasPrefix(first.answer.Receipt, "1/0 ") || !strings.Contains(first.answer.Receipt, " a1 d0 ") {
		t.Errorf("first %q, again %q", first.answer.Receipt, again.answer.Receipt)
	}
	if got := send(`{"device":"other"}`); got.code != "idempotency_mismatch" || got.answer.Receipt != "" {
		t.Errorf("another body: %s", got.body)
	}
}

// Without a commit there is no receipt, whatever the reason; without the wish there is none either, and nobody is asked.
func TestNoReceipt(t *testing.T) {
	d, n := notarized(t)
	for _, tt := range []struct {
		name, query, body string
		fail              error
		status            int
		ready             int
	}{
		{"not asked for", "", `{"device":"a","seq":1}`, nil, 200, 0},
		{"not wanted", "?receipt=false", `{"device":"a","seq":2}`, nil, 200, 0},
		{"a word", "?receipt=yes", `{"device":"a","seq":3}`, nil, 400, 0},
		{"twice", "?receipt=true&receipt=false", `{"device":"a","seq":3}`, nil, 400, 0},
		{"nothing to commit", "?receipt=true", `{"device":7}`, nil, 422, 1},
		{"no body", "?receipt=true", ``, nil, 400, 1},
		{"outcome unknown", "?receipt=true", `{"device":"a","seq":4}`, &OutcomeUnknownError{}, 503, 1},
		{"no leader", "?receipt=true", `{"device":"a","seq":4}`, &NoLeaderError{}, 503, 1},
		{"overload", "?receipt=true", `{"device":"a","seq":4}`, &OverloadError{}, 429, 1},
	} {
		n.ready, d.proposer.fail = 0, tt.fail
		got := d.send(request{path: "/v1/frames" + tt.query, body: []byte(tt.body)})
		if got.status != tt.status || got.answer.Receipt != "" || bytes.Contains(got.body, []byte("receipt\":")) || n.ready != tt.ready {
			t.Errorf("%s: %d %s, asked %d times", tt.name, got.status, got.body, n.ready)
		}
	}
	if len(n.stored) != 0 {
		t.Errorf("%d receipts were signed", len(n.stored))
	}
	d.balance()
}

// Where no receipt can be given nothing is stored; where it fails behind the commit the answer comes without, and says what is true.
func TestReceiptThatCannotBe(t *testing.T) {
	d, n := notarized(t)
	n.refuse = &Error{Status: 503, Code: "no_receipt", Message: "no key"}
	if got := d.send(request{path: "/v1/frames?receipt=true", body: []byte(`{"device":"a","seq":1}`)}); got.code != "no_receipt" || len(d.proposer.requests) != 0 {
		t.Errorf("%d %s, %d batches stored", got.status, got.body, len(d.proposer.requests))
	}
	if now := d.balance(); now.Refused != 1 {
		t.Errorf("%+v", now)
	}
	n.refuse, n.fail = nil, errors.New("the clock is broken")
	if got := d.send(request{path: "/v1/frames?receipt=true", body: []byte(`{"device":"a","seq":1}`)}); got.status != 200 || got.answer.Accepted != 1 || got.answer.Receipt != "" {
		t.Errorf("%d %s", got.status, got.body)
	}
	plain := newDoor(t, doorOptions{})
	if got := plain.send(request{path: "/v1/frames?receipt=true", body: []byte(`{"device":"a","seq":1}`)}); got.code != "no_receipt" || len(plain.proposer.requests) != 0 {
		t.Errorf("a door without a notary: %d %s", got.status, got.body)
	}
	if failed := testutil.ToFloat64(d.handler.metrics.receipts.WithLabelValues("failed")); failed != 1 {
		t.Errorf("the metric says that %v receipts failed", failed)
	}
}
