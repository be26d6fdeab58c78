package port

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// TLS names the PEM files with which a port proves who its node is and knows the others. They are read again when they change.
type TLS struct {
	CertFile string // the node's certificate, with the node's name among its DNS names, and intermediate ones after it
	KeyFile  string // its private key
	CAFile   string // who may sign: several certificates while one takes over from another
}

// material is what one reading of the files gave.
type material struct {
	cert    tls.Certificate
	roots   *x509.CertPool
	expires time.Time // of the certificate, or of the first above it
}

// load reads the files and makes sure that the other nodes will accept what is in them.
func load(files TLS, node string) (*material, error) {
	cert, err := tls.LoadX509KeyPair(files.CertFile, files.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("port: certificate %s with key %s: %w", files.CertFile, files.KeyFile, err)
	}
	pem, err := os.ReadFile(files.CAFile)
	if err != nil {
		return nil, fmt.Errorf("port: CA: %w", err)
	}
	m := &material{cert: cert, roots: x509.NewCertPool()}
	if !m.roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("port: CA %s: no certificate in it", files.CAFile)
	}
	if !slices.Contains(cert.Leaf.DNSNames, node) {
		return nil, fmt.Errorf("port: certificate %s: %w: its DNS names are %q and lack %q: %s", files.CertFile, OtherName, cert.Leaf.DNSNames, node, OtherName.Hint())
	}
	chain := []*x509.Certificate{cert.Leaf}
	for _, der := range cert.Certificate[1:] {
		above, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("port: certificate %s: %w", files.CertFile, err)
		}
		chain = append(chain, above)
	}
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if m.expires, err = verify(chain, m.roots, usage); err != nil {
			return nil, fmt.Errorf("port: certificate %s, CA %s: %w: %s", files.CertFile, files.CAFile, err, BadCertificate.Hint())
		}
	}
	return m, nil
}

// verify checks that chain[0] leads to a root, and returns when the first certificate on the way expires.
func verify(chain []*x509.Certificate, roots *x509.CertPool, usage x509.ExtKeyUsage) (expires time.Time, err error) {
	if len(chain) == 0 {
		return time.Time{}, errors.New("no certificate")
	}
	between := x509.NewCertPool()
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	ways, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{usage}})
	if err != nil {
		return time.Time{}, err
	}
	for _, way := range ways {
		first := way[0].NotAfter
		for _, cert := range way[1:] {
			if cert.NotAfter.Before(first) {
				first = cert.NotAfter
			}
		}
		if first.After(expires) {
			expires = first
		}
	}
	return expires, nil
}

// config is what both sides have in common. Sessions are not resumed: each handshake meets the certificates and CA of its day.
func (m *material) config() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{m.cert}, MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true}
}

func (m *material) server() *tls.Config {
	c := m.config()
	c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, m.roots
	return c
}

// client makes the configuration for dialing a server, "" for any. crypto/tls would compare the host that was dialed, and take a
// wildcard for an answer; ours compares the node's name, letter by letter.
func (m *material) client(host, target string) *tls.Config {
	c := m.config()
	c.InsecureSkipVerify = true // VerifyConnection does it
	c.VerifyConnection = func(cs tls.ConnectionState) error {
		if _, err := verify(cs.PeerCertificates, m.roots, x509.ExtKeyUsageServerAuth); err != nil {
			return &RefusedError{Reason: BadCertificate, Remote: host, ByUs: true, Err: err}
		}
		if names := cs.PeerCertificates[0].DNSNames; target != "" && !slices.Contains(names, nodeOf(target)) {
			return &RefusedError{Reason: OtherName, Remote: host, ByUs: true, Here: fmt.Sprint(names), Asked: nodeOf(target)}
		}
		return nil
	}
	return c
}

// secured closes without TLS's farewell, which can wait for seconds on a node that has stopped reading. Every message on the port has
// its length, so that a cut one is not taken for a whole one.
type secured struct{ *tls.Conn }

func (c secured) Close() error { return c.NetConn().Close() }
