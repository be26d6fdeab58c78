package gapless

import (
	"strings"
	"testing"
)

// TestRegistryOverHTTP: what an operator says of a device rules how its frames are taken, on every node, and after a restart from a floor as well.
func TestRegistryOverHTTP(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	n := c.nodes[0]
	for _, step := range []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"PUT", "/v1/devices/mill-07", `{"labels":{"site":"graz"},"class":"snapshot","first":1,"rule":{"restart_drop":5}}`, 200, `"device":{"device":"mill-07","labels":{"site":"graz"},`},
		{"PATCH", "/v1/devices/mill-07?expect=7", `{"type":"mill"}`, 409, "revision_changed"},
		{"PATCH", "/v1/devices/mill-07?expect=1", `{"type":"mill"}`, 200, `"revision":2,"changed":1`},
		{"PUT", "/v1/devices/mill-07", `{"typo":1}`, 400, "bad_json"},
		{"POST", "/v1/devices", `[{"device":"a"},{"device":"b"}]`, 200, `"commands":1,"revision":3,"changed":2,"unchanged":0}`},
		{"DELETE", "/v1/devices/b", ``, 200, `"changed":1`},
		{"DELETE", "/v1/devices/b", ``, 404, "unknown_device"},
	} {
		if code, body := send(t, n, step.method, step.path, step.body); code != step.code || !strings.Contains(body, step.want) {
			t.Errorf("%s %s: %d %s", step.method, step.path, code, body)
		}
		n = c.nodes[(c.place(n)+1)%3] // whichever node is asked
	}
	sendFrame := func(seq string) {
		t.Helper()
		if code, body := send(t, n, "POST", "/v1/frames", `{"device":"mill-07","seq":`+seq+`}`); code != 200 || !strings.Contains(body, `"accepted":1`) {
			t.Errorf("frame %s: %d %s", seq, code, body)
		}
	}
	for _, seq := range []string{"3", "10", "20"} {
		sendFrame(seq)
	}
	sendFrame("9") // 11 below 20: the second life
	if code, body := send(t, n, "POST", "/v1/cluster/flush", ""); code != 200 {
		t.Fatalf("flush: %d %s", code, body)
	}
	for i := range c.nodes {
		c.stop(i)
	}
	c.startAll()
	n = c.nodes[1]
	sendFrame("2") // the third
	code, body := get(t, n, "/v1/devices/mill-07/gaps")
	if code != 200 || strings.Count(body, `"head":{"first":1,"basis":"declared"}`) != 3 {
		t.Errorf("the report has not three lives that begin with 1: %d %s", code, body)
	}
	if _, body := get(t, n, "/v1/frames?device=mill-07"); strings.Count(body, `"class":"snapshot"`) != 5 {
		t.Errorf("frames without a class have not that of their device: %s", body)
	}
	_, audits := get(t, n, "/v1/frames?device=_audit")
	for _, want := range []string{`"action":"device_set"`, `"action":"device_patch"`, `"action":"device_delete"`, `"subject":"2 devices"`, `"by":"anonymous"`} {
		if !strings.Contains(audits, want) {
			t.Errorf("no audit frame has %s: %s", want, audits)
		}
	}
	if strings.Count(audits, `"action"`) != 4 {
		t.Errorf("refused commands are audited: %s", audits)
	}
}
