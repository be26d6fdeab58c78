package raftfsm

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/gaplessdb/gapless/ledger"
)

// TestPolicyBytes: a policy has the same bytes in the audit of its change, which the proof's log has the hash of, and where a census finds it in a floor.
func TestPolicyBytes(t *testing.T) {
	p := newPolicySection(ledger.New(DefaultPolicy().Ledger))
	sent := DefaultPolicy()
	for revision, change := range []func(*Policy){
		func(*Policy) {},
		func(p *Policy) { p.Merge = p.Merge.WithDefaults() },
		func(p *Policy) { p.Seal.IntervalMS = 60_000 },
		func(p *Policy) { p.Seal, p.FlushBytes = SealPolicy{Off: true}, 1<<20 },
	} {
		sent.Revision = uint64(revision)
		change(&sent)
		text, err := json.Marshal(sent)
		if err != nil {
			t.Fatal(err)
		}
		body, version, err := PolicyCommand(3, text, "ops", "a <note>")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Apply(1, 1, 1, KindPolicy, version, body); err != nil {
			t.Fatal(err)
		}
		_, _, _, _, detail, ok := p.Audit(KindPolicy, nil)
		var told PolicyDetail
		if err := json.Unmarshal(detail, &told); err != nil || !ok {
			t.Fatal(err, ok)
		}
		var floor bytes.Buffer
		if err := p.Freeze()(&floor); err != nil {
			t.Fatal(err)
		}
		read := newPolicySection(ledger.New(DefaultPolicy().Ledger))
		if err := read.Restore(&floor); err != nil {
			t.Fatal(err)
		}
		found, err := json.Marshal(read.policy)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(found, told.Policy) {
			t.Errorf("revision %d is audited as\n%s\nand found as\n%s", revision+1, told.Policy, found)
		}
	}
}
