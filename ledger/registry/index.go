package registry

import (
	"github.com/RoaringBitmap/roaring/v2"
)

// tenantIndex finds a tenant's entries by name and by label. It is derived from the entries.
type tenantIndex struct {
	ids    map[string]uint32 // dense ordinals, by device
	slots  []*record         // by ordinal; nil for a free one
	free   []uint32
	labels map[string]*labelIndex // by name
}

// labelIndex has the ordinals that have a label, by value. An empty set is dropped.
type labelIndex struct {
	name   string // the one copy of it
	values map[string]*valueIndex
}

type valueIndex struct {
	value string // the one copy of it
	set   *roaring.Bitmap
}

// set is nil for a value that no device has.
func (l *labelIndex) set(value string) *roaring.Bitmap {
	if l == nil || l.values[value] == nil {
		return nil
	}
	return l.values[value].set
}

func newTenantIndex() *tenantIndex {
	return &tenantIndex{ids: map[string]uint32{}, labels: map[string]*labelIndex{}}
}

// get is nil for a device without an entry.
func (t *tenantIndex) get(device string) *record {
	if t == nil {
		return nil
	}
	ordinal, ok := t.ids[device]
	if !ok {
		return nil
	}
	return t.slots[ordinal]
}

// intern gives an entry that nobody has seen yet the index's copies of its labels, so that a fleet's names and values are kept once. Labels that it shares with
// the entry before are such copies, and may be read by a frozen checkpoint.
func (t *tenantIndex) intern(rec, before *record) {
	if before == nil || len(before.labels) == 0 || len(rec.labels) == 0 || &before.labels[0] != &rec.labels[0] {
		for i := range rec.labels {
			l := &rec.labels[i]
			l.name, l.value = copyOf(t, l.name, l.value)
		}
	}
	if rec.kind != "" {
		_, rec.kind = copyOf(t, TypeLabel, rec.kind)
	}
}

// copyOf is the index's copy of a label, or one of its own where the index has none.
func copyOf[T string | []byte](t *tenantIndex, name string, value T) (string, string) {
	l := t.labels[name]
	if l == nil {
		return name, string(value)
	}
	if v := l.values[string(value)]; v != nil {
		return l.name, v.value
	}
	return l.name, string(value)
}

// put enters an entry that may replace another.
func (t *tenantIndex) put(rec *record) {
	ordinal, known := t.ids[rec.device]
	switch {
	case known:
		t.unmark(t.slots[ordinal], ordinal)
	case len(t.free) > 0:
		ordinal = t.free[len(t.free)-1]
		t.free = t.free[:len(t.free)-1]
	default:
		ordinal = uint32(len(t.slots))
		t.slots = append(t.slots, nil)
	}
	t.ids[rec.device], t.slots[ordinal] = ordinal, rec
	rec.pairs(func(name, value string) { t.mark(name, value, ordinal) })
}

// remove drops the entry of a device that has one.
func (t *tenantIndex) remove(device string) {
	ordinal := t.ids[device]
	t.unmark(t.slots[ordinal], ordinal)
	t.slots[ordinal] = nil
	t.free = append(t.free, ordinal)
	delete(t.ids, device)
}

func (t *tenantIndex) mark(name, value string, ordinal uint32) {
	l := t.labels[name]
	if l == nil {
		l = &labelIndex{name, map[string]*valueIndex{}}
		t.labels[name] = l
	}
	v := l.values[value]
	if v == nil {
		v = &valueIndex{value, roaring.New()}
		l.values[value] = v
	}
	v.set.Add(ordinal)
}

func (t *tenantIndex) unmark(rec *record, ordinal uint32) {
	rec.pairs(func(name, value string) {
		l := t.labels[name]
		v := l.values[value]
		v.set.Remove(ordinal)
		if !v.set.IsEmpty() {
			return
		}
		if delete(l.values, value); len(l.values) == 0 {
			delete(t.labels, name)
		}
	})
}
