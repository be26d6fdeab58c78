package port

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// traffic dials in both directions, again and again until its end, and reports what failed.
func traffic(t *testing.T, a, b *Port) (calls func() int, end func()) {
	stop := make(chan struct{})
	var mu sync.Mutex
	var wg sync.WaitGroup
	n := 0
	for _, way := range [][2]*Port{{a, b}, {b, a}} {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				conn, err := way[0].dial(deadline(t), at(way[1]), forCalls)
				if err != nil {
					t.Errorf("during the change: %v", err)
					return
				}
				conn.Close()
				mu.Lock()
				n++
				mu.Unlock()
			}
		})
	}
	end = sync.OnceFunc(func() { close(stop); wg.Wait() })
	t.Cleanup(end)
	return func() int { mu.Lock(); defer mu.Unlock(); return n }, end
}

// Certificates and then the CA are replaced while nodes connect to each other all the time. Nothing fails, and at the end the old CA's
// certificates are refused.
func TestRotationDuringTraffic(t *testing.T) {
	old, fresh := newAuthority(t), newAuthority(t)
	files := map[string]*TLS{"n1": old.equip(t, "n1"), "n2": old.equip(t, "n2")}
	a, b := listen(t, "c", "n1.a", with(files["n1"])), listen(t, "c", "n2.b", with(files["n2"]))
	left := listen(t, "c", "n3.c", with(old.equip(t, "n3")))
	calls, end := traffic(t, a, b)
	more := func() {
		was := calls()
		eventually(t, "no call succeeds any more", func() bool { return calls() > was+4 || t.Failed() })
	}
	step := func(change func(node string, f *TLS)) {
		for node, f := range files {
			change(node, f)
			more()
		}
	}
	more()
	for range 3 { // new certificates, key first and certificate first: the pair does not fit in between
		step(func(node string, f *TLS) {
			cert, key := old.Issue(t, node)
			replace(t, f.KeyFile, key)
			more()
			replace(t, f.CertFile, cert)
		})
		step(func(node string, f *TLS) {
			cert, key := old.Issue(t, node)
			replace(t, f.CertFile, cert)
			more()
			replace(t, f.KeyFile, key)
		})
	}
	step(func(_ string, f *TLS) { replace(t, f.CAFile, append(old.PEM(), fresh.PEM()...)) })
	step(func(node string, f *TLS) {
		cert, key := fresh.Issue(t, node)
		replace(t, f.CertFile, cert)
		more()
		replace(t, f.KeyFile, key)
	})
	step(func(_ string, f *TLS) { replace(t, f.CAFile, fresh.PEM()) })
	end()

	for _, p := range []*Port{a, b} {
		p.creds.get()
		if reloads, failures := testutil.ToFloat64(p.creds.reloads), testutil.ToFloat64(p.creds.failures); reloads != 9 || failures != 7 {
			t.Errorf("%s: %v reloads and %v failures, want 9 and 7", p.opt.Server, reloads, failures)
		}
	}
	if _, err := left.Call(t.Context(), at(a), 5, nil); !errors.Is(err, BadCertificate) {
		t.Errorf("a node with a certificate of the old CA: %v, want BadCertificate", err)
	}
}

// Broken new files leave the old ones in force, and are reported once.
func TestBrokenReload(t *testing.T) {
	ca := newAuthority(t)
	var log journal
	files := ca.equip(t, "n1")
	a := listen(t, "c", "n1.a", with(files), func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	b := listen(t, "c", "n2.b", with(ca.equip(t, "n2")))
	c := a.creds
	dial := func() {
		t.Helper()
		conn, err := a.dial(deadline(t), at(b), forCalls)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	for i, breakIt := range []func(){
		func() { replace(t, files.CertFile, []byte("nonsense")) },
		func() { os.Remove(files.CertFile) },
		func() { cert, _ := ca.Issue(t, "n9"); replace(t, files.CertFile, cert) },
		func() { os.Remove(files.CAFile) },
	} {
		breakIt()
		for range 3 {
			dial()
		}
		if n := testutil.ToFloat64(c.failures); n != float64(i+1) {
			t.Errorf("after %d broken changes %v failures are counted", i+1, n)
		}
	}
	if n := strings.Count(log.String(), "old one stays in force"); n != 4 {
		t.Errorf("%d log lines about 4 broken changes:\n%s", n, &log)
	}
	good := ca.equip(t, "n1")
	for from, to := range map[string]string{good.CertFile: files.CertFile, good.KeyFile: files.KeyFile, good.CAFile: files.CAFile} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	dial()
	if n := testutil.ToFloat64(c.reloads); n != 1 {
		t.Errorf("%v reloads after the files were mended, want 1", n)
	}
}

// Files that are written in place, or swapped by a link to their directory, count as changed too.
func TestChangesAreSeen(t *testing.T) {
	ca := newAuthority(t)
	dir := t.TempDir()
	first, second := filepath.Dir(ca.equip(t, "n1").CertFile), filepath.Dir(ca.equip(t, "n1").CertFile)
	link := filepath.Join(dir, "now")
	if err := os.Symlink(first, link); err != nil {
		t.Fatal(err)
	}
	files := TLS{filepath.Join(link, "node.pem"), filepath.Join(link, "node.key"), filepath.Join(link, "ca.pem")}
	c, err := newCredentials(files, "n1", slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	before := c.get()
	if c.get() != before {
		t.Error("unchanged files were read again")
	}
	if err := os.Symlink(second, link+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link+".new", link); err != nil {
		t.Fatal(err)
	}
	swapped := c.get()
	if swapped == before {
		t.Error("a swapped link was not seen")
	}
	if err := os.WriteFile(filepath.Join(second, "ca.pem"), append(ca.PEM(), '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if c.get() == swapped {
		t.Error("a file written in place was not seen")
	}
}
