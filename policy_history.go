package gapless

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/raftfsm"
)

// Changes that one answer lists.
const (
	policyChanges    = 20
	maxPolicyChanges = 1000
)

// policyHistory is GET /v1/policy/history: the changes of the policy, the newest first, as its audit frames have them.
type policyHistory struct {
	Changes []policyChange `json:"changes"`
}

type policyChange struct {
	Revision uint64                `json:"revision"`
	At       string                `json:"at"` // commit time
	By       string                `json:"by"`
	Note     string                `json:"note"`
	Policy   json.RawMessage       `json:"policy"`
	Changes  []raftfsm.PolicyValue `json:"changes"`
}

func (n *Node) getPolicyHistory(ctx *fasthttp.RequestCtx, _ auth.Principal) error {
	limit := policyChanges
	if text := ctx.QueryArgs().Peek("limit"); text != nil {
		var err error
		if limit, err = strconv.Atoi(string(text)); err != nil || limit < 1 || limit > maxPolicyChanges {
			return &httpError{http.StatusBadRequest, "bad_parameter", fmt.Sprintf("limit is %q", text), fmt.Sprintf("an integer from 1 to %d", maxPolicyChanges)}
		}
	}
	a := policyHistory{Changes: []policyChange{}}
	var broken error
	audits := frame.StreamKey{Tenant: raftfsm.TenantSystem, Device: raftfsm.DeviceAudit, Stream: frame.DefaultStream}
	err := n.queries.Newest(n.ctx, audits, func(f *frame.Frame) bool {
		if field(f, "action") != raftfsm.PolicyAction {
			return true
		}
		var change policyChange
		if change, broken = policyChangeOf(f); broken != nil {
			return false
		}
		a.Changes = append(a.Changes, change)
		return len(a.Changes) < limit
	})
	if err == nil {
		err = broken
	}
	if err != nil {
		return adminError(err)
	}
	return writeJSON(ctx, a)
}

// policyChangeOf reads an audit frame of a changed policy.
func policyChangeOf(f *frame.Frame) (policyChange, error) {
	var d raftfsm.PolicyDetail
	if err := json.Unmarshal(f.Raw, &d); err != nil {
		return policyChange{}, fmt.Errorf("gapless: audit frame %d of a changed policy: %w", f.Seq, err)
	}
	at := time.Unix(0, f.TimeNS).UTC().Format("2006-01-02T15:04:05.000Z07:00")
	return policyChange{Revision: d.Revision, At: at, By: field(f, "by"), Note: d.Note, Policy: d.Policy, Changes: d.Changes}, nil
}

// field is the text of a field, "" where the frame has none of that name.
func field(f *frame.Frame, name string) string {
	for i := range f.Fields {
		if f.Fields[i].Name == name {
			return string(f.Fields[i].Value.Str)
		}
	}
	return ""
}
