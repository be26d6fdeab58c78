//go:build !bug_duplicate_on_replay

package raftfsm

// part is the request that the record answers, as it is known when it comes again: behind the floor, too, in the log that is replayed on it.
func (r *idempotencyRecord) part() *Part {
	p := &Part{Tenant: r.Tenant, Key: r.Key}
	copy(p.Sum[:], r.Sum)
	return p
}
