package port

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func TestEncryptedPort(t *testing.T) {
	ca := newAuthority(t)
	a, b := listen(t, "c", "n1.a", with(ca.equip(t, "n1"))), listen(t, "c", "n2.b", with(ca.equip(t, "n2")))
	for range 3 {
		if out, err := a.Call(t.Context(), at(b), 5, []byte("hello")); err != nil || string(out) != "\x05hello" {
			t.Fatalf("got %q, %v", out, err)
		}
	}
	checkReuse(t, a, b)
	if _, err := a.Call(t.Context(), b.Addr().String(), OpStatus, nil); err != nil {
		t.Errorf("status of whoever listens: %v", err)
	}
	conn, err := a.Raft().Dial(raft.ServerAddress(at(b)), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	far, err := b.Raft().Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	go conn.Write(make([]byte, 1<<20))
	if _, err := io.ReadFull(far, make([]byte, 1<<20)); err != nil {
		t.Error(err)
	}
	if state := conn.(secured).ConnectionState(); state.Version != tls.VersionTLS13 || state.DidResume {
		t.Errorf("TLS version %x, resumed %v", state.Version, state.DidResume)
	}
	b.Close()
	var notSent *NotSentError
	if _, err := a.Call(t.Context(), at(b), 5, nil); !errors.As(err, &notSent) {
		t.Errorf("a call to a node that is gone: %v, want NotSentError", err)
	}
}

// A node that has stopped takes nothing any more, not even a farewell.
func TestCloseDoesNotWaitForAStoppedNode(t *testing.T) {
	ca := newAuthority(t)
	a, b := listen(t, "c", "n1.a", with(ca.equip(t, "n1"))), listen(t, "c", "n2.b", with(ca.equip(t, "n2")))
	conn, err := a.Raft().Dial(raft.ServerAddress(at(b)), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	far, err := b.Raft().Accept() // and nobody reads from it
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	raw := conn.(secured).NetConn()
	for written := 1; written > 0; { // until not a byte more goes in
		if err := raw.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		written, _ = raw.Write(make([]byte, 1<<20))
	}
	start := time.Now()
	conn.Close()
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("closing took %v", took)
	}
}

// A hello is refused over TLS as it is without.
func TestRefusalsOverTLS(t *testing.T) {
	ca := newAuthority(t)
	p := listen(t, "ours", "n1.a", with(ca.equip(t, "n1")))
	q := listen(t, "theirs", "n2.b", with(ca.equip(t, "n2")))
	_, err := q.Call(t.Context(), at(p), 5, nil)
	checkRefusal(t, err, OtherCluster)
	r := listen(t, "ours", "n2.b", with(ca.equip(t, "n2")))
	_, err = r.Call(t.Context(), JoinAddress("n1.old", p.Addr().String()), 5, nil)
	checkRefusal(t, err, OtherTarget, `"n1.a"`)
	counted(t, p, map[string]int{"cluster": 1, "target": 1})
}

// A node is who its certificate says, on both sides.
func TestCertificateNamesTheNode(t *testing.T) {
	ca := newAuthority(t)
	p := listen(t, "c", "n1.a", with(ca.equip(t, "n1")))
	liar := listen(t, "c", "n3.c", with(ca.equip(t, "n3")))
	liar.opt.Server = "n2.b"
	_, err := liar.Call(t.Context(), at(p), 5, nil)
	checkRefusal(t, err, OtherName, "[n3]", `"n2.b"`)
	counted(t, p, map[string]int{"name": 1})

	_, err = p.Call(t.Context(), JoinAddress("n2.b", liar.Addr().String()), 5, nil)
	checkRefusal(t, err, OtherName, "[n3]", `"n2"`)
	if err.(*NotSentError).Err.(*RefusedError).ByUs != true {
		t.Error("the dialer must find out by itself")
	}
}

func TestOtherAuthority(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	p := listen(t, "c", "n1.a", with(ours.equip(t, "n1")))
	q := listen(t, "c", "n2.b", with(theirs.equip(t, "n2")))
	_, err := q.Call(t.Context(), at(p), 5, nil)
	checkRefusal(t, err, BadCertificate) // q does not accept p
	counted(t, p, map[string]int{"certificate": 1})

	files := theirs.equip(t, "n3")
	replace(t, files.CAFile, append(theirs.PEM(), ours.PEM()...))
	r := listen(t, "c", "n3.c", with(files))
	_, err = r.Call(t.Context(), at(p), 5, nil)
	checkRefusal(t, err, BadCertificate, "cluster_ca") // r accepts p, p not r
	counted(t, p, map[string]int{"certificate": 2})

	_, err = p.Call(t.Context(), at(r), 5, nil) // as before, but it is p that dials and must find out
	checkRefusal(t, err, BadCertificate, "is refused", "unknown authority")
	counted(t, r, map[string]int{"certificate": 1})
}

// What dials with TLS of its own making.
func TestForeignDialers(t *testing.T) {
	ca := newAuthority(t)
	roots := x509.NewCertPool()
	roots.AddCert(ca.Cert)
	pair := func(more ...func(*x509.Certificate)) []tls.Certificate {
		cert, err := tls.X509KeyPair(ca.Issue(t, "n2", more...))
		if err != nil {
			t.Fatal(err)
		}
		return []tls.Certificate{cert}
	}
	for name, config := range map[string]*tls.Config{
		"no certificate": {},
		"expired":        {Certificates: pair(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })},
		"not yet valid":  {Certificates: pair(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) })},
		"server only":    {Certificates: pair(func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[:1] })},
		"TLS 1.2":        {Certificates: pair(), MaxVersion: tls.VersionTLS12},
	} {
		t.Run(name, func(t *testing.T) {
			p := listen(t, "c", "n1.a", with(ca.equip(t, "n1")))
			config.RootCAs, config.ServerName = roots, "n1"
			conn := tls.Client(rawDial(t, p), config)
			err := conn.Handshake()
			if err == nil {
				_, err = conn.Read(make([]byte, 1))
			}
			if !isAlert(err) {
				t.Errorf("got %v, want an alert", err)
			}
			counted(t, p, map[string]int{"certificate": 1})
		})
	}
	p := listen(t, "c", "n1.a", with(ca.equip(t, "n1")))
	conn := rawDial(t, p)
	conn.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
	if b, _ := io.ReadAll(conn); len(b) > 0 {
		t.Errorf("HTTP is answered %q", b)
	}
	conn = rawDial(t, p)
	conn.Write([]byte("\x16\x03garbage that is no handshake"))
	io.ReadAll(conn)
	rawDial(t, p).Close()
	counted(t, p, map[string]int{"protocol": 3})
}

