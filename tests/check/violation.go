package check

import (
	"fmt"
	"strings"
	"time"
)

// Checker holds a run against one promise. It keeps nothing.
type Checker interface {
	Name() string
	Check(*Run) []Violation
}

// Violation is one broken promise: what, where, when, and what a person needs to start from.
type Violation struct {
	Checker   string
	What      string
	Counter   Counter // zero where it is about none
	Numbers   Numbers // of the counter
	Node      string
	At        time.Duration
	Witnesses []string // the first few operations that prove it
	Undecided bool     // the checker gave up: the run is Unknown, not Fail
}

func (v Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", v.Checker, v.What)
	if v.Counter != (Counter{}) {
		fmt.Fprintf(&b, ": %s", v.Counter)
	}
	if !v.Numbers.Empty() {
		fmt.Fprintf(&b, " %s", v.Numbers)
	}
	if v.Node != "" {
		fmt.Fprintf(&b, " on %s", v.Node)
	}
	fmt.Fprintf(&b, " at %s", v.At)
	for _, w := range v.Witnesses {
		fmt.Fprintf(&b, "\n    %s", w)
	}
	return b.String()
}

// Result is the outcome of a judgement.
type Result uint8

const (
	Inconclusive Result = iota // no promise is seen broken, but the run proves nothing
	Pass
	Fail
)

func (r Result) String() string { return [...]string{"UNKNOWN", "PASS", "FAIL"}[r] }

// Verdict is what all checkers say of a run.
type Verdict struct {
	Result     Result
	Violations []Violation
	Excused    []Violation // what the cluster may come to, because the run was beyond the budget
	Why        []string    // why the run proves nothing, if it does not
	Blind      []string    // promises that nothing in the run is about
}
