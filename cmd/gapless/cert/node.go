package cert

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Files are what a node is configured with.
type Files struct {
	Cert    string    // cluster_cert
	Key     string    // cluster_key
	CA      string    // cluster_ca
	Expires time.Time // of the certificate
}

// CreateNode makes the certificate of a node with the CA in caDir, in a directory that it creates and where it puts the CA's
// certificate too. hosts are further names for it: IP addresses, or domain names with a dot.
func CreateNode(caDir, dir, node string, hosts []string, days int) (Files, error) {
	if node == "" || len(node) > 64 || strings.Trim(node, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return Files{}, fmt.Errorf("cert: node %q: give its name as in the setting `node`: 1 to 64 characters from a-z, 0-9 and '-'", node)
	}
	ca, err := openCA(caDir)
	if err != nil {
		return Files{}, err
	}
	template, err := newTemplate(node, days)
	if err != nil {
		return Files{}, err
	}
	if template.NotAfter.After(ca.cert.NotAfter) {
		return Files{}, fmt.Errorf("cert: a certificate for %d days would outlive its CA, which expires on %s: give fewer --days, or make a new CA",
			days, ca.cert.NotAfter.Format(time.DateOnly))
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	if err := addNames(template, node, hosts); err != nil {
		return Files{}, err
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Files{}, fmt.Errorf("cert: key of %s: %w", node, err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, public, ca.key)
	if err != nil {
		return Files{}, fmt.Errorf("cert: certificate of %s: %w", node, err)
	}
	files := Files{
		Cert: filepath.Join(dir, node+".pem"), Key: filepath.Join(dir, node+".key"), CA: filepath.Join(dir, caCert), Expires: template.NotAfter,
	}
	lacking, err := lacksCA(files.CA, ca)
	if err != nil {
		return Files{}, err
	}
	if err := writePair(files.Cert, files.Key, der, key); err != nil {
		return Files{}, err
	}
	if lacking {
		err = writeNew(files.CA, ca.pem, certMode)
	}
	return files, err
}

// addNames puts the node's name and its hosts into a certificate. A host without a dot could be the name of another node, for which
// the certificate would then pass.
func addNames(template *x509.Certificate, node string, hosts []string) error {
	template.DNSNames = []string{node}
	for _, host := range hosts {
		switch ip := net.ParseIP(host); {
		case ip != nil:
			template.IPAddresses = append(template.IPAddresses, ip)
		case host == node:
		case strings.Contains(strings.Trim(host, "."), "."):
			template.DNSNames = append(template.DNSNames, host)
		default:
			return fmt.Errorf("cert: host %q could be the name of another node: give an IP address or a domain name with a dot", host)
		}
	}
	return nil
}

// lacksCA reports whether the CA's certificate is still to be put beside the node's. Where another one is, the node would not know its own.
func lacksCA(path string, ca *authority) (bool, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("cert: CA beside the certificate: %w", err)
	}
	if !holds(b, ca.cert) {
		return false, fmt.Errorf("cert: %s has another CA than the one that signs: while nodes change from one to the other it must have both", path)
	}
	return false, nil
}
