package gapless

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// makeHandExample writes the files of docs/examples/proof, from a new cluster. mill-07 numbers 60 to 73: 66 fell out of its ring, as it says, and 70
// never comes; other devices stand beside it in the trees. One seal has all of it. The earlier checkpoint is of the log that has nothing but the
// nodes' keys.
func makeHandExample(t *testing.T, dir string) {
	c := newCalmCluster(t)
	c.startAll()
	c.keysKnown()
	n := c.nodes[0]
	c.signedByAll(n, 3)
	files := map[string]string{"earlier.checkpoint": ask(t, n, "GET", "/tlog/checkpoint", "")}

	if code, answer := post(t, n, "/v1/frames", "application/x-ndjson", handFrames()); code != http.StatusOK {
		t.Fatalf("frames: %d %v", code, answer)
	}
	ask(t, n, "POST", "/v1/devices/mill-07/declare-lost", `{"epoch":17,"from":66,"to":66,"reason":"ring full"}`)
	ask(t, n, "POST", "/v1/devices/mill-07/heartbeat", `{"epoch":17,"next_seq":74}`)
	final := func() bool {
		return strings.Contains(ask(t, n, "GET", "/v1/trace/mill-07/1/70", ""), `"state":"FINAL"`)
	}
	eventually(t, final, func() string { return "70 is still waited for" })
	c.signedByAll(n, c.seal(n).Checkpoint.Records)

	files["certificate.tar"] = ask(t, n, "POST", "/v1/certificates?at=newest&format=tar&segments=true", `{"devices":["mill-07"],"since":[3]}`)
	files["policy"] = ask(t, n, "GET", "/v1/proof/policy", "")
	files["trace.json"] = ask(t, n, "GET", "/v1/trace/mill-07/1/64", "") + "\n"
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// handFrames are the frames of the example, a line each.
func handFrames() string {
	var b strings.Builder
	for _, device := range []string{"kiln-1", "mill-06", "mill-08", "press-1"} {
		fmt.Fprintf(&b, `{"device":%q,"first":0,"seq":0,"time":"2026-11-21T10:00:00Z","fields":{"temp":20}}`+"\n", device)
	}
	at := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	for seq := 60; seq <= 73; seq++ {
		if at = at.Add(time.Second); seq != 66 && seq != 70 {
			fmt.Fprintf(&b, `{"device":"mill-07","epoch":17,"first":60,"seq":%d,"time":%q,"fields":{"rpm":%d,"temp":%g}}`+"\n",
				seq, at.Format(time.RFC3339), 1480+seq%4, 20.5+float64(seq-60)/4)
		}
	}
	return b.String()
}

// signedByAll waits until every node has signed the log of so many records.
func (c *testCluster) signedByAll(n *Node, records int64) {
	c.t.Helper()
	eventually(c.t, func() bool {
		st := proofAt(c.t, n)
		return st.Checkpoint.Records == records && len(st.Checkpoint.Signers) == len(c.nodes)
	}, func() string { return fmt.Sprintf("%+v", proofAt(c.t, n)) })
}

// ask sends a request that has to succeed.
func ask(t *testing.T, n *Node, method, path, body string) string {
	t.Helper()
	code, answer := send(t, n, method, path, body)
	if code != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, code, answer)
	}
	return answer
}
