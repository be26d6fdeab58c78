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

type keyWindow struct {
	answers map[string]answer
	order   []string // ring of keys, oldest at next once full
	next    int
}

type answer struct {
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
func (d *Idempotency) seen(p *Part) (answer, bool) {
	w := d.tenants[p.Tenant]
	if w == nil {
		return answer{}, false
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
		w = &keyWindow{answers: map[string]answer{}}
		d.tenants[p.Tenant] = w
	}
	w.shrink(limit - 1)
	w.answers[p.Key] = answer{Sum: p.Sum, Result: r}
	w.order = append(w.order, p.Key)
}

// shrink forgets the oldest keys until at most n are left.
func (w *keyWindow) shrink(n int) {
	for len(w.order)-w.next > n {
		delete(w.answers, w.order[w.next])
		w.order[w.next] = ""
		w.next++
	}
	if w.next > 1024 && w.next*2 > len(w.order) {
		w.order = append([]string(nil), w.order[w.next:]...)
		w.next = 0
	}
}

// idempotencyRecord is one remembered answer in a checkpoint.
type idempotencyRecord struct {
	Tenant string     `json:"tenant"`
	Key    string     `json:"key"`
	Sum    []byte     `json:"sum"`
	Result PartResult `json:"result"`
}

// Checkpoint writes the answers by tenant name, oldest first.
func (d *Idempotency) Checkpoint(w io.Writer) error {
	var records []idempotencyRecord
	for _, tenant := range sortedKeys(d.tenants) {
		window := d.tenants[tenant]
		for _, key := range window.order[window.next:] {
			a := window.answers[key]
			records = append(records, idempotencyRecord{tenant, key, a.Sum[:], a.Result})
		}
	}
	return writeJSON(w, "idempotency", records)
}

func (d *Idempotency) Restore(r io.Reader) error {
	var records []idempotencyRecord
	if err := readJSON(r, "idempotency", &records); err != nil {
		return err
	}
	d.tenants = map[string]*keyWindow{}
	for _, rec := range records {
		p := Part{Tenant: rec.Tenant, Key: rec.Key}
		copy(p.Sum[:], rec.Sum)
		d.record(&p, rec.Result, len(records)+1)
	}
	return nil
}
