package demo

import (
	"fmt"
	"io"
	"strings"
)

// door is one thing that a person may ask of a node.
type door struct {
	what        string
	path        string
	contentType string // of body
	body        string // "": a GET
}

// allDoors are tried in this order by a reader who pastes them: a device that skips numbers, says so, and is asked about.
var allDoors = []door{
	{"send frames (JSON, an object or an array)", "/v1/frames", "application/json",
		`[{"device":"mill-07","epoch":"1","first":0,"seq":1,"fields":{"rpm":742}},{"device":"mill-07","epoch":"1","first":0,"seq":3,"fields":{"rpm":743}}]`},
	{"send frames (NDJSON, one a line)", "/v1/frames", "application/x-ndjson",
		`{"device":"meter-1","seq":1,"fields":{"kwh":10.5}}` + "\n" + `{"device":"meter-1","seq":2,"fields":{"kwh":10.6}}`},
	{"a device says how far its numbers go", "/v1/devices/mill-07/heartbeat", "application/json", `{"epoch":"1","next_seq":6}`},
	{"a device admits a loss", "/v1/devices/mill-07/declare-lost", "application/json", `{"epoch":"1","from":5,"to":5,"reason":"ring overflow"}`},
	{"a device closes its epoch", "/v1/devices/mill-07/seal", "application/json", `{"epoch":"1","last_seq":5}`},
	{"what is missing, and why", "/v1/devices/mill-07/gaps", "", ""},
	{"what is missing in the fleet", "/v1/gaps?limit=10", "", ""},
	{"what is there, as runs of numbers", "/v1/devices/mill-07/coverage", "", ""},
	{"the frames", "/v1/frames?device=mill-07&limit=10", "", ""},
	{"the latest of every device", "/v1/latest?limit=10", "", ""},
	{"the devices", "/v1/devices?limit=10", "", ""},
	{"one device", "/v1/devices/mill-07", "", ""},
	{"the ledger, and that it balances", "/v1/ledger", "", ""},
	{"the policy", "/v1/policy", "", ""},
	{"the cluster", "/v1/cluster", "", ""},
	{"hand the leadership over", "/v1/cluster/transfer", "application/json", `{}`},
	{"does the node live", "/healthz", "", ""},
	{"does it take frames", "/readyz", "", ""},
	{"metrics", "/metrics", "", ""},
}

// curl is what to type. No path or body has a quote in it.
func (d *door) curl(url string) string {
	line := "curl -s '" + url + d.path + "'"
	if d.body != "" {
		line += " -H 'Content-Type: " + d.contentType + "' --data-binary '" + d.body + "'"
	}
	return line
}

// printDoors says where the cluster is and what to type. dir is where its files are.
func printDoors(w io.Writer, c *cluster, dir string) {
	var b strings.Builder
	b.WriteString("\nThe cluster is up. Any node takes frames and questions:\n\n")
	for _, n := range c.nodes {
		fmt.Fprintf(&b, "  %s  %s   log %s\n", n.name, n.url, n.log)
	}
	for i := range allDoors {
		fmt.Fprintf(&b, "\n# %s\n%s\n", allDoors[i].what, allDoors[i].curl(c.nodes[0].url))
	}
	fmt.Fprintf(&b, "\nCtrl-C stops it. The data stays in %s; the next start continues with it, and a demo replaces it.\n", dir)
	io.WriteString(w, b.String())
}
