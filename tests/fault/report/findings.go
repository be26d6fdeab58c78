package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/tests/check"
)

// What is shown of each list.
const (
	fewFindings  = 10 // of each promise
	fewWitnesses = 6  // of each finding
	fewOnTop     = 4  // promises that are told of before the picture
	fewReasons   = 12
	longText     = 700
)

// finding is a promise that is broken, or that could not be judged, and the first proofs.
type finding struct {
	Name    string
	ID      string // where all that is shown of it stands on the page
	Words   string
	Decided bool // one of them is no doubt
	Top     bool // told of before the picture
	Shown   []violation
	Behind  int // how many more there are
}

// More is how many there are besides the first.
func (f finding) More() int { return len(f.Shown) - 1 + f.Behind }

// violation is one of them, or the same on several nodes.
type violation struct {
	What      string
	Facts     []fact
	Witnesses []string
	Behind    int
	Undecided bool
	same      string
	nodes     []string
}

// fact is a name with a value.
type fact struct{ Name, Value string }

// findings groups the violations by promise, in the order in which they come.
func (r *Report) findings() (list []finding) {
	at := map[string]int{}
	for _, v := range r.Verdict.Violations {
		i, known := at[v.Checker]
		if !known {
			i = len(list)
			at[v.Checker] = i
			list = append(list, finding{Name: v.Checker, ID: fmt.Sprintf("finding-%d", i+1), Words: wordsOf(v.Checker), Top: i < fewOnTop})
		}
		list[i].add(v)
	}
	for i := range list {
		for j := range list[i].Shown {
			list[i].Shown[j].name()
		}
	}
	return list
}

func (f *finding) add(v check.Violation) {
	f.Decided = f.Decided || !v.Undecided
	same := fmt.Sprintf("%s %s %s", v.What, v.Counter, v.Numbers)
	at := slices.IndexFunc(f.Shown, func(s violation) bool { return s.same == same })
	switch {
	case at >= 0 && v.Node != "":
		if s := &f.Shown[at]; !slices.Contains(s.nodes, v.Node) {
			s.nodes = append(s.nodes, v.Node)
		}
	case len(f.Shown) == fewFindings:
		f.Behind++
	default:
		f.Shown = append(f.Shown, shown(v, same))
	}
}

func shown(v check.Violation, same string) violation {
	out := violation{What: shorten(longText, v.What), Undecided: v.Undecided, same: same}
	add := func(name, value string) { out.Facts = append(out.Facts, fact{name, shorten(longText, value)}) }
	if v.Counter != (check.Counter{}) {
		add("counter", v.Counter.String())
	}
	if !v.Numbers.Empty() {
		add("numbers", v.Numbers.String())
	}
	if v.At != 0 {
		add("at", clock(v.At))
	}
	if v.Node != "" {
		out.nodes = []string{v.Node}
	}
	for i, w := range v.Witnesses {
		if i == fewWitnesses {
			out.Behind = len(v.Witnesses) - i
			break
		}
		out.Witnesses = append(out.Witnesses, shorten(longText, w))
	}
	return out
}

// name adds the nodes to the facts, once all are known.
func (v *violation) name() {
	if len(v.nodes) > 0 {
		v.Facts = append(v.Facts, fact{"on", shorten(longText, strings.Join(v.nodes, ", "))})
	}
}

// reasons is why the run proves nothing, without what the findings say already.
func (r *Report) reasons() (list []string) {
	undecided := map[string]bool{}
	for _, v := range r.Verdict.Violations {
		if v.Undecided {
			undecided[v.String()] = true
		}
	}
	if n := len(r.Verdict.Excused); n > 0 {
		list = append(list, shorten(longText, fmt.Sprintf("excused beyond the budget: %s, the first: %s", counted(n, "finding"), r.Verdict.Excused[0])))
	}
	for _, why := range r.Verdict.Why {
		if !undecided[why] {
			list = append(list, shorten(longText, why))
		}
	}
	if n := len(list); n > fewReasons {
		list = append(list[:fewReasons], fmt.Sprintf("and %d more", n-fewReasons))
	}
	return list
}
