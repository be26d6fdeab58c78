package cert

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

const (
	caCert = "ca.pem"
	caKey  = "ca.key"

	pemCert = "CERTIFICATE"
	pemKey  = "PRIVATE KEY"

	day  = 24 * time.Hour
	skew = time.Hour // by how much a node's clock may be behind the one here
)

// CreateCA makes a CA in a directory, which it creates. It returns the path of its certificate.
func CreateCA(dir, name string, days int) (string, error) {
	template, err := newTemplate(name, days)
	if err != nil {
		return "", err
	}
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", fmt.Errorf("cert: key of the CA: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		return "", fmt.Errorf("cert: certificate of the CA: %w", err)
	}
	path := filepath.Join(dir, caCert)
	return path, writePair(path, filepath.Join(dir, caKey), der, key)
}

// authority is a CA with its key.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
	pem  []byte
}

// openCA reads what CreateCA wrote.
func openCA(dir string) (*authority, error) {
	certPath, keyPath := filepath.Join(dir, caCert), filepath.Join(dir, caKey)
	b, err := os.ReadFile(certPath)
	if err != nil {
		return nil, fmt.Errorf("cert: CA: %w: `gapless cert ca --out %s` makes one", err, dir)
	}
	der, err := decode(certPath, pemCert, b)
	if err != nil {
		return nil, err
	}
	ca := &authority{pem: b}
	if ca.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("cert: %s: %w", certPath, err)
	}
	if b, err = os.ReadFile(keyPath); err != nil {
		return nil, fmt.Errorf("cert: key of the CA: %w", err)
	}
	if der, err = decode(keyPath, pemKey, b); err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("cert: %s: %w", keyPath, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok || !samePublic(signer.Public(), ca.cert.PublicKey) {
		return nil, fmt.Errorf("cert: %s is not the key of %s", keyPath, certPath)
	}
	ca.key = signer
	return ca, nil
}

func samePublic(a, b crypto.PublicKey) bool {
	known, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && known.Equal(b)
}

func decode(path, kind string, b []byte) ([]byte, error) {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("cert: %s has no PEM block of type %q", path, kind)
	}
	return block.Bytes, nil
}

// newTemplate is what a CA's and a node's certificate have in common.
func newTemplate(name string, days int) (*x509.Certificate, error) {
	if days < 1 {
		return nil, fmt.Errorf("cert: %d days: give at least 1", days)
	}
	if name == "" {
		return nil, errors.New("cert: give a name")
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("cert: serial number: %w", err)
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-skew), NotAfter: now.Add(time.Duration(days) * day),
	}, nil
}

// holds reports whether a file of certificates has this one in it.
func holds(b []byte, cert *x509.Certificate) bool {
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			return false
		}
		if bytes.Equal(block.Bytes, cert.Raw) {
			return true
		}
	}
}
