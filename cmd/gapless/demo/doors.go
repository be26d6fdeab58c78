package demo

import (
	"fmt"
	"io"
)

// doors prints where the cluster is and what to type. dir is where its files are.
func doors(w io.Writer, c *cluster, dir string) {
	fmt.Fprintf(w, "\nThe cluster is up. Any node takes frames and questions:\n\n")
	for _, n := range c.nodes {
		fmt.Fprintf(w, "  %s  %s   log %s\n", n.name, n.url, n.log)
	}
	u := c.nodes[0].url
	for _, d := range []struct{ what, line string }{
		{"send frames (JSON, an object or an array)", `curl -s ` + u + `/v1/frames -H 'Content-Type: application/json' -d '[{"device":"mill-07","seq":1,"first":0,"epoch":"1","fields":{"rpm":742}},{"device":"mill-07","seq":3,"first":0,"epoch":"1","fields":{"rpm":743}}]'`},
		{"send frames (NDJSON, one a line)", `printf '{"device":"meter-1","seq":1,"fields":{"kwh":10.5}}\n{"device":"meter-1","seq":2,"fields":{"kwh":10.6}}\n' | curl -s ` + u + `/v1/frames -H 'Content-Type: application/x-ndjson' --data-binary @-`},
		{"a device says how far its numbers go", `curl -s ` + u + `/v1/devices/mill-07/heartbeat -d '{"epoch":"1","next_seq":6}'`},
		{"a device admits a loss", `curl -s ` + u + `/v1/devices/mill-07/declare-lost -d '{"epoch":"1","from":5,"to":5,"reason":"ring overflow"}'`},
		{"a device closes its epoch", `curl -s ` + u + `/v1/devices/mill-07/seal -d '{"epoch":"1","last_seq":5}'`},
		{"what is missing, and why", `curl -s ` + u + `/v1/devices/mill-07/gaps`},
		{"what is missing in the fleet", `curl -s '` + u + `/v1/gaps?limit=10'`},
		{"what is there, as runs of numbers", `curl -s ` + u + `/v1/devices/mill-07/coverage`},
		{"the frames", `curl -s '` + u + `/v1/frames?device=mill-07&limit=10'`},
		{"the latest of every device", `curl -s '` + u + `/v1/latest?limit=10'`},
		{"the devices", `curl -s ` + u + `/v1/devices`},
		{"the ledger, and that it balances", `curl -s ` + u + `/v1/ledger`},
		{"the cluster", `curl -s ` + u + `/v1/cluster`},
		{"hand the leadership over", `curl -s -X POST ` + u + `/v1/cluster/transfer -d '{}'`},
		{"the policy", `curl -s ` + u + `/v1/policy`},
		{"metrics", `curl -s ` + u + `/metrics`},
		{"health", `curl -s ` + u + `/healthz; curl -s ` + u + `/readyz`},
	} {
		fmt.Fprintf(w, "\n# %s\n%s\n", d.what, d.line)
	}
	fmt.Fprintf(w, "\nCtrl-C stops it. The data stays in %s; the next start continues with it, and a demo replaces it.\n", dir)
}
