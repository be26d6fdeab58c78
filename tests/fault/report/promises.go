package report

import (
	"cmp"
	"strings"

	"github.com/gaplessdb/gapless/tests/check"
)

// mark says what came of a promise, as a word that is also its class in the style.
type mark string

const (
	held    mark = "held"
	broken  mark = "broken"
	gaveUp  mark = "undecided"
	nothing mark = "untested" // there was nothing to look at
)

// promise is one line of the table: a checker and what it found.
type promise struct {
	Name       string
	Words      string
	Mark       mark
	Looked     string // at how many of what
	Violations int
	Note       string // why it was blind
}

// words is what each checker watches over, for a reader who has seen no other file.
var words = map[string]string{
	"durable":      "What was acknowledged, or shown once, is on every node in the end.",
	"invented":     "Nothing is readable that nobody sent, or that was refused.",
	"once":         "A frame is stored once, however often it was sent.",
	"bytes":        "What is read has the bytes that were sent.",
	"epochs":       "Two lives of a device's counter are never taken for one, nor one for two.",
	"pages":        "Whoever reads a whole device during the trouble gets all that was acknowledged.",
	"tails":        "Whoever follows the tail gets every frame once, in the order of commits.",
	"gaps":         "A gap report names exactly the numbers that are missing.",
	"certificates": "A certificate claims what is true and no less, confirms itself offline and with each disk, and the log under it only grows.",
	"balance":      "Every number that was ever expected is accounted for in the ledger.",
	"latest":       "The newest frame never goes back.",
	"linear":       "A linearizable read sees everything that was acknowledged before it began.",
	"stale":        "An answer shows no less than the state that it says it shows.",
	"replicas":     "Nodes at the same place of the log have the same content.",
	"damage":       "Damaged bytes are noticed, reported and repaired; nothing else is called damaged.",
	"failstop":     "After a failed sync a process acknowledges nothing more, and ends.",
	"amnesia":      "No node votes twice, or as if it still had what it lost.",
	"onlycopy":     "The only copy of something is never removed.",
	"liveness":     "While a majority works, acknowledgements go on; in the end every node is ready.",
}

// besides is what the harness watches over itself.
var besides = map[string]string{
	"answers":     "A node answers what its documents say.",
	"close":       "A node that is told to stop stops in good order.",
	"crash":       "No process ends of its own accord while nothing is wrong with its machine.",
	"descriptors": "Clients do not take the descriptors that the log, Raft and segments need.",
	"dump":        "In the end, gapless dump finds every disk whole.",
	"merges":      "What a merge makes is the same on every node, and replaces what is there.",
}

// wordsOf is what somebody watches over who found something.
func wordsOf(name string) string {
	return cmp.Or(words[name], besides[name], "The harness could do what it was to do.")
}

// promises is every checker in its order, then whoever else found something.
func (r *Report) promises() (list []promise) {
	at := map[string]int{}
	looked := r.looked()
	for _, c := range check.All() {
		at[c.Name()] = len(list)
		list = append(list, promise{Name: c.Name(), Words: words[c.Name()], Mark: held, Looked: looked[c.Name()]})
	}
	for _, v := range r.Verdict.Violations {
		i, known := at[v.Checker]
		if !known {
			i = len(list)
			at[v.Checker] = i
			list = append(list, promise{Name: v.Checker, Words: wordsOf(v.Checker), Looked: "the whole run", Mark: held})
		}
		list[i].found(v)
	}
	for i := range list {
		if p := &list[i]; p.Mark == held && p.Looked == "" {
			p.Mark = nothing
		}
	}
	for _, blind := range r.Verdict.Blind {
		name, why, _ := strings.Cut(blind, ": ")
		if i, known := at[name]; known {
			list[i].Note = why
		}
	}
	return list
}

func (p *promise) found(v check.Violation) {
	p.Violations++
	if !v.Undecided {
		p.Mark = broken
	} else if p.Mark != broken {
		p.Mark = gaveUp
	}
}

// Result is what the line says of the outcome.
func (p promise) Result() string {
	switch p.Mark {
	case broken:
		return "broken: " + counted(p.Violations, "violation")
	case gaveUp:
		return "undecided"
	case nothing:
		return "not put to the test"
	}
	return "held"
}

func countMarks(list []promise, m mark) (n int) {
	for _, p := range list {
		if p.Mark == m {
			n++
		}
	}
	return n
}
