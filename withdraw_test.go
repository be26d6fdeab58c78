package gapless

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/gaplessdb/gapless/raftfsm"
)

// TestReportIsTakenBack damages the only copy of a segment: the node must not go on vouching for the floor that lists it, and do so again once
// the file is back.
func TestReportIsTakenBack(t *testing.T) {
	c := newTestCluster(t, 1)
	c.startAll()
	postFrames(t, c.nodes[0], "d1", 0, 499)
	storage := c.flushed()[0]
	reported := func(n *Node, want uint64) {
		t.Helper()
		var got raftfsm.FloorReport
		eventually(t, func() bool {
			n.state.View(func(v raftfsm.View) { got, _ = v.Floors.Newest(n.id.server()) })
			return got.Index == want
		}, func() string { return fmt.Sprintf("the node has reported floor %d, want %d", got.Index, want) })
	}
	reported(c.nodes[0], storage.Floor)
	c.stop(0)
	path := filepath.Join(c.cfgs[0].Data, segmentsDir, storage.Segments[0].Name+".gseg")
	whole, err := os.ReadFile(path)
	must(t, err)
	sick := append([]byte(nil), whole...)
	sick[len(sick)/3] ^= 0x10
	must(t, os.WriteFile(path, sick, 0o644))
	n := c.start(0)
	eventually(t, func() bool {
		code, _ := get(t, n, "/v1/frames?device=d1&limit=1000")
		return code == http.StatusServiceUnavailable
	}, func() string { return "the damage is not found" })
	reported(n, 0)
	c.stop(0)
	must(t, os.WriteFile(path, whole, 0o644))
	reported(c.start(0), storage.Floor)
}
