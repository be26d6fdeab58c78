//go:build !bug_rule_forgotten

package registry

// handRules gives the ledger the rules of all entries, after a restore.
func (r *Registry) handRules() {
	for rec := range r.table.all() {
		if rec.rule != nil {
			r.ledger.SetRule(rec.tenant, rec.device, *rec.rule)
		}
	}
}
