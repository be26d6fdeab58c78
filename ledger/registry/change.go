package registry

import (
	"cmp"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// MaxLabels is how many labels a device may have.
const MaxLabels = 64

// maxCadenceMS is ten years.
const maxCadenceMS = 10 * 365 * 24 * 3_600_000

// Change is what a command says of one device. What is not given stays (patch) or is absent (set); null takes it away. A delete gives only Device and Expect.
type Change struct {
	Device    string             `json:"device"`
	Expect    *uint64            `json:"expect,omitzero"` // the revision that the device must have, 0: it must not be registered
	Labels    Member[labelsPart] `json:"labels,omitzero"`
	Type      Member[string]     `json:"type,omitzero"`
	CadenceMS Member[int64]      `json:"cadence_ms,omitzero"`
	Class     Member[string]     `json:"class,omitzero"`
	First     Member[uint64]     `json:"first,omitzero"`
	Rule      Member[rulePart]   `json:"rule,omitzero"`
}

// labelsPart has a nil value for a label that is to go.
type labelsPart map[string]*string

type rulePart struct {
	RestartBelow   Member[uint64] `json:"restart_below,omitzero"`
	RestartDrop    Member[uint64] `json:"restart_drop,omitzero"`
	MisorderWindow Member[uint64] `json:"misorder_window,omitzero"`
	ProtocolZero   Member[bool]   `json:"protocol_zero,omitzero"`
}

// Member is a member of a JSON object that may be absent, null, or a value.
type Member[T any] struct {
	Given bool
	Value *T // nil for null
}

// IsZero leaves an absent member out.
func (m Member[T]) IsZero() bool { return !m.Given }

// UnmarshalJSONFrom notes that the member is there.
func (m *Member[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	m.Given = true
	return json.UnmarshalDecode(d, &m.Value)
}

// MarshalJSONTo writes the value or null.
func (m Member[T]) MarshalJSONTo(e *jsontext.Encoder) error {
	return json.MarshalEncode(e, m.Value, json.Deterministic(true))
}

// into changes a value that the member is about.
func (m Member[T]) into(v *T) {
	if m.Given {
		*v = *cmp.Or(m.Value, new(T))
	}
}

// pointer changes a value that may be absent.
func (m Member[T]) pointer(v **T) {
	if m.Given {
		*v = m.Value
	}
}

// ParseChange reads one device of a request strictly: no unknown and no double members. An error is an *Error. It does not look at the values.
func ParseChange(text []byte) (Change, error) {
	var c Change
	if err := json.Unmarshal(text, &c, json.RejectUnknownMembers(true)); err != nil {
		return Change{}, badJSON(err)
	}
	return c, nil
}

func badJSON(err error) error {
	return refuse(CodeBadJSON, "docs/http-api.md lists the members of a device", "%v", err)
}

// apply is the entry that the change makes of old, which may be nil; with replace old does not count. Revision and time are not set. What old and the new
// entry share is never written.
func (c *Change) apply(tenant string, old *record, replace bool) (*record, error) {
	next := record{}
	if old != nil && !replace {
		next = *old
	}
	next.tenant, next.device = tenant, c.Device
	c.Type.into(&next.kind)
	c.CadenceMS.into(&next.cadenceMS)
	c.Class.into(&next.class)
	c.applyLabels(&next)
	c.applyRule(&next)
	return &next, next.check()
}

func (c *Change) applyLabels(rec *record) {
	if !c.Labels.Given {
		return
	}
	if c.Labels.Value == nil {
		rec.labels = nil
		return
	}
	labels := map[string]string{}
	for _, l := range rec.labels {
		labels[l.name] = l.value
	}
	for name, value := range *c.Labels.Value {
		if value == nil {
			delete(labels, name)
		} else {
			labels[name] = *value
		}
	}
	rec.labels = nil
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		rec.labels = append(rec.labels, label{name, labels[name]})
	}
}

func (c *Change) applyRule(rec *record) {
	rule := rec.ledgerRule()
	c.First.pointer(&rule.First)
	switch part := c.Rule.Value; {
	case !c.Rule.Given:
	case part == nil:
		rule = ledger.Rule{First: rule.First}
	default:
		part.RestartBelow.pointer(&rule.RestartBelow)
		part.RestartDrop.pointer(&rule.RestartDrop)
		part.MisorderWindow.pointer(&rule.MisorderWindow)
		part.ProtocolZero.pointer(&rule.ProtocolZero)
	}
	rec.rule = nil
	if !rule.IsZero() {
		rec.rule = &rule
	}
}

// check refuses an entry with the first value that is not allowed.
func (r *record) check() error {
	if r.device == "" {
		return refuse(CodeDeviceRequired, "name the device", "member device is missing or empty")
	}
	if err := frame.ValidateClientName("device", r.device); err != nil {
		return refuseName("", err)
	}
	if len(r.labels) > MaxLabels {
		return refuse(CodeTooManyLabels, "keep what you select and group by", "device %q has %d labels, the limit is %d", r.device, len(r.labels), MaxLabels)
	}
	for _, l := range r.labels {
		if err := checkOwnLabel(l); err != nil {
			return err
		}
	}
	if r.kind != "" {
		if err := frame.ValidateName("type", r.kind); err != nil {
			return refuseName(CodeBadType, err)
		}
	}
	if r.cadenceMS < 0 || r.cadenceMS > maxCadenceMS {
		return refuse(CodeBadCadence, "give milliseconds, 0 for none", "cadence_ms of device %q is %d, it must be 0 to %d", r.device, r.cadenceMS, int64(maxCadenceMS))
	}
	if r.class != "" && r.class != ClassEvent && r.class != ClassSnapshot {
		return refuse(CodeBadClass, `"event" or "snapshot"`, "class of device %q is %q", r.device, r.class)
	}
	if err := r.ledgerRule().Validate(); err != nil {
		return refuse(CodeBadRule, "docs/ledger.md has the ranges", "device %q: %v", r.device, err)
	}
	return nil
}

func checkOwnLabel(l label) error {
	if l.name == TypeLabel {
		return refuse(CodeBadLabel, "set the member type instead", "no label has the name %q", TypeLabel)
	}
	return checkLabel(l.name, l.value)
}
