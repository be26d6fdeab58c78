package certificate_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"testing"

	"github.com/gaplessdb/gapless/proof/certificate"
)

// plain is a certificate as encoding/json writes it.
func plain(t *testing.T, c *certificate.Certificate) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(c); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestWriteToIsTheEncoding: what is written piece by piece is what encoding/json makes of the whole, and what is signed its beginning.
func TestWriteToIsTheEncoding(t *testing.T) {
	w := mill(t)
	prefix, label := "", "hall=<3> & \"4\"\u2028"
	all := w.Certify(certificate.Request{Scope: certificate.Scope{Tenant: "default", Prefix: &prefix}, Since: []int64{1, 2}})
	odd := *all
	odd.Scope.Match, odd.Origin, odd.Uncertain = []string{label}, "gapless/\x01\t<>", []certificate.Uncertain{{Node: "n\\"}}
	for name, c := range map[string]*certificate.Certificate{
		"all": all, "one device": w.Certify(devices("mill-07")), "nobody": w.Certify(devices("nobody")), "odd names": &odd, "nothing": {},
	} {
		want := plain(t, c)
		var b bytes.Buffer
		n, err := c.WriteTo(&b)
		if err != nil || n != int64(len(want)) || !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%s: %d bytes, %v:\n%s\nwant\n%s", name, n, err, b.Bytes(), want)
		}
		sum, err := c.Sum()
		if signed := want[:bytes.LastIndex(want, []byte(`,"issuer":"`))]; err != nil || sum != sha256.Sum256(signed) {
			t.Errorf("%s: the sum is not that of what stands before the issuer: %v", name, err)
		}
	}
}

// failing takes so many bytes.
type failing struct{ left int }

var errFull = errors.New("no space")

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestWriteToSaysWhatFailed(t *testing.T) {
	c := mill(t).Certify(devices("mill-07"))
	for left := range len(plain(t, c)) {
		if _, err := c.WriteTo(&failing{left}); !errors.Is(err, errFull) {
			t.Fatalf("room for %d bytes: %v", left, err)
		}
	}
}
