package shelf

import (
	"bytes"
	"slices"

	"github.com/gaplessdb/gapless/segment"
)

// State is what there is of a segment.
type State string

// The states of a segment.
const (
	Present     State = "present"
	Missing     State = "missing"
	Pulling     State = "pulling"
	Quarantined State = "quarantined" // damaged and not yet being pulled again
)

// States lists every State.
var States = []State{Present, Missing, Pulling, Quarantined}

// Status says what there is of one segment on this node.
type Status struct {
	Name   segment.Name
	State  State
	Wanted bool   // a manifest lists it
	Bytes  int64  // size of the file, 0 while it is not known
	Done   int64  // bytes that are here
	Source string // peer that gave the last bytes of a pull
	Damage string // why its last copy was put into quarantine, until it is here again
	Error  string // why the last attempt to bring it failed
}

// Status lists the wanted segments in the order of the manifest, then the others by name.
func (s *Shelf) Status() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Status, 0, len(s.entries))
	for _, e := range s.wanted {
		list = append(list, e.status())
	}
	for _, e := range s.entries {
		if !e.wanted && (e.presence != absent || len(e.copies) > 0) {
			list = append(list, e.status())
		}
	}
	slices.SortFunc(list[len(s.wanted):], func(a, b Status) int { return bytes.Compare(a.Name[:], b.Name[:]) })
	return list
}

// status is what Status says of an entry. The caller holds mu.
func (e *entry) status() Status {
	st := Status{Name: e.name, State: e.state(), Wanted: e.wanted, Bytes: e.info.Bytes, Done: e.pull.done, Source: e.pull.source}
	if st.State == Present {
		st.Done = st.Bytes
	}
	if e.damage != nil {
		st.Damage = e.damage.Error()
	}
	if e.failure != nil {
		st.Error = e.failure.Error()
	}
	return st
}

// count is how many segments are in a state: those that are here, and of the others the wanted ones.
func (s *Shelf) count(state State) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.state() == state && (e.wanted || e.presence != absent) {
			n++
		}
	}
	return n
}
