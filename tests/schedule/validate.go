package schedule

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of a schedule.
const (
	MaxNodes  = 9
	MaxSteps  = 10_000
	MaxLength = 24 * time.Hour
	maxNote   = 1_000 // bytes
)

// Validate tells whether every value of s is one that doc.go gives a meaning to. The error names the first step that is wrong, counted from
// 1 as String does. It says nothing of the budget, nor of steps that get into each other's way: Budget and Overlap do.
func (s *Schedule) Validate() error {
	if s.Version < 1 || s.Version > Version {
		return fmt.Errorf("schedule: version %d, known are 1 to %d", s.Version, Version)
	}
	if err := validNote(s.Note); err != nil {
		return err
	}
	if s.Nodes < 1 || s.Nodes > MaxNodes {
		return fmt.Errorf("schedule: %d nodes, want 1 to %d", s.Nodes, MaxNodes)
	}
	if s.Length <= 0 || s.Length > MaxLength || !wholeMS(s.Length) {
		return fmt.Errorf("schedule: length %s, want whole milliseconds up to %s", s.Length, MaxLength)
	}
	if s.Recovery < 0 || s.Recovery > MaxLength || !wholeMS(s.Recovery) {
		return fmt.Errorf("schedule: recovery %s, want whole milliseconds up to %s", s.Recovery, MaxLength)
	}
	if len(s.Steps) > MaxSteps {
		return fmt.Errorf("schedule: %d steps, want at most %d", len(s.Steps), MaxSteps)
	}
	for i, t := range s.Steps {
		if i > 0 && t.At < s.Steps[i-1].At {
			return fmt.Errorf("schedule: step %d (%s): at %s, before step %d at %s", i+1, t.Fault, t.At, i, s.Steps[i-1].At)
		}
		if err := s.validStep(t); err != nil {
			return fmt.Errorf("schedule: step %d (%s): %w", i+1, t.Fault, err)
		}
	}
	return nil
}

func validNote(note string) error {
	if len(note) > maxNote {
		return fmt.Errorf("schedule: note of %d bytes, want at most %d", len(note), maxNote)
	}
	if !utf8.ValidString(note) || strings.ContainsFunc(note, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("schedule: note %q, want one line of printable text", note)
	}
	return nil
}

func (s *Schedule) validStep(t Step) error {
	k := kindOf(t.Fault)
	if k == &unknown {
		return fmt.Errorf("no such fault; there are %s", names())
	}
	if err := s.validTime(k, t); err != nil {
		return err
	}
	if err := s.validNodes(k, t); err != nil {
		return err
	}
	may := slices.Concat(k.Ways, k.Rare, k.Staged)
	if len(k.Ways) == 0 {
		may = append(may, "")
	}
	if !slices.Contains(may, t.How) {
		return fmt.Errorf("how %q, want %s", t.How, ways(may))
	}
	return validAmount(k, t)
}

func (s *Schedule) validTime(k *Kind, t Step) error {
	switch {
	case t.At < 0 || t.At > s.Length || !wholeMS(t.At):
		return fmt.Errorf("at %s, want whole milliseconds within the length of %s", t.At, s.Length)
	case t.For < 0 || t.For > s.Length-t.At || !wholeMS(t.For):
		return fmt.Errorf("at %s for %s, want whole milliseconds that end within the length of %s", t.At, t.For, s.Length)
	case k.Ends == "" && t.For > 0:
		return fmt.Errorf("for %s, but it is over at once", t.For)
	case k.Ends != "" && t.For == 0 && !(k.brief && t.How == Segment):
		return fmt.Errorf("for 0, but it lasts until it is ended")
	}
	return nil
}

func (s *Schedule) validNodes(k *Kind, t Step) error {
	if s.Nodes < k.Least {
		return fmt.Errorf("it takes %d nodes, and there are %d", k.Least, s.Nodes)
	}
	if t.Node < 0 || t.Node > s.Nodes {
		return fmt.Errorf("node %d of %d", t.Node, s.Nodes)
	}
	if t.Peer < 0 || t.Peer > s.Nodes {
		return fmt.Errorf("peer %d of %d", t.Peer, s.Nodes)
	}
	switch {
	case t.Node > 0 && (k.target == everyone || k.target == leader || k.target == handover):
		return fmt.Errorf("node %d, but it is not a choice here: want 0", t.Node)
	case t.Node > 0 && t.total():
		return fmt.Errorf("node %d, but it concerns all: want 0", t.Node)
	case k.target == twoNodes && (t.Node == 0 || t.Peer == 0 || t.Node == t.Peer):
		return fmt.Errorf("node %d and peer %d: want two nodes", t.Node, t.Peer)
	case t.Peer > 0 && k.target != oneLink && k.target != handover && k.target != twoNodes:
		return fmt.Errorf("peer %d, but it concerns no peer: want 0", t.Peer)
	case t.Peer > 0 && k.target == oneLink && t.Node == 0:
		return fmt.Errorf("peer %d of whoever leads, who may be the same: want 0, all others", t.Peer)
	case t.Peer > 0 && k.target == oneLink && t.Peer == t.Node:
		return fmt.Errorf("node and peer are both %d", t.Peer)
	}
	return nil
}

func validAmount(k *Kind, t Step) error {
	a := t.Amount
	switch {
	case math.IsNaN(a) || math.IsInf(a, 0):
		return fmt.Errorf("amount %v is not a number", a)
	case k.Unit == "" && a != 0:
		return fmt.Errorf("amount %v, but it has none: want 0", a)
	case k.Unit != "" && (a < k.Min || a > k.Max):
		return fmt.Errorf("amount %v %s, want %v to %v", a, k.Unit, k.Min, k.Max)
	case t.Fault == Clock && a == 0, t.Fault == Strobe && a == 0:
		return fmt.Errorf("amount 0: the clock would not move")
	case t.Fault == Stall && t.amountMS() > t.For:
		return fmt.Errorf("amount %v ms, but the step is over after %s", a, t.For)
	case t.Fault == Rollback && t.amountMS() > t.At:
		return fmt.Errorf("amount %v ms, but the run is only %s old", a, t.At)
	}
	return nil
}

// amountMS returns an Amount in ms as a duration.
func (t Step) amountMS() time.Duration { return time.Duration(t.Amount * float64(time.Millisecond)) }

func wholeMS(d time.Duration) bool { return d%time.Millisecond == 0 }

func names() string {
	list := make([]string, len(kinds))
	for i, k := range kinds {
		list[i] = string(k.Fault)
	}
	return strings.Join(list, ", ")
}

func ways(list []string) string {
	quoted := make([]string, len(list))
	for i, w := range list {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	return strings.Join(quoted, " or ")
}