// One side encrypts, the other does not: both are told what to do.
func TestPlaintextMeetsTLS(t *testing.T) {
	ca := newAuthority(t)
	var log journal
	secure := listen(t, "c", "n1.a", with(ca.equip(t, "n1")))
	plain := listen(t, "c", "n2.b", func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })

	_, err := plain.Call(t.Context(), at(secure), 5, nil)
	checkRefusal(t, err, WantsTLS, "give the dialing node cluster_cert")
	counted(t, secure, map[string]int{"plaintext": 1})

	_, err = secure.Call(t.Context(), at(plain), 5, nil)
	checkRefusal(t, err, WantsPlaintext, "give the listening node cluster_cert")
	counted(t, plain, map[string]int{"tls": 1})
	plain.Close()
	if !strings.Contains(log.String(), "reason=tls") || !strings.Contains(log.String(), "the port is not encrypted and the dialer is") {
		t.Errorf("the log does not tell of TLS at a plaintext port:\n%s", &log)
	}

	conn := rawDial(t, secure) // version 1 reads the first byte of an answer
	conn.Write([]byte("GPRT\x01\x02\x00\x01c"))
	if answer, err := io.ReadAll(conn); err != nil || len(answer) == 0 || answer[0] != byte(WantsTLS) {
		t.Errorf("a plaintext dialer of version 1 is answered %q, %v", answer, err)
	}
	if _, err := secure.Call(t.Context(), JoinAddress("n3.c", oldListener(t)), 5, nil); err == nil || !strings.Contains(err.Error(), "is its port encrypted?") {
		t.Errorf("TLS to a plaintext port of version 1: %v", err)
	}
}

// A port that the others would refuse does not open.
func TestBadFiles(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	change := func(f func(*x509.Certificate)) func() *TLS { return func() *TLS { return ca.equip(t, "n1", f) } }
	damaged := func(f func(*TLS)) func() *TLS {
		return func() *TLS { files := ca.equip(t, "n1"); f(files); return files }
	}
	for name, tc := range map[string]struct {
		files func() *TLS
		says  string
	}{
		"no key":      {damaged(func(f *TLS) { os.Remove(f.KeyFile) }), "node.key"},
		"other key":   {damaged(func(f *TLS) { _, key := ca.Issue(t, "n1"); replace(t, f.KeyFile, key) }), "does not match"},
		"no CA":       {damaged(func(f *TLS) { os.Remove(f.CAFile) }), "ca.pem"},
		"empty CA":    {damaged(func(f *TLS) { replace(t, f.CAFile, []byte("# none")) }), "no certificate in it"},
		"other CA":    {damaged(func(f *TLS) { replace(t, f.CAFile, other.PEM()) }), "unknown authority"},
		"other node":  {func() *TLS { return ca.equip(t, "n2") }, `["n2"] and lack "n1"`},
		"wildcard":    {change(func(c *x509.Certificate) { c.DNSNames = []string{"*"} }), `lack "n1"`},
		"expired":     {change(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), "expired"},
		"client only": {change(func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[1:] }), "for client and server use"},
		"server only": {change(func(c *x509.Certificate) { c.ExtKeyUsage = c.ExtKeyUsage[:1] }), "for client and server use"},
		"bad chain": {damaged(func(f *TLS) {
			appendTo(t, f.CertFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}))
		}), "node.pem"},
		"nothing at all": {func() *TLS { return &TLS{} }, "certificate"},
	} {
		p, err := Listen(Options{Addr: "127.0.0.1:0", Cluster: "c", Server: "n1.a", Handler: echo, TLS: tc.files(), Logger: slog.New(slog.DiscardHandler)})
		if err == nil {
			p.Close()
			t.Errorf("%s: opened", name)
		} else if !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v\ndoes not say %s", name, err, tc.says)
		}
	}
}

func appendTo(t *testing.T, path string, b []byte) {
	t.Helper()
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, path, append(old, b...))
}

// An authority of the organisation signs one for the cluster, and this one the nodes: the node's file carries both.
func TestIntermediateAuthority(t *testing.T) {
	root := newAuthority(t)
	middle := newAuthority(t)
	der, err := x509.CreateCertificate(nil, middle.Cert, root.Cert, middle.Key.Public(), root.Key)
	if err != nil {
		t.Fatal(err)
	}
	if middle.Cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	equip := func(node string) *TLS {
		files := middle.equip(t, node)
		appendTo(t, files.CertFile, middle.PEM())
		replace(t, files.CAFile, root.PEM())
		return files
	}
	a, b := listen(t, "c", "n1.a", with(equip("n1"))), listen(t, "c", "n2.b", with(equip("n2")))
	if _, err := a.Call(t.Context(), at(b), 5, nil); err != nil {
		t.Error(err)
	}
}
