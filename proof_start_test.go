package gapless

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// TestStartWithoutProof: where the directory of the proof cannot be made, a node starts, stores and answers, and says 503 where it needs it; once the
// way is free it goes on with the proof by itself.
func TestStartWithoutProof(t *testing.T) {
	c := newTestCluster(t, 1)
	c.cfgs[0].Peers = nil
	c.startAll()
	postFrames(t, c.nodes[0], "d", 0, 99)
	if st := c.seal(c.nodes[0]); st.Counted != 1 || st.Checkpoint.Time == "" {
		t.Errorf("%+v", st)
	}
	var kept storageAnswer
	if code, body := get(t, c.nodes[0], "/v1/storage"); code != http.StatusOK || json.Unmarshal([]byte(body), &kept) != nil || kept.Proof.Strips == 0 || kept.Proof.Census == 0 || kept.Proof.Log == 0 {
		t.Errorf("%d %s", code, body)
	}
	c.stop(0)
	dir := filepath.Join(c.cfgs[0].Data, proofDir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, []byte("in the way"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := c.start(0)
	c.ready(n)
	postFrames(t, n, "d", 100, 199)
	if got := countFrames(t, n, "d", ""); got != 200 {
		t.Errorf("%d frames", got)
	}
	if code, answer := post(t, n, "/v1/certificates?at=newest", "application/json", `{"devices":["d"]}`); code != http.StatusServiceUnavailable {
		t.Errorf("a certificate of what is not here: %d %v", code, answer)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { st := proofAt(t, n); return st.Checked == 1 }, func() string { return "the seal is not counted again" })
	if st := c.seal(n); st.Counted != 2 || st.Objection != "" {
		t.Errorf("%+v", st)
	}
}
