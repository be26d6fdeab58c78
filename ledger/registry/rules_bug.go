//go:build bug_rule_forgotten

package registry

// Breaks: a device's rule holds after a restart. Nobody tells the restored ledger of it.
func (r *Registry) handRules() {}
