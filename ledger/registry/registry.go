package registry

import (
	"iter"
	"maps"
	"slices"

	"github.com/gaplessdb/gapless/ledger"
)

// Registry is the registered devices of one partition.
type Registry struct {
	ledger   *ledger.Ledger
	table    table
	tenants  map[string]*tenantIndex
	revision uint64 // how many commands changed something
	bytes    int64  // of all entries in a checkpoint
	classes  classes
	newest   Snapshot

	applied *Command // the newest one, if it changed something, for the Audit that follows its Apply; no part of the state
}

// New is an empty registry that hands its rules to l.
func New(l *ledger.Ledger) *Registry {
	return &Registry{ledger: l, tenants: map[string]*tenantIndex{}}
}

// Get is the entry of a device, false where there is none.
func (r *Registry) Get(tenant, device string) (Device, bool) {
	rec := r.tenants[tenant].get(device)
	if rec == nil {
		return Device{}, false
	}
	return rec.Device(), true
}

// Devices yields a tenant's entries, ascending by device.
func (r *Registry) Devices(tenant string) iter.Seq[Device] {
	return func(yield func(Device) bool) {
		for rec := range r.table.tenant(tenant) {
			if !yield(rec.Device()) {
				return
			}
		}
	}
}

// Len is the number of a tenant's entries.
func (r *Registry) Len(tenant string) int {
	if t := r.tenants[tenant]; t != nil {
		return len(t.ids)
	}
	return 0
}

// Total is the number of all entries.
func (r *Registry) Total() int { return r.table.count }

// Bytes is at least what the entries take in a checkpoint.
func (r *Registry) Bytes() int64 { return r.bytes }

// Revision is that of the newest change, 0 before the first.
func (r *Registry) Revision() uint64 { return r.revision }

// Labels is the names of the labels that a tenant's devices have, ascending, TypeLabel included where one has a type.
func (r *Registry) Labels(tenant string) []string {
	t := r.tenants[tenant]
	if t == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(t.labels))
}

// Label is the value of a device's label, false where it has none. TypeLabel reads its type.
func (r *Registry) Label(tenant, device, name string) (string, bool) {
	rec := r.tenants[tenant].get(device)
	if rec == nil {
		return "", false
	}
	return rec.label(name)
}

// put enters a record, in place of the one that its device has, and tells the ledger.
func (r *Registry) put(rec *record) {
	old := r.tenants[rec.tenant].get(rec.device)
	r.enter(rec, old)
	if rule := rec.ledgerRule(); !rule.Equal(old.ledgerRule()) {
		r.ledger.SetRule(rec.tenant, rec.device, rule)
	}
}

// enter is put without a word to the ledger. old is the entry that the device has, nil for none.
func (r *Registry) enter(rec, old *record) {
	t := r.index(rec.tenant)
	if old != nil {
		r.bytes -= old.size()
	}
	r.bytes += rec.size()
	if old == nil && rec.class != "" || old != nil && old.class != rec.class {
		r.classes.set(rec.tenant, rec.device, rec.class)
	}
	t.intern(rec, old)
	t.put(rec)
	r.table.put(rec)
}

// index is a tenant's, made where there is none.
func (r *Registry) index(tenant string) *tenantIndex {
	t := r.tenants[tenant]
	if t == nil {
		t = newTenantIndex()
		r.tenants[tenant] = t
	}
	return t
}

// remove drops the entry of a device that has one.
func (r *Registry) remove(old *record) {
	r.bytes -= old.size()
	if old.class != "" {
		r.classes.set(old.tenant, old.device, "")
	}
	r.table.remove(old.tenant, old.device)
	t := r.tenants[old.tenant]
	if t.remove(old.device); len(t.ids) == 0 {
		delete(r.tenants, old.tenant)
	}
	if old.rule != nil {
		r.ledger.SetRule(old.tenant, old.device, ledger.Rule{})
	}
}
