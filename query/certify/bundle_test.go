package certify

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/sign"
)

// withPolicy is a node whose policy may change while a certificate is made.
type withPolicy struct {
	standIn
	policy []byte
}

func (n *withPolicy) Policy() ([]byte, error) { return n.policy, nil }

// TestBundleHasAPolicyThatBelievesIt: a bundle is what its reader takes along. One whose policy does not believe its certificate is not given out.
func TestBundleHasAPolicyThatBelievesIt(t *testing.T) {
	const origin = "gapless/k7q2m9x4"
	key := func(seed string) sign.Key {
		k, err := sign.Generate(strings.NewReader(strings.Repeat(seed, 32)))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	policy := func(k sign.Key) []byte {
		vkey, err := k.VerifierKey(sign.CosignerName(origin, "n1"))
		if err != nil {
			t.Fatal(err)
		}
		p, err := sign.Build(origin, []sign.Node{{ID: "n1", Keys: []string{vkey.String()}}}, 1, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		return []byte(p.Text())
	}
	cosigner, err := key("a").Cosigner(sign.CosignerName(origin, "n1"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	asLog, err := key("a").LogSigner(origin)
	if err != nil {
		t.Fatal(err)
	}
	checkpoint, err := note.Sign(&note.Note{Text: sign.Checkpoint{Origin: origin, Size: 3, Root: tlog.RecordHash([]byte("r"))}.Text()}, cosigner, asLog)
	if err != nil {
		t.Fatal(err)
	}
	n := &withPolicy{policy: policy(key("a"))}
	n.certify = func(context.Context, certificate.Request) (*certificate.Certificate, error) {
		c := &certificate.Certificate{Issued: "2026-11-22T08:00:00.000Z"}
		c.Proof.Checkpoint = string(checkpoint)
		return c, nil
	}
	api := New(n, Options{})
	body, _, err := ask(api, auth.Read, "POST", "/v1/certificates?format=tar&at=newest", `{"prefix":""}`)
	if err != nil || !bytes.Contains([]byte(body), n.policy) {
		t.Fatalf("%d bytes, %v", len(body), err)
	}
	n.policy = policy(key("b"))
	_, _, err = ask(api, auth.Read, "POST", "/v1/certificates?format=tar&at=newest", `{"prefix":""}`)
	wantError(t, "with the policy of others", err, http.StatusServiceUnavailable, "not_ready", time.Second)
	if api.turns.taken != 0 {
		t.Error("its turn was not given back")
	}
}
