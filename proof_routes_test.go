package gapless

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/record"
)

// TestDifferencesNameNoOtherTenant: what differs is shown to its tenant and to operators, to others only that something does.
func TestDifferencesNameNoOtherTenant(t *testing.T) {
	shown := func(tenant string, scopes auth.Scopes) proof.Difference {
		key := leaves.Key{StreamKey: frame.StreamKey{Tenant: "theirs", Device: "secret", Stream: "0"}, Epoch: 1}
		st := proof.Status{Differences: []proof.Difference{{Ordinal: 7, Want: "w", Got: "g", Key: key, Stream: key.String(), What: "leaf 1, " + key.String()}}}
		return proofShownTo(auth.Principal{Tenant: tenant, Scopes: scopes}, st).Differences[0]
	}
	if d := shown("mine", auth.Read|auth.Write); d.Ordinal != 7 || d.Stream != "" || d.What != "" {
		t.Errorf("another tenant is shown %+v", d)
	}
	for tenant, scopes := range map[string]auth.Scopes{"theirs": auth.Read, "mine": auth.Read | auth.Admin} {
		if d := shown(tenant, scopes); !strings.Contains(d.Stream, "secret") || !strings.Contains(d.What, "secret") {
			t.Errorf("%s with %s is shown %+v", tenant, scopes, d)
		}
	}
}

// keysAt is what a node says of keys.
func keysAt(t *testing.T, n *Node, method, path string) (a keysAnswer) {
	t.Helper()
	code, body := send(t, n, method, path, "")
	if err := json.Unmarshal([]byte(body), &a); code != http.StatusOK || err != nil {
		t.Fatalf("%s: %d %s %v", path, code, body, err)
	}
	return a
}

// TestRotate: from then on the node signs with another key, the log says who wanted that, the old one is gone from the disk, and a start does not bring it back.
func TestRotate(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	c.keysKnown()
	first := c.seal(c.nodes[0])
	before := keysAt(t, c.nodes[1], "GET", "/v1/proof/keys")
	rotated := keysAt(t, c.nodes[1], "POST", "/v1/proof/keys/rotate")
	if rotated.Node != "n2" || rotated.VKey == before.VKey || len(before.Keys) != 3 {
		t.Fatalf("before %+v, rotated %+v", before, rotated)
	}
	var now keysAnswer
	eventually(t, func() bool { now = keysAt(t, c.nodes[0], "GET", "/v1/proof/keys"); return len(now.Keys) == 4 }, func() string { return fmt.Sprintf("%+v", now) })
	if k := now.Keys[3]; k.Node != "n2" || k.VKey != rotated.VKey || k.Until != 0 {
		t.Errorf("the new key is %+v", k)
	}
	var said record.Key
	err := c.nodes[0].logRecords(t.Context(), now.Keys[3].Since-1, 1, func(_ int64, data []byte) error { return json.Unmarshal(data, &said) })
	if err != nil || said.Type != record.TypeKey || said.VKey != rotated.VKey || said.Replaces != before.VKey || said.By != "anonymous" {
		t.Errorf("the log says %+v, %v", said, err)
	}
	old := now.Keys[slices.IndexFunc(now.Keys, func(k proof.Key) bool { return k.VKey == before.VKey })]
	if old.Until != now.Keys[3].Since || old.Node != "n2" {
		t.Errorf("the old key is %+v, the new one %+v", old, now.Keys[3])
	}
	var files []string
	eventually(t, func() bool {
		files = keyFiles(t, c.cfgs[1].Data)
		return slices.Equal(files, []string{"proof-2.key"})
	}, func() string { return fmt.Sprintf("key files %v", files) })
	c.stop(1)
	n := c.start(1)
	c.ready(n)
	if again := keysAt(t, n, "GET", "/v1/proof/keys"); again.VKey != rotated.VKey {
		t.Errorf("after a start it signs with %s, want %s", again.VKey, rotated.VKey)
	}
	second := c.seal(c.nodes[0])
	if second.Sealed != 2 || second.Checkpoint.Records <= first.Checkpoint.Records {
		t.Errorf("after the rotation: %+v", second)
	}
	eventually(t, func() bool { return len(proofAt(t, n).Checkpoint.Signers) == 3 }, func() string { return fmt.Sprintf("%+v", proofAt(t, n)) })
	if stat, err := os.Stat(filepath.Join(c.cfgs[1].Data, "proof-2.key")); err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v %v", stat, err)
	}
}

