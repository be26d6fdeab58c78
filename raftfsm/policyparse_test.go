package raftfsm

import (
	"encoding/json"
	"testing"
)

// TestSkewLimitOfClusterVersion1: what releases of cluster version 1 refuse, this one refuses in their command, too, or states would part.
func TestSkewLimitOfClusterVersion1(t *testing.T) {
	p := DefaultPolicy()
	for limit, refused := range map[int64]bool{maxSkewV1MS: false, maxSkewV1MS + 1: true} {
		p.Ledger.SkewLimitMS = limit
		body, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parsePolicyV1(body); (err != nil) != refused {
			t.Errorf("skew_limit_ms %d in a command of version 1: %v", limit, err)
		}
		if err := p.Ledger.Validate(); err != nil {
			t.Errorf("skew_limit_ms %d: %v", limit, err)
		}
	}
}
