//go:build bug_duplicate_on_replay

package raftfsm

// Breaks: a request that comes again stores nothing, also after a restart. Restored from a floor, nobody's keys are remembered.
func (r *idempotencyRecord) part() *Part {
	p := &Part{Key: r.Key}
	copy(p.Sum[:], r.Sum)
	return p
}
