package certificate_test

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/gaplessdb/gapless/proof/certificate"
)

// TestNullIsNoList: a certificate has one encoding, and a list without members is [] there.
func TestNullIsNoList(t *testing.T) {
	b, err := os.ReadFile("../verify/testdata/v1/certificate.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := certificate.Parse(b); err != nil {
		t.Fatal(err)
	}
	empty := []byte(`:[]`)
	if !bytes.Contains(b, empty) {
		t.Fatal("the golden certificate has no empty list")
	}
	if _, err := certificate.Parse(bytes.Replace(b, empty, []byte(`:null`), 1)); !errors.Is(err, certificate.ErrForm) {
		t.Errorf("null in the place of an empty list: %v", err)
	}
}
