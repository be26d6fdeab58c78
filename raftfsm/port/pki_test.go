package port

import (
	"crypto/x509"
	"os"
	"testing"

	"github.com/gaplessdb/gapless/tests/pki"
)

// authority signs certificates for tests.
type authority struct{ *pki.Authority }

func newAuthority(t testing.TB) authority { return authority{pki.New(t)} }

// equip writes a node's files into a new directory.
func (a authority) equip(t testing.TB, node string, more ...func(*x509.Certificate)) *TLS {
	t.Helper()
	cert, key, ca := a.Equip(t, node, more...)
	return &TLS{cert, key, ca}
}

// replace puts a whole file in the place of another.
func replace(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func with(files *TLS) func(*Options) { return func(o *Options) { o.TLS = files } }