// TestDamagedKeyIsListed: a node whose key file is damaged lists the keys of the log and says what is wrong, until somebody puts the file back.
func TestDamagedKeyIsListed(t *testing.T) {
	c := newTestCluster(t, 1)
	c.cfgs[0].Peers = nil
	c.startAll()
	c.keysKnown()
	well := keysAt(t, c.nodes[0], "GET", "/v1/proof/keys")
	c.stop(0)
	file := filepath.Join(c.cfgs[0].Data, "proof-1.key")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b[30] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	n := c.start(0)
	c.ready(n)
	got := keysAt(t, n, "GET", "/v1/proof/keys")
	if got.VKey != "" || !strings.Contains(got.VKeyError, "proof-1.key is damaged") || !slices.Equal(got.Keys, well.Keys) || got.Origin != well.Origin {
		t.Errorf("%+v, before %+v", got, well)
	}
	b[30] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := keysAt(t, n, "GET", "/v1/proof/keys"); got.VKey != well.VKey || got.VKeyError != "" {
		t.Errorf("with its file back: %+v", got)
	}
}

// TestNoRotationBeyondTheLog: a key that the log would not take destroys none that it has.
func TestNoRotationBeyondTheLog(t *testing.T) {
	var refused *httpError
	if err := mayRotate(true, keysForDisks); !errors.As(err, &refused) || refused.code != "proof_limit" {
		t.Errorf("with room for new disks only: %v", err)
	}
	if err := mayRotate(true, keysForDisks+1); err != nil {
		t.Errorf("with room for one more: %v", err)
	}
	if err := mayRotate(false, 1024); !errors.As(err, &refused) || refused.code != "cluster_version" {
		t.Errorf("at an old cluster version: %v", err)
	}
	if left := proof.NewSection().KeysLeft("n1"); left <= keysForDisks {
		t.Errorf("a new log takes %d keys", left)
	}
}

// TestTwoRotations: of two at once one is refused, and the node that was cut off finishes the other.
func TestTwoRotations(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	c.signing()
	leader, followers := c.leader()
	at := c.place(leader)
	for _, n := range followers {
		c.stop(c.place(n))
	}
	codes := make([]int, 2)
	bodies := make([]string, 2)
	var asking sync.WaitGroup
	for i := range codes {
		asking.Go(func() { codes[i], bodies[i] = send(t, leader, "POST", "/v1/proof/keys/rotate", "") })
	}
	asking.Wait()
	slices.Sort(codes)
	if codes[0] != http.StatusOK || codes[1] != http.StatusConflict || !strings.Contains(strings.Join(bodies, ""), `"rotation_under_way"`) {
		t.Fatalf("%v %q", codes, bodies)
	}
	wanted := keysAt(t, leader, "GET", "/v1/proof/keys").VKey
	if files := keyFiles(t, c.cfgs[at].Data); len(files) != 2 {
		t.Errorf("before the log has the new key: %v", files)
	}
	c.stop(at)
	c.startAll()
	eventually(t, func() bool {
		keys := keysAt(t, c.nodes[at], "GET", "/v1/proof/keys").Keys
		return keys[len(keys)-1].VKey == wanted && slices.Equal(keyFiles(t, c.cfgs[at].Data), []string{"proof-2.key"})
	}, func() string { return fmt.Sprint(keyFiles(t, c.cfgs[at].Data)) })
}

// keyFiles lists the key files in a directory.
func keyFiles(t *testing.T, dir string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "proof-*.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		names = append(names, filepath.Base(f))
	}
	return names
}

// TestStoppingNodeSaysSo: a request whose seal waits when the node is told to end hears that, and not that its client has gone.
func TestStoppingNodeSaysSo(t *testing.T) {
	n := startSingle(t, nil)
	if err := n.flushing.take(t.Context()); err != nil { // so that no seal ends
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		_, err := n.seal(t.Context())
		ended <- err
	}()
	n.cancel()
	if err := <-ended; !errors.Is(err, errStopping) {
		t.Errorf("the seal of a node that ends: %v", err)
	}
	n.flushing.give()
}
