package check

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// unrepairedWords begin what is said of damage that is still there.
const unrepairedWords = "UNREPAIRED: "

// damage: what a fault damaged is noticed once it was read again, and whole in the end; nothing else is ever called damaged. That nothing
// damaged was served is said by the checker bytes.
func damage(r *Run) (out []Violation) {
	for i := range r.Faults {
		if f := &r.Faults[i]; f.MustFind && !r.noticed(f) {
			out = append(out, Violation{
				What: "UNNOTICED: damage was read and not found", Node: f.Node, At: f.From, Witnesses: []string{f.String() + " " + f.File},
			})
		}
	}
	for i := range r.Events {
		if e := &r.Events[i]; e.Kind == Damaged && !r.caused(e) {
			out = append(out, Violation{What: "SELF-MADE: damage that no fault did", Node: e.Node, At: e.At, Witnesses: []string{e.String()}})
		}
	}
	for _, f := range r.Finals {
		if f.Storage != nil {
			out = append(out, f.unrepaired()...)
		}
	}
	return append(out, r.unmended()...)
}

// Noticed reports whether the node said something of a fault's damage, or refused to go on with it, while it had the disk.
func (r *Run) Noticed(f *Fault) bool {
	return r.onDisk(f, func(e *Event) bool { return e.Kind == Refusal || e.Kind == Damaged && sameFile(e.File, f.File) })
}

// StartedOn reports whether the node started, and served, on the disk that a fault damaged: what it reads at every start was read again.
func (r *Run) StartedOn(f *Fault) bool {
	return r.onDisk(f, func(e *Event) bool { return e.Kind == Started })
}

// onDisk reports whether the node of a fault had an event of some kind after it, on the disk of then.
func (r *Run) onDisk(f *Fault, is func(*Event) bool) bool {
	until := time.Duration(math.MaxInt64)
	for i := range r.Events {
		if e := &r.Events[i]; e.Node == f.Node && e.At >= f.From && (e.Kind == DiskLost || e.Kind == Wiped) {
			until = min(until, e.At)
		}
	}
	return slices.ContainsFunc(r.Events, func(e Event) bool { return e.Node == f.Node && e.At >= f.From && e.At <= until && is(&e) })
}

// noticed reports whether the node noticed a fault's damage, or counted it.
func (r *Run) noticed(f *Fault) bool {
	return r.Noticed(f) || slices.ContainsFunc(r.Finals, func(final *Final) bool { return final.Node == f.Node && final.Found > 0 })
}

// sameFile compares names as far as both have them: a segment keeps its name in quarantine, and its place changes.
func sameFile(a, b string) bool { return a == "" || b == "" || path.Base(a) == path.Base(b) }

// caused reports whether a fault damaged what a node calls damaged. What a power cut tore is no damage.
func (r *Run) caused(e *Event) bool {
	for i := range r.Faults {
		if f := &r.Faults[i]; f.File != "" && f.Node == e.Node && f.From <= e.At && sameFile(e.File, f.File) {
			return true
		}
	}
	return false
}

// unrepaired is what a node lacks in the end.
func (f *Final) unrepaired() (out []Violation) {
	add := func(format string, args ...any) {
		out = append(out, Violation{What: unrepairedWords + fmt.Sprintf(format, args...), Node: f.Node, At: f.At,
			Witnesses: []string{f.Storage.String()}})
	}
	if f.Storage.Missing > 0 {
		add("%d segments are missing in the end", f.Storage.Missing)
	}
	for _, g := range f.Storage.Segments {
		if g.State != "present" {
			add("segment %.16s is %s in the end (%s)", g.Name, g.State, g.Damage)
		}
	}
	return out
}

// unmended is damage that a node noticed, but of which it never said that it is gone, where the node went on with that disk.
func (r *Run) unmended() (out []Violation) {
	for i := range r.Events {
		e := &r.Events[i]
		if e.Kind != Damaged || r.over(e) {
			continue
		}
		out = append(out, Violation{What: unrepairedWords + "damage that was noticed was never repaired", Node: e.Node, At: e.At,
			Witnesses: []string{e.String()}})
	}
	return out
}

// over reports whether damage came to an end: repaired, the disk was given up, the manifest lists the segment no more, because it was merged, or the
// node has a floor again that reaches as far as the damaged one.
func (r *Run) over(damaged *Event) bool {
	for i := range r.Events {
		e := &r.Events[i]
		if e.Node != damaged.Node || e.At < damaged.At {
			continue
		}
		switch {
		case e.Kind == Repaired && sameFile(e.File, damaged.File), e.Kind == Wiped, e.Kind == Refusal:
			return true
		}
	}
	return r.replaced(damaged) || r.outgrown(damaged)
}

// outgrown reports whether a damaged floor is behind the node's newest one in the end.
func (r *Run) outgrown(damaged *Event) bool {
	digits, _, _ := strings.Cut(path.Base(damaged.File), "-")
	index, err := strconv.ParseUint(digits, 10, 64)
	return path.Ext(damaged.File) == ".gfl" && err == nil && slices.ContainsFunc(r.Finals, func(f *Final) bool {
		return f.Node == damaged.Node && f.Storage != nil && f.Storage.Floor >= index
	})
}

// replaced reports whether the node's manifest does not list a damaged segment in the end.
func (r *Run) replaced(damaged *Event) bool {
	name, isSegment := strings.CutSuffix(path.Base(damaged.File), ".gseg")
	return isSegment && slices.ContainsFunc(r.Finals, func(f *Final) bool {
		lists := func(g Segment) bool { return g.Name == name }
		return f.Node == damaged.Node && f.Storage != nil && f.Storage.listed() && !slices.ContainsFunc(f.Storage.Segments, lists)
	})
}
