package registry

// Snapshot is the registry as it was at one moment. It never changes, so that it may be read with no lock, at any time, by any number of goroutines: doors look
// up devices while commands are applied. The zero value is empty.
type Snapshot struct {
	table   table
	classes classes
}

// Snapshot is the registry as of its newest change.
func (r *Registry) Snapshot() Snapshot { return r.newest }

// publish makes a snapshot of what a change left. It copies a pointer for every chunk and shard.
func (r *Registry) publish() { r.newest = Snapshot{r.table.fork(), r.classes.fork()} }

// HasClasses reports whether any entry has a class.
func (s *Snapshot) HasClasses() bool { return s.classes.count > 0 }

// Class is the class for frames of a device whose format has none, "" where no entry says so.
func (s *Snapshot) Class(tenant, device string) string { return s.classes.get(tenant, device) }
