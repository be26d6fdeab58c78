package tail

import (
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger/registry"
	"github.com/gaplessdb/gapless/query"
)

// filter is which frames of a tenant a reader wants. It belongs to one reader.
type filter struct {
	tenant  string
	devices map[string]bool    // these, or
	match   []registry.Matcher // those that have all of these labels, or, with neither, all
	stream  string             // "" for all
	class   frame.Class        // 0 for any
	system  bool               // with the store's own devices, which are otherwise given only by name

	matched  map[string]bool // what match leads to,
	revision uint64          // in this registry
	version  int             // how often matched changed
}

// whole reports whether the reader wants every frame of its tenant that is not the store's own.
func (f *filter) whole() bool {
	return f.devices == nil && f.match == nil && f.stream == "" && f.class == 0 && !f.system
}

// stale reports whether labels may have changed since the filter looked at them.
func (f *filter) stale(revision uint64) bool {
	return f.match != nil && (f.matched == nil || f.revision < revision)
}

// look finds the devices that match now.
func (f *filter) look(v *query.View) {
	revision := revisionOf(v)
	if !f.stale(revision) {
		return
	}
	f.matched = map[string]bool{}
	if v.Registry != nil {
		for _, device := range v.Registry.Match(f.tenant, f.match) {
			f.matched[device] = true
		}
	}
	f.revision = revision
	f.version++
}

func revisionOf(v *query.View) uint64 {
	if v.Registry == nil {
		return 0
	}
	return v.Registry.Revision()
}

// takes reports whether frames of a stream are wanted.
func (f *filter) takes(key *frame.StreamKey) bool {
	switch {
	case key.Tenant != f.tenant || f.stream != "" && key.Stream != f.stream:
		return false
	case f.devices != nil:
		return f.devices[key.Device]
	case f.match != nil:
		return f.matched[key.Device]
	}
	return f.system || key.Device[0] != '_'
}
