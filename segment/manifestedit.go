package segment

import "slices"

// Edit replaces segments of a manifest by others that hold the same frames (a merge), or by none.
type Edit struct {
	Drop []Name // segments that go
	Add  []Info // segments that come in their place
}

// Edit returns the manifest after e, or m as it is and false where e is void: a segment that goes is not in m or is named twice; one that
// comes is there already, comes twice, or says something of itself that ParseManifest would refuse. Whether e is void depends on m and e
// alone, so it is on every node.
func (m *Manifest) Edit(e Edit) (*Manifest, bool) {
	drop := make(map[Name]bool, len(e.Drop))
	for _, n := range e.Drop {
		if drop[n] {
			return m, false
		}
		drop[n] = true
	}
	list := make([]Info, 0, len(m.Segments())+len(e.Add))
	for _, i := range m.Segments() {
		if !drop[i.Name] {
			list = append(list, i)
		}
	}
	if len(list)+len(drop) != len(m.Segments()) {
		return m, false
	}
	for i := range e.Add {
		if e.Add[i].check(0) != nil {
			return m, false
		}
	}
	list = append(list, e.Add...)
	if checkNames(list) != nil {
		return m, false
	}
	slices.SortFunc(list, Info.compare)
	return newManifest(list), true
}
