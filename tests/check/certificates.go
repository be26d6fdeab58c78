package check

import (
	"fmt"
	"slices"
)

// WithheldWords begin what is said of a certificate that is not given, or of a seal that does not come.
const WithheldWords = "WITHHELD: "

// certificates: a certificate confirms itself offline, with the bytes on each node's disk, too. What it calls stored was sent and is there in
// the end, with the same bytes; what it calls missing was not stored at its index; its sums and its verdict follow from that. One that is asked
// for now has all that was acknowledged before; none is of a later moment than its index, or of a census that is not the newest of its log. The log
// under it only grows, and is the same wherever it is shown. In the end every node gives one.
func certificates(r *Run) (out []Violation) {
	h := r.history()
	for _, c := range r.Certified {
		j := &certificateJudge{Certificate: c, run: r, h: h}
		j.judge()
		out = append(out, j.out...)
	}
	out = append(out, alike(r)...)
	out = append(out, behind(r)...)
	out = append(out, moments(r)...)
	out = append(out, superseded(r)...)
	out = append(out, proofLog(r)...)
	return append(out, r.uncertified()...)
}

// alike holds what certificates and gap reports say of one counter against each other: one index has one account, and a later one knows no less.
func alike(r *Run) (out []Violation) {
	by := map[Counter][]*GapReport{}
	for _, c := range r.Certified {
		for i := range c.Counted {
			if g := &c.Counted[i].GapReport; !g.Part && !g.Server {
				by[g.Counter] = append(by[g.Counter], g)
			}
		}
	}
	r.gapReports(func(g *GapReport) {
		if len(by[g.Counter]) > 0 {
			by[g.Counter] = append(by[g.Counter], g)
		}
	})
	for _, c := range sortedCounters(by) {
		for _, v := range successive(by[c]) {
			v.What = "FALSE: among certificates and gap reports: " + v.What
			out = append(out, v)
		}
	}
	return out
}

// behind is certificates of everything until now that do not contain what somebody had seen before they were asked for.
func behind(r *Run) (out []Violation) {
	seen := r.writes()
	r.answers(func(what string, a *Answer) { seen = append(seen, sighting{what, a, nil}) })
	var now []sighting
	for _, c := range r.Certified {
		s := sighting{"certificate", &c.Answer, c}
		seen = append(seen, s)
		if c.Consistency == Now {
			now = append(now, s)
		}
	}
	before(seen, now, func(top, s sighting) {
		if s.place().compare(top.place()) < 0 {
			out = append(out, Violation{
				What: fmt.Sprintf("BEHIND: a certificate of everything until now is as of %d, but %d was known before it was asked for", s.Index, top.Index),
				Node: s.Node, At: s.Return, Witnesses: []string{s.String(), top.String()},
			})
		}
	})
	return out
}

// uncertified is nodes that give no certificate of everything in the end.
func (r *Run) uncertified() (out []Violation) {
	if r.Healed == 0 || len(r.Certified) == 0 && len(r.Sealings) == 0 {
		return nil // nobody asked
	}
	for _, f := range r.Finals {
		given := func(c *Certificate) bool { return c.Node == f.Node && c.Consistency == Now && c.Invoke >= f.At }
		if slices.ContainsFunc(r.Certified, given) {
			continue
		}
		v := Violation{What: WithheldWords + "the node gives no certificate of everything in the end", Node: f.Node, At: f.At}
		for i := range r.Sealings {
			if s := &r.Sealings[i]; s.Node == f.Node && s.Invoke >= f.At {
				v.Witnesses = []string{s.String()}
			}
		}
		out = append(out, v)
	}
	return out
}
