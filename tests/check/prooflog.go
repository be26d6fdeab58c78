package check

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// proofLog judges the log under the certificates: it is the same wherever it is shown, each later state continues the earlier ones, on no node
// does it go back, and no node counted anything else than the cluster.
func proofLog(r *Run) (out []Violation) {
	out = append(out, twoTrees(r)...)
	for _, c := range r.Certified {
		out = append(out, c.links()...)
	}
	out = append(out, twoSeals(r)...)
	out = append(out, rewound(r)...)
	return append(out, differing(r)...)
}

// treeSeen is a state of the log, and where it was shown.
type treeSeen struct {
	Tree
	node  string
	at    time.Duration
	where string
}

// trees yields every state of the log that anybody was shown.
func (r *Run) trees(yield func(treeSeen)) {
	for _, c := range r.Certified {
		yield(treeSeen{c.Log, c.Node, c.Return, c.String()})
		for _, l := range c.Links {
			yield(treeSeen{l.Tree, c.Node, c.Return, c.String()})
		}
	}
	for _, t := range r.Recorded {
		yield(treeSeen{t.Tree, t.Node, t.At, fmt.Sprintf("the records that %s gave at %s", t.Node, t.At)})
	}
	for i := range r.Sealings {
		s := &r.Sealings[i]
		yield(treeSeen{s.Log, s.Node, s.Return, s.String()})
		if s.Signed.Size > 0 {
			yield(treeSeen{s.Signed, s.Node, s.Return, s.String()})
		}
	}
}

// twoTrees is logs of one size with different roots.
func twoTrees(r *Run) (out []Violation) {
	first := map[int64]treeSeen{}
	r.trees(func(t treeSeen) {
		was, known := first[t.Size]
		if !known {
			first[t.Size] = t
			return
		}
		if was.Root != t.Root {
			what := fmt.Sprintf("TWO LOGS: of %d records, with roots %s and %s", t.Size, was.Root, t.Root)
			out = append(out, Violation{What: what, Node: t.node, At: t.at, Witnesses: []string{t.where, was.where}})
		}
	})
	return out
}

// links are the proofs that the log continues what was asked for: there is one for each, and it holds.
func (c *Certificate) links() (out []Violation) {
	fault := func(format string, args ...any) {
		out = append(out, Violation{What: "REWRITTEN: " + fmt.Sprintf(format, args...), Node: c.Node, At: c.Return, Witnesses: []string{c.String()}})
	}
	for _, size := range c.Asked.Since {
		if !slices.ContainsFunc(c.Links, func(l Link) bool { return l.Size == size }) {
			fault("nothing shows that the log of %d records continues that of %d", c.Log.Size, size)
		}
	}
	for _, l := range c.Links {
		if err := tlog.CheckTree(l.Proof, c.Log.Size, c.Log.Root, l.Size, l.Root); err != nil {
			fault("the log of %d records does not continue that of %d: %v", c.Log.Size, l.Size, err)
		}
	}
	return out
}

// seals are those of a certificate: each behind the one before, and none behind the census.
func (j *certificateJudge) seals() {
	ordinal, end := uint32(0), uint64(0)
	for _, s := range j.Seals {
		follows := s.Ordinal > ordinal && s.First > end && s.Last >= s.First
		if !follows || s.Ordinal > j.Sealed || s.Last > j.Index || s.Ordinal == j.Sealed && s.Last < j.Index {
			j.fault(Counter{}, Numbers{}, "SEALS: number %d has the indexes %d to %d, number %d before it ends at %d, the census of %d is at %d",
				s.Ordinal, s.First, s.Last, ordinal, end, j.Sealed, j.Index)
			return
		}
		ordinal, end = s.Ordinal, s.Last
	}
	if j.Asked.Counts && len(j.Seals) > 0 {
		j.fault(Counter{}, Numbers{}, "SEALS: %d of them, although counts were asked for only", len(j.Seals))
	}
	if j.h.finals != nil && !j.Asked.Counts {
		j.sealed()
	}
}

