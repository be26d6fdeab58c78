package raftfsm

import (
	"encoding/json"
	"testing"
)

// TestWhatFollowsAPolicy: releases of cluster version 1 overlook a bracket behind the policy, so their command must; the newer one does not.
func TestWhatFollowsAPolicy(t *testing.T) {
	for tail, taken := range map[string]bool{"": true, " ": true, "}": true, "]": true, "{}": false, "1": false} {
		if _, err := parsePolicyV1([]byte(`{"revision":3}` + tail)); (err == nil) != taken {
			t.Errorf("version 1 followed by %q: %v", tail, err)
		}
		if _, err := ParsePolicy([]byte(`{"revision":3}` + tail)); (err == nil) != (len(tail) == 0 || tail == " ") {
			t.Errorf("version 2 followed by %q: %v", tail, err)
		}
	}
}

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
