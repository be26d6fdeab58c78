package registry

import "github.com/gaplessdb/gapless/ledger"

// Device is what is registered of a device. JSON is the form of answers.
type Device struct {
	Tenant    string            `json:"-"`
	Device    string            `json:"device"`
	Labels    map[string]string `json:"labels,omitempty"`
	Type      string            `json:"type,omitempty"`       // the label "type" of selections and groups
	CadenceMS int64             `json:"cadence_ms,omitempty"` // expected time between two frames, 0 = none
	Class     string            `json:"class,omitempty"`      // ClassEvent, ClassSnapshot, or "": of frames whose format has no class
	First     *uint64           `json:"first,omitempty"`      // first number of every epoch that begins from now on
	Rule      ledger.Rule       `json:"rule,omitzero"`        // in place of the policy; its First is nil
	Revision  uint64            `json:"revision"`             // of the change that made it what it is
	ChangedMS int64             `json:"changed_ms"`           // commit time of that change, ms since the Unix epoch
}

// Names of frame classes in entries.
const (
	ClassEvent    = "event"
	ClassSnapshot = "snapshot"
)

// record is an entry as it is kept. It never changes: another takes its place.
type record struct {
	tenant, device string
	labels         []label // ascending by name
	kind           string
	class          string
	cadenceMS      int64
	rule           *ledger.Rule // with the declared first; nil for none
	revision       uint64
	changedMS      int64
}

type label struct{ name, value string }

// Device is the entry for a caller.
func (r *record) Device() Device {
	d := Device{
		Tenant: r.tenant, Device: r.device, Type: r.kind, CadenceMS: r.cadenceMS, Class: r.class,
		Revision: r.revision, ChangedMS: r.changedMS,
	}
	if len(r.labels) > 0 {
		d.Labels = make(map[string]string, len(r.labels))
		for _, l := range r.labels {
			d.Labels[l.name] = l.value
		}
	}
	if r.rule != nil {
		rule := r.rule.Clone()
		d.First, rule.First = rule.First, nil
		d.Rule = rule
	}
	return d
}

// label is the value of a label, TypeLabel included.
func (r *record) label(name string) (string, bool) {
	if name == TypeLabel {
		return r.kind, r.kind != ""
	}
	for _, l := range r.labels {
		if l.name == name {
			return l.value, true
		}
	}
	return "", false
}

// pairs calls fn for all that the index has of an entry.
func (r *record) pairs(fn func(name, value string)) {
	for _, l := range r.labels {
		fn(l.name, l.value)
	}
	if r.kind != "" {
		fn(TypeLabel, r.kind)
	}
}

// ledgerRule is the rule for the ledger, zero for none.
func (r *record) ledgerRule() ledger.Rule {
	if r == nil || r.rule == nil {
		return ledger.Rule{}
	}
	return *r.rule
}

// same reports whether two entries say the same, whatever their revisions.
func (r *record) same(o *record) bool {
	if o == nil || r.kind != o.kind || r.class != o.class || r.cadenceMS != o.cadenceMS || len(r.labels) != len(o.labels) {
		return false
	}
	for i := range r.labels {
		if r.labels[i] != o.labels[i] {
			return false
		}
	}
	return r.ledgerRule().Equal(o.ledgerRule())
}