// sealed holds the seals that a certificate shows against where the frames of its scope were committed: each has some, and none is in a seal that is
// not shown.
func (j *certificateJudge) sealed() {
	has := make([]bool, len(j.Seals))
	for i := range j.Counted {
		c := &j.Counted[i]
		s := j.h.finals.counters[c.Counter]
		if s == nil || c.Server && len(j.Asked.Seq) > 0 {
			return // nobody knows where its frames are
		}
		in := NumbersOf(Span{0, math.MaxUint64 - 1})
		if !c.Server {
			in = j.Asked.numbers()
		}
		left := s.by(j.place()).And(in)
		for k, seal := range j.Seals {
			before, end := place{j.History, seal.First - 1}, place{j.History, seal.Last}
			inside := s.by(end).Minus(s.by(before)).And(in)
			has[k] = has[k] || !inside.Empty() || c.Server && s.rowsBy(end) > s.rowsBy(before)
			left = left.Minus(inside)
		}
		if !left.Empty() {
			j.fault(c.Counter, left, "SEALS: no seal that it shows has these frames")
		}
	}
	if k := slices.Index(has, false); k >= 0 {
		j.fault(Counter{}, Numbers{}, "SEALS: number %d has no frame of its scope", j.Seals[k].Ordinal)
	}
}

// twoSeals is ordinals with more than one SEAL.
func twoSeals(r *Run) (out []Violation) {
	first := map[uint32]Seal{}
	for _, c := range r.Certified {
		for _, s := range c.Seals {
			if was, known := first[s.Ordinal]; known && was != s {
				out = append(out, Violation{What: fmt.Sprintf("TWO LOGS: seal %d is %+v, and was %+v", s.Ordinal, s, was), Node: c.Node, At: c.Return,
					Witnesses: []string{c.String()}})
			}
			first[s.Ordinal] = s
		}
	}
	return out
}

func (s *Sealing) String() string {
	return fmt.Sprintf("%s at %s..%s: %d seals, %d pending, log of %d records, %d signed by %v, objection %q, differences %q",
		s.Node, s.Invoke, s.Return, s.Sealed, s.Pending, s.Log.Size, s.Signed.Size, s.Signers, s.Objection, s.Differences)
}

// less reports whether a sample knows less than an earlier one.
func (s *Sealing) less(than *Sealing) bool {
	return s.Sealed < than.Sealed || s.Log.Size < than.Log.Size || s.Signed.Size < than.Signed.Size
}

// rewound is samples of a node that know less than an earlier one in the same life, and in the end, when all has settled, than any.
func rewound(r *Run) (out []Violation) {
	h := r.history()
	samples := make([]*Sealing, 0, len(r.Sealings))
	for i := range r.Sealings {
		samples = append(samples, &r.Sealings[i])
	}
	slices.SortStableFunc(samples, func(a, b *Sealing) int { return cmp.Compare(a.Return, b.Return) })
	before := map[string]*Sealing{}
	for _, s := range samples {
		was := before[s.Node]
		before[s.Node] = s
		if was != nil && was.Return < s.Invoke && h.stretch(s.Node, was.Invoke) == h.stretch(s.Node, s.Return) && s.less(was) {
			out = append(out, Violation{What: "REWOUND: the proof went back", Node: s.Node, At: s.Return, Witnesses: []string{was.String(), s.String()}})
		}
	}
	for _, f := range r.Finals {
		last := before[f.Node]
		if last == nil || last.Invoke < f.At {
			continue
		}
		for _, s := range samples {
			if s.Return < f.At && last.less(s) {
				out = append(out, Violation{What: "REWOUND: in the end the node knows less of the proof than was known before", Node: f.Node, At: last.Return,
					Witnesses: []string{s.String(), last.String()}})
				break
			}
		}
	}
	return out
}

// differing is nodes that counted something else than the cluster, although nothing on their disks was changed, and those that did not,
// although it was.
func differing(r *Run) (out []Violation) {
	for i := range r.Faults {
		f := &r.Faults[i]
		said := func(s Sealing) bool { return s.Node == f.Node && s.Invoke >= f.To && len(s.Differences) > 0 }
		if f.Forged && !slices.ContainsFunc(r.Sealings, said) {
			const what = "SILENT: frames on its disk were changed, and the node vouches for what the cluster has"
			out = append(out, Violation{What: what, Node: f.Node, At: f.To, Witnesses: []string{f.String()}})
		}
	}
	told := map[string]bool{}
	for i := range r.Sealings {
		s := &r.Sealings[i]
		if len(s.Differences) > 0 && !told[s.Node] && !r.broken(s.Node, s.Return) {
			told[s.Node] = true
			out = append(out, Violation{What: "DIFFERS: the node counted something else than the cluster", Node: s.Node, At: s.Return,
				Witnesses: s.Differences[:min(len(s.Differences), fewWitnesses)]})
		}
	}
	return out
}
