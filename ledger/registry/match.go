package registry

import (
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
)

// TypeLabel is the label by which a device's type is selected and grouped. No label of a device's own has this name.
const TypeLabel = "type"

// Matcher selects the devices that have a label with a value.
type Matcher struct{ Name, Value string }

// String is the form that ParseMatcher reads.
func (m Matcher) String() string { return m.Name + "=" + m.Value }

// ParseMatcher reads "label=value". The value may have more '='. An error is an *Error.
func ParseMatcher(s string) (Matcher, error) {
	name, value, ok := strings.Cut(s, "=")
	if !ok {
		return Matcher{}, refuse("bad_match", "write label=value", "%q has no '='", s)
	}
	if err := checkLabel(name, value); err != nil {
		return Matcher{}, err
	}
	return Matcher{name, value}, nil
}

// Match is a tenant's devices that satisfy all the matchers, ascending; without matchers all of them. It costs a set operation for each matcher and a sort of
// what is found.
func (r *Registry) Match(tenant string, matchers []Matcher) []string {
	t := r.tenants[tenant]
	if t == nil {
		return nil
	}
	if len(matchers) == 0 {
		all := make([]string, 0, len(t.ids))
		for rec := range r.table.tenant(tenant) {
			all = append(all, rec.device)
		}
		return all
	}
	found := t.match(matchers)
	if found == nil {
		return nil
	}
	devices := make([]string, 0, found.GetCardinality())
	for it := found.Iterator(); it.HasNext(); {
		devices = append(devices, t.slots[it.Next()].device)
	}
	slices.Sort(devices)
	return devices
}

// match is the ordinals that satisfy all of at least one matcher, nil for none. The set may be the index's own: it is only read.
func (t *tenantIndex) match(matchers []Matcher) *roaring.Bitmap {
	sets := make([]*roaring.Bitmap, 0, len(matchers))
	for _, m := range matchers {
		set := t.labels[m.Name].set(m.Value)
		if set == nil {
			return nil
		}
		sets = append(sets, set)
	}
	if len(sets) == 1 {
		return sets[0]
	}
	return roaring.FastAnd(sets...)
}
