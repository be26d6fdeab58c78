package kill

import (
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/cluster"
)

// TestEncryptedCluster runs a cluster whose port speaks TLS, kills its leader under load, and shows that a node without a certificate of
// the cluster's authority gets no answer.
func TestEncryptedCluster(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP(encrypted-cluster): -short")
	}
	dir := t.TempDir()
	gapless := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(cluster.Binary(t), args...).CombinedOutput(); err != nil {
			t.Fatalf("gapless %v: %v\n%s", args, err, out)
		}
	}
	gapless("cert", "ca", "--out", filepath.Join(dir, "ca"))
	c := cluster.StartEach(t, 3, func(node string) []string {
		own := filepath.Join(dir, node)
		if files, _ := filepath.Glob(filepath.Join(own, "*.pem")); len(files) == 0 {
			gapless("cert", "node", node, "--ca", filepath.Join(dir, "ca"), "--out", own)
		}
		return []string{
			"--cluster-cert", filepath.Join(own, node+".pem"), "--cluster-key", filepath.Join(own, node+".key"), "--cluster-ca", filepath.Join(own, "ca.pem"),
		}
	})
	l, list, wait := start(c, 1)
	leader := c.Leader()
	l.kill(func() { c.Kill(leader) })
	cluster.Eventually(t, recoveryWait, func() bool { return l.acked.Load() > 2000 }, func() string { return "no progress after the leader was killed" })
	c.Run(leader)
	c.WaitReady(leader, recoveryWait)
	l.stop.Store(true)
	if err := wait(); err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		check(t, leader, s)
	}
	if answer := greetPlain(t, leader.Raft()); answer != "" {
		t.Errorf("a plaintext hello was answered with %q", answer)
	}
}

// greetPlain sends what a node without encryption would, and returns what was answered before the connection ended.
func greetPlain(t *testing.T, addr string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprint(conn, "GPRT\x02\x02\x00\x04test")
	b := make([]byte, 64)
	n, _ := conn.Read(b)
	if n > 0 && b[0] == 0x15 { // a TLS alert
		return ""
	}
	return string(b[:n])
}
