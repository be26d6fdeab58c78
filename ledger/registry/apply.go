package registry

import (
	"encoding/json"
	"fmt"

	"github.com/gaplessdb/gapless/ledger"
)

// Limits of the registry. A command that would pass one is refused.
const (
	MaxTotal   = 1_000_000
	limitBytes = 512 << 20 // of the entries in a checkpoint
)

// Result is what a command did. Device is the entry after a set or patch of one device, and what was deleted after a delete of one.
type Result struct {
	Revision  uint64  `json:"revision"`  // of the registry now
	Changed   int     `json:"changed"`   // devices that are other than before; those deleted
	Unchanged int     `json:"unchanged"` // devices that were like that before; those that were not there to delete
	Device    *Device `json:"device,omitempty"`
}

// ParseResult reads what Apply wrote, on this node or another.
func ParseResult(b []byte) (Result, error) {
	var res Result
	if err := json.Unmarshal(b, &res); err != nil {
		return res, fmt.Errorf("registry: result: %w", err)
	}
	return res, nil
}

// Apply runs one replicated command and returns its Result as JSON. An *Error is an answer to the client that is equal on all nodes; an error that is
// ledger.ErrVersion means that this program is too old for the log and the node has to stop.
func (r *Registry) Apply(index, _ uint64, commitMS int64, kind uint16, version uint8, body []byte) ([]byte, error) {
	if !r.Supports(kind, version) {
		return nil, fmt.Errorf("registry: command kind %d version %d: %w", kind, version, ledger.ErrVersion)
	}
	c, err := ParseCommand(body)
	if err != nil {
		return nil, err
	}
	res, err := r.run(c, kind, commitMS)
	if err != nil {
		return nil, err
	}
	if r.applied = nil; res.Changed > 0 {
		r.applied = c
	}
	out, err := json.Marshal(res)
	if err != nil {
		return nil, fmt.Errorf("registry: result of command %d at index %d: %w", kind, index, err)
	}
	return out, nil
}

// step is what a command does to one device: one of old and next may be nil.
type step struct{ old, next *record }

// run makes all steps before the first is taken, so that a refusal changes nothing.
func (r *Registry) run(c *Command, kind uint16, commitMS int64) (*Result, error) {
	steps := make([]step, len(c.Devices))
	count, bytes := r.table.count, r.bytes
	for i := range c.Devices {
		change := &c.Devices[i]
		old := r.tenants[c.Tenant].get(change.Device)
		next, err := change.step(c.Tenant, kind, old)
		if err != nil {
			return nil, err
		}
		steps[i] = step{old, next}
		if old != nil {
			count, bytes = count-1, bytes-old.size()
		}
		if next != nil {
			count, bytes = count+1, bytes+next.size()
		}
	}
	if err := r.room(count, bytes); err != nil {
		return nil, err
	}
	return r.take(steps, commitMS), nil
}

// step is the entry that a change of a kind makes of old, nil for none.
func (c *Change) step(tenant string, kind uint16, old *record) (*record, error) {
	if err := c.expected(old); err != nil {
		return nil, err
	}
	if kind != KindDelete {
		return c.apply(tenant, old, kind == KindSet)
	}
	if c.Labels.Given || c.Type.Given || c.CadenceMS.Given || c.Class.Given || c.First.Given || c.Rule.Given {
		return nil, refuse(CodeBadCommand, "send device and expect", "a delete of device %q says what it should be", c.Device)
	}
	return nil, nil
}

// expected refuses a change that was made for another revision.
func (c *Change) expected(old *record) error {
	have := uint64(0)
	if old != nil {
		have = old.revision
	}
	if c.Expect == nil || *c.Expect == have {
		return nil
	}
	return &Error{
		Code: CodeRevisionChanged, Conflict: true,
		Message: fmt.Sprintf("device %q is at revision %d, the change was made for revision %d", c.Device, have, *c.Expect),
		Hint:    "read the device again and repeat the change; revision 0 is a device that is not registered",
	}
}

// room refuses what would pass a limit that is not passed yet.
func (r *Registry) room(count int, bytes int64) error {
	if count > MaxTotal && count > r.table.count {
		return refuse(CodeTooManyDevices, "delete entries that are not needed", "%d devices would be registered, the limit is %d", count, MaxTotal)
	}
	if bytes > limitBytes && bytes > r.bytes {
		return refuse(CodeRegistryFull, "use fewer or shorter labels", "the registry would have %d bytes, the limit is %d", bytes, int64(limitBytes))
	}
	return nil
}

// take takes the steps. Those that change something have one new revision.
func (r *Registry) take(steps []step, commitMS int64) *Result {
	res := &Result{}
	for _, s := range steps {
		if s.next == nil && s.old == nil || s.next != nil && s.next.same(s.old) {
			res.Unchanged++
		}
	}
	if res.Changed = len(steps) - res.Unchanged; res.Changed > 0 {
		r.revision++
	}
	res.Revision = r.revision
	for _, s := range steps {
		shown := s.old
		switch {
		case s.next == nil && s.old != nil:
			r.remove(s.old)
		case s.next != nil && !s.next.same(s.old):
			shown = s.next
			shown.revision, shown.changedMS = r.revision, commitMS
			r.put(shown)
		}
		if len(steps) == 1 && shown != nil {
			d := shown.Device()
			res.Device = &d
		}
	}
	if res.Changed > 0 {
		r.publish()
	}
	return res
}
