package cert

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/raftfsm/port"
)

func newCA(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ca")
	if _, err := CreateCA(dir, "test", 100); err != nil {
		t.Fatal(err)
	}
	return dir
}

func newNode(t *testing.T, ca, node string) Files {
	t.Helper()
	files, err := CreateNode(ca, filepath.Join(t.TempDir(), node), node, nil, 10)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func open(t *testing.T, server string, files Files) *port.Port {
	t.Helper()
	p, err := port.Listen(port.Options{
		Addr: "127.0.0.1:0", Cluster: "c", Server: server, TLS: &port.TLS{CertFile: files.Cert, KeyFile: files.Key, CAFile: files.CA},
		Handler: func(_ context.Context, _ byte, payload []byte) ([]byte, error) { return payload, nil }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// What this package makes is what the cluster port wants: nodes of one CA accept each other, and nobody of another one.
func TestPortsAcceptEachOther(t *testing.T) {
	ca := newCA(t)
	longest := strings.Repeat("n", 63) + "-"
	ports := map[string]*port.Port{}
	for _, node := range []string{"n1", "-2-", longest} {
		ports[node] = open(t, node+".aa", newNode(t, ca, node))
	}
	stranger := open(t, "n1.bb", newNode(t, newCA(t), "n1"))
	for from, p := range ports {
		for to, q := range ports {
			if from == to {
				continue
			}
			addr := port.JoinAddress(to+".aa", q.Addr().String())
			if out, err := p.Call(t.Context(), addr, 7, []byte("x")); err != nil || string(out) != "x" {
				t.Errorf("%s calls %s: %q, %v", from, to, out, err)
			}
			if _, err := stranger.Call(t.Context(), addr, 7, nil); !errors.Is(err, port.BadCertificate) {
				t.Errorf("a node with a certificate of another CA calls %s: %v, want BadCertificate", to, err)
			}
		}
	}
}

func TestCertificateSaysWhatWasAsked(t *testing.T) {
	ca := newCA(t)
	files, err := CreateNode(ca, t.TempDir(), "n1", []string{"10.0.0.1", "n1.plant.example", "n1", "::1"}, 10)
	if err != nil {
		t.Fatal(err)
	}
	cert := parse(t, files.Cert)
	if !slices.Equal(cert.DNSNames, []string{"n1", "n1.plant.example"}) || len(cert.IPAddresses) != 2 {
		t.Errorf("names %v, %v", cert.DNSNames, cert.IPAddresses)
	}
	for path, days := range map[string]int{files.Cert: 10, filepath.Join(ca, caCert): 100} {
		if left := time.Until(parse(t, path).NotAfter); left > time.Duration(days)*day || left < time.Duration(days)*day-time.Minute {
			t.Errorf("%s lasts %v, want %d days", path, left, days)
		}
	}
	if !files.Expires.Truncate(time.Second).Equal(cert.NotAfter) {
		t.Errorf("said to expire %v, expires %v", files.Expires, cert.NotAfter)
	}
	if a, b := parse(t, newNode(t, ca, "n1").Cert), cert; a.SerialNumber.Cmp(b.SerialNumber) == 0 {
		t.Error("two certificates have one serial number")
	}
}

func parse(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		t.Fatalf("%s is no PEM", path)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestKeysAreTheOwnersAlone(t *testing.T) {
	ca := newCA(t)
	files := newNode(t, ca, "n1")
	for path, want := range map[string]fs.FileMode{
		files.Key: 0o600, filepath.Join(ca, caKey): 0o600, filepath.Dir(files.Key): fs.ModeDir | 0o700, ca: fs.ModeDir | 0o700,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: mode %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}

// Nothing that exists is written over, and a refused command leaves nothing behind.
func TestNothingIsOverwritten(t *testing.T) {
	ca := newCA(t)
	dir := t.TempDir()
	for _, name := range []string{"n1.pem", "n2.key", "n3.pem"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, node := range []string{"n1", "n2", "n3"} {
		if _, err := CreateNode(ca, dir, node, nil, 10); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v, want that it exists", node, err)
		}
	}
	before, err := os.ReadFile(filepath.Join(ca, caKey))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CreateCA(ca, "test", 100); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a CA over another: %v", err)
	}
	if after, err := os.ReadFile(filepath.Join(ca, caKey)); err != nil || string(after) != string(before) {
		t.Error("the CA's key changed")
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) != 3 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

func TestRefusedNodes(t *testing.T) {
	ca, other := newCA(t), newCA(t)
	mixed := t.TempDir()
	for from, name := range map[string]string{ca: caCert, other: caKey} {
		if err := os.Rename(copyOf(t, filepath.Join(from, name)), filepath.Join(mixed, name)); err != nil {
			t.Fatal(err)
		}
	}
	swapped := t.TempDir()
	if err := os.Rename(copyOf(t, filepath.Join(ca, caKey)), filepath.Join(swapped, caCert)); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		ca, node string
		hosts    []string
		days     int
		says     string
	}{
		"no name":          {ca, "", nil, 10, "give its name"},
		"dots":             {ca, "n1.plant", nil, 10, "give its name"},
		"long name":        {ca, strings.Repeat("n", 65), nil, 10, "give its name"},
		"another's name":   {ca, "n1", []string{"n2"}, 10, "another node"},
		"another's, root":  {ca, "n1", []string{"n2."}, 10, "another node"},
		"no days":          {ca, "n1", nil, 0, "at least 1"},
		"outlives the CA":  {ca, "n1", nil, 101, "outlive"},
		"no CA":            {t.TempDir(), "n1", nil, 10, "gapless cert ca"},
		"another CA's key": {mixed, "n1", nil, 10, "is not the key of"},
		"key for CA":       {swapped, "n1", nil, 10, `"CERTIFICATE"`},
	} {
		dir := t.TempDir()
		if _, err := CreateNode(tc.ca, dir, tc.node, tc.hosts, tc.days); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v, want an error that says %q", name, err, tc.says)
		}
		if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
			t.Errorf("%s: left behind %v, %v", name, names, err)
		}
	}
}

func copyOf(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

// The CA's certificate comes along, once; a bundle that has it is left alone, another CA is not passed over.
func TestCAComesAlong(t *testing.T) {
	ca, other := newCA(t), newCA(t)
	dir := t.TempDir()
	for _, node := range []string{"n1", "n2"} {
		if _, err := CreateNode(ca, dir, node, nil, 10); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := CreateNode(other, dir, "n3", nil, 10); err == nil || !strings.Contains(err.Error(), "another CA") {
		t.Errorf("beside another CA's certificate: %v", err)
	}
	if names, err := filepath.Glob(filepath.Join(dir, "n3.*")); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
	both, err := os.ReadFile(filepath.Join(dir, caCert))
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := os.ReadFile(filepath.Join(other, caCert))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, caCert), append(both, fresh...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := CreateNode(other, dir, "n4", nil, 10); err != nil {
		t.Errorf("beside a bundle with its CA: %v", err)
	}
}
