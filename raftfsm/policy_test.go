package raftfsm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// change applies a command of the version that has an author.
func (r *replica) change(p Policy, by, note string) CommandResult {
	r.t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		r.t.Fatal(err)
	}
	body, version, err := PolicyCommand(2, text, by, note)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.log(AppendCommand(nil, KindPolicy, version, 0, body)).(CommandResult)
}

func (r *replica) policyCheckpoint() string {
	r.t.Helper()
	var b bytes.Buffer
	if err := r.state.policy.Freeze()(&b); err != nil {
		r.t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

// TestPolicyOfClusterVersion1 holds the checkpoint to the bytes that releases 0.1 to 0.3 write, and commands to what they take.
func TestPolicyOfClusterVersion1(t *testing.T) {
	const ledgerPart = `"ledger":{"grace_ms":%d,"misorder_window":100,"restart_below":0,"restart_drop":0,"max_jump":4294967296,"protocol_zero":false,` +
		`"rate_tolerance_ppm":5000,"skew_limit_ms":86400000,"finalise_per_tick":100000,"max_streams":1000000,"max_epochs":1024,"max_runs":1000000}`
	const form = `{"section":"policy","version":1,"data":{"revision":%d,` + ledgerPart + `,"idempotency_keys":65536,"recorder_per_tick":1000,"flush_bytes":67108864}}`
	r := newReplica(t)
	if got, want := r.policyCheckpoint(), fmt.Sprintf(form, 0, 10000); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	p := DefaultPolicy()
	p.Ledger.GraceMS = 7
	if res := r.command(KindPolicy, p); res.Err != nil || !strings.Contains(string(res.JSON), `"revision":1`) || strings.Contains(string(res.JSON), "merge") {
		t.Errorf("%s, %v", res.JSON, res.Err)
	}
	if got, want := r.policyCheckpoint(), fmt.Sprintf(form, 1, 7); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	var refused *RefusedError
	for _, member := range []string{`"merge":{}`, `"Merge":null`, `"merge":{"fan_in":4}`, `"merge":{"off":true}}`, `"merge":{}]`} {
		res := r.log(AppendCommand(nil, KindPolicy, commandVersion, 0, []byte(`{"revision":1,`+member+`}`))).(CommandResult)
		if !errors.As(res.Err, &refused) || refused.Code != "bad_policy" {
			t.Errorf("%s: %v", member, res.Err)
		}
		if _, _, err := PolicyCommand(1, []byte(`{`+member+`}`), "ops", ""); err == nil {
			t.Errorf("%s: proposed", member)
		}
	}
	if res := r.change(p, "ops", ""); !errors.As(res.Err, &refused) || refused.Code != "cluster_version" {
		t.Errorf("a command of version 2: %v", res.Err)
	}
	if _, ok := r.state.ledger.ID(frame.StreamKey{Tenant: TenantSystem, Device: DeviceAudit, Stream: frame.DefaultStream}); ok || r.state.policy.policy.Revision != 1 {
		t.Error("something of it stayed")
	}
}

// TestPolicyOfClusterVersion2: merge settings appear with the first change, are kept by commands of version 1, and every change is audited with its author.
func TestPolicyOfClusterVersion2(t *testing.T) {
	r := newReplica(t)
	r.raise()
	now := func() Policy { return r.state.policy.policy }
	if now().Merge != (MergePolicy{}) || strings.Contains(r.policyCheckpoint(), "merge") {
		t.Errorf("before the first change: %+v", now().Merge)
	}
	p := now()
	p.Merge = MergePolicy{Off: true, FanIn: 9}
	if res := r.change(p, "ops", "night"); res.Err != nil {
		t.Fatal(res.Err)
	}
	want := MergePolicy{Off: true, WindowMS: 21_600_000, FanIn: 9, MaxBytes: 1 << 30}
	if now().Merge != want || !strings.Contains(r.policyCheckpoint(), `"merge":{"off":true,"window_ms":21600000,"fan_in":9,"max_bytes":1073741824}`) {
		t.Errorf("%+v, %s", now().Merge, r.policyCheckpoint())
	}
	audited := r.audit()
	if audited.By != "ops" || audited.Revision != 1 || audited.Note != "night" ||
		fmt.Sprintf("%s", audited.Changes) != `[{merge.fan_in 4 9} {merge.off false true}]` || !strings.Contains(string(audited.Policy), `"fan_in":9`) {
		t.Errorf("%+v %s", audited, audited.Changes)
	}
	old := DefaultPolicy()
	old.Revision, old.RecorderPerTick = 1, 5
	if res := r.command(KindPolicy, old); res.Err != nil || now().Merge != want {
		t.Errorf("a command of version 1: %v, %+v", res.Err, now().Merge)
	}
	if audited := r.audit(); audited.By != "" || audited.Revision != 2 || fmt.Sprintf("%s", audited.Changes) != `[{recorder_per_tick 1000 5}]` {
		t.Errorf("%+v %s", audited, audited.Changes)
	}
	if res := r.change(p, "ops", "late"); res.Err == nil || r.audit().Revision != 2 {
		t.Errorf("a change of an old revision: %v, audited %+v", res.Err, r.audit())
	}
	again := newReplica(t)
	if err := again.state.policy.Restore(strings.NewReader(r.policyCheckpoint())); err != nil || again.state.policy.policy != now() {
		t.Errorf("restored %+v: %v", again.state.policy.policy, err)
	}
}

type auditedChange struct {
	By string
	PolicyDetail
}

// audit is the newest frame about the policy.
func (r *replica) audit() (a auditedChange) {
	r.t.Helper()
	id, _ := r.state.ledger.ID(frame.StreamKey{Tenant: TenantSystem, Device: DeviceAudit, Stream: frame.DefaultStream})
	_, row, ok := r.state.head.Latest(id)
	var f frame.Frame
	row.Body.Decode(&f)
	if err := json.Unmarshal(f.Raw, &a.PolicyDetail); err != nil || !ok {
		r.t.Fatalf("audit frame %q: %v", f.Raw, err)
	}
	for _, field := range f.Fields {
		if field.Name == "by" {
			a.By = string(field.Value.Str)
		}
	}
	return a
}

// FuzzPolicyCommand: whatever the body of either version is, nothing panics, and what is taken is taken again as it stands.
func FuzzPolicyCommand(f *testing.F) {
	for _, body := range []string{`{"policy":{},"by":"ops","note":"why"}`, `{"policy":{"merge":{"off":true},"ledger":{"grace_ms":5}}}`, `{"revision":0}`, `{"policy":null}`, `[]`} {
		f.Add([]byte(body), policyVersion)
		f.Add([]byte(body), commandVersion)
	}
	f.Fuzz(func(t *testing.T, body []byte, version uint8) {
		r := newReplica(t)
		r.raise()
		before := r.policyCheckpoint()
		_, err := r.state.policy.Apply(1, 1, 1, KindPolicy, version, body)
		if err != nil {
			if r.policyCheckpoint() != before {
				t.Errorf("refused (%v), and the policy is %s", err, r.policyCheckpoint())
			}
			return
		}
		if _, _, _, _, detail, ok := r.state.policy.Audit(KindPolicy, body); !ok || !json.Valid(detail) {
			t.Errorf("not audited: %s", detail)
		}
		now := r.state.policy.policy
		if res := r.change(now, "", ""); res.Err != nil || r.state.policy.policy.Ledger != now.Ledger {
			t.Errorf("%+v is not taken again: %v", now, res.Err)
		}
	})
}
