package raftfsm

import (
	"fmt"
	"io"
)

// Idempotency is the section that remembers the first answer to each key: a bounded window per tenant, oldest out first.
// It has no commands of its own; keys come with parts.
type Idempotency struct {
	tenants map[string]*keyWindow
}

// keyWindow holds a tenant's newest keys. Entries are never changed and the array below order is only appended to, so that a frozen
// window is the slice as it is.
type keyWindow struct {
	answers map[string]*answer
	order   []*answer // oldest first
}

type answer struct {
	Key    string
	Sum    [32]byte
	Result PartResult
}

func newIdempotency() *Idempotency { return &Idempotency{tenants: map[string]*keyWindow{}} }

func (d *Idempotency) Name() string               { return "idempotency" }
func (d *Idempotency) Commands() (uint16, uint16) { return 0, 0 }
func (d *Idempotency) LimitBytes() int64          { return 256 << 20 }

// Apply is never called: the section has no commands.
func (d *Idempotency) Apply(_, _ uint64, _ int64, kind uint16, _ uint8, _ []byte) ([]byte, error) {
	return nil, fmt.Errorf("%w: idempotency has no command %d", ErrHalt, kind)
}

// seen returns the first answer to a part's key.
func (d *Idempotency) seen(p *Part) (*answer, bool) {
	w := d.tenants[p.Tenant]
	if w == nil {
		return nil, false
	}
	a, ok := w.answers[p.Key]
	return a, ok
}

// record keeps the answer to a part's key and forgets the oldest beyond limit.
func (d *Idempotency) record(p *Part, r PartResult, limit int) {
	if limit == 0 {
		return
	}
	w := d.tenants[p.Tenant]
	if w == nil {
		w = &keyWindow{answers: map[string]*answer{}}
		d.tenants[p.Tenant] = w
	}
	for len(w.order) >= limit {
		delete(w.answers, w.order[0].Key)
		w.order = w.order[1:]
	}
	a := &answer{Key: p.Key, Sum: p.Sum, Result: r}
	w.answers[p.Key] = a
	w.order = append(w.order, a)
}

// idempotencyRecord is one remembered answer in a checkpoint.
type idempotencyRecord struct {
	Tenant string     `json:"tenant"`
	Key    string     `json:"key"`
	Sum    []byte     `json:"sum"`
	Result PartResult `json:"result"`
}

// Freeze implements Section: the answers by tenant name, oldest first.
func (d *Idempotency) Freeze() func(io.Writer) error {
	frozen := map[string][]*answer{}
	for tenant, window := range d.tenants {
		frozen[tenant] = window.order
	}
	return func(w io.Writer) error {
		var records []idempotencyRecord
		for _, tenant := range sortedKeys(frozen) {
			for _, a := range frozen[tenant] {
				records = append(records, idempotencyRecord{tenant, a.Key, a.Sum[:], a.Result})
			}
		}
		return writeJSON(w, "idempotency", records)
	}
}

func (d *Idempotency) Restore(r io.Reader) error {
	var records []idempotencyRecord
	if err := readJSON(r, "idempotency", &records); err != nil {
		return err
	}
	d.tenants = map[string]*keyWindow{}
	for _, rec := range records {
		d.record(rec.part(), rec.Result, len(records)+1)
	}
	return nil
}
