package check

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// spoilCertificate changes one that has what fits.
func spoilCertificate(fits func(*Certificate) bool, change func(p *planting, c *Certificate)) func(*planting, *Run) bool {
	return func(p *planting, r *Run) bool {
		at := pick(p, r.Certified, func(c **Certificate) bool { return fits(*c) })
		if at == nil {
			return false
		}
		c := (*at).clone()
		change(p, c)
		*at = c
		return true
	}
}

// spoilCounted changes what one says of a counter with device numbers.
func spoilCounted(fits func(*Counted) bool, change func(p *planting, c *Counted)) func(*planting, *Run) bool {
	right := func(c *Counted) bool { return !c.Server && c.Known && fits(c) }
	return spoilCertificate(func(c *Certificate) bool {
		return slices.ContainsFunc(c.Counted, func(k Counted) bool { return right(&k) })
	}, func(p *planting, c *Certificate) {
		k := pick(p, c.Counted, right)
		change(p, k)
		k.GapReport.settle()
		*k = certified(k.GapReport)
		c.settle()
	})
}

func anyCertificate(*Certificate) bool { return true }

func later(c *Certificate) bool { return len(c.Links) > 1 }

func (c *Counted) open() bool {
	return slices.ContainsFunc(c.Gaps, func(g Gap) bool { return g.Cause == "" })
}

// certificatePlants are about certificates and the log under them.
var certificatePlants = []plant{
	{name: "a number counts as stored that is not", checker: "certificates", words: "FALSE: FORGOTTEN", run: spoilCounted(
		func(c *Counted) bool { return hasGaps(&c.GapReport) && c.Gaps[0].Count() > 1 },
		func(_ *planting, c *Counted) { c.Gaps[0].First++ })},
	{name: "an open gap is left out", checker: "certificates", words: "FALSE: FORGOTTEN", run: spoilCounted((*Counted).open,
		func(_ *planting, c *Counted) {
			i := slices.IndexFunc(c.Gaps, func(g Gap) bool { return g.Cause == "" })
			c.Gaps = slices.Delete(c.Gaps, i, i+1)
		})},
	{name: "what was acknowledged is called missing", checker: "certificates", words: "FALSE: lists as missing", run: spoilCounted(
		func(c *Counted) bool { return !c.expected().Minus(c.missing()).Empty() },
		func(_ *planting, c *Counted) {
			n, _ := c.expected().Minus(c.missing()).Min()
			c.Gaps = append(c.Gaps, Gap{Span{n, n}, "OPEN", ""})
			slices.SortFunc(c.Gaps, func(a, b Gap) int { return int(a.First) - int(b.First) })
		})},
	{name: "a cause of what may still come", checker: "certificates", words: "FALSE: CAUSE", run: spoilCounted((*Counted).open,
		func(_ *planting, c *Counted) {
			i := slices.IndexFunc(c.Gaps, func(g Gap) bool { return g.Cause == "" })
			c.Gaps[i].Cause = "never_arrived"
		})},
	{name: "two accounts of one index", checker: "certificates", words: "among certificates and gap reports", run: func(p *planting, r *Run) bool {
		c := r.Certified[len(r.Certified)-1]
		i := slices.IndexFunc(c.Counted, func(k Counted) bool { return !k.Server && hasGaps(&k.GapReport) })
		if i < 0 {
			return false
		}
		g := c.Counted[i].GapReport
		g.Gaps = g.Gaps[1:]
		g.settle()
		r.GapReports = append(r.GapReports, g)
		return true
	}},
	{name: "a counter is left out", checker: "certificates", words: "LEFT OUT: it says nothing", run: spoilCertificate(
		func(c *Certificate) bool { return len(c.Counted) > 1 && c.Counted[0].Stored > 0 },
		func(_ *planting, c *Certificate) { c.Counted = c.Counted[1:]; c.settle() })},
	{name: "numbers of its scope are left out", checker: "certificates", words: "LEFT OUT: of the numbers", run: spoilCertificate(later,
		func(_ *planting, c *Certificate) {
			c.Asked.Seq = []uint64{0, 1 << 40}
			c.Scope.Seq = c.Asked.Seq
			for i := range c.Counted {
				if k := &c.Counted[i]; k.Known && !k.Server {
					k.Part, k.Gaps, k.Last = true, nil, k.First
					k.GapReport.settle()
				}
			}
			c.settle()
		})},
	{name: "a device that is known is called unknown", checker: "certificates", words: "LEFT OUT: it calls the device", run: spoilCertificate(
		later, func(_ *planting, c *Certificate) { c.Absent = []string{c.Counted[0].Counter.Device}; c.settle() })},
	{name: "frames without numbers are counted wrongly", checker: "certificates", words: "frames stored, ", run: spoilCertificate(later,
		func(_ *planting, c *Certificate) {
			i := slices.IndexFunc(c.Counted, func(k Counted) bool { return k.Server })
			k := &c.Counted[i]
			k.Last, k.Expected, k.Stored = k.Last+1, k.Expected+1, k.Stored+1
			k.A.Expected, k.A.Stored = k.Expected, k.Stored
			c.settle()
		})},
	{name: "a verdict that is too good", checker: "certificates", words: "VERDICT: COMPLETE, but it follows", run: spoilCertificate(
		func(c *Certificate) bool { return c.Counted[0].Verdict != "COMPLETE" },
		func(_ *planting, c *Certificate) { c.Counted[0].Verdict = "COMPLETE"; c.settle() })},
	{name: "complete without ends", checker: "certificates", words: "and its ends are", run: spoilCertificate(later,
		func(_ *planting, c *Certificate) {
			k := &c.Counted[0]
			k.Reasons, k.Verdict, k.Gaps, k.HeadBasis = nil, "COMPLETE", nil, "first_seen"
			k.GapReport.settle()
		})},
	{name: "sums that do not add up", checker: "certificates", words: "SUMS", run: spoilCertificate(anyCertificate,
		func(_ *planting, c *Certificate) { c.Sums.Stored++ })},
	{name: "it does not confirm itself", checker: "certificates", words: "NOT CONFIRMED", run: spoilCertificate(anyCertificate,
		func(p *planting, c *Certificate) {
			c.Verified[p.rng.IntN(2)] = Verification{Disk: "n1", Code: 10, Failed: "strips", Text: "other numbers"}
		})},
	{name: "its whole is better than its parts", checker: "certificates", words: "and the worst of its counters is", run: spoilCertificate(
		func(c *Certificate) bool { return c.Verdict != "COMPLETE" },
		func(_ *planting, c *Certificate) { c.Verdict = "COMPLETE"; c.Verified = nil })},
	{name: "it is about something else", checker: "certificates", words: "OTHER SCOPE", run: spoilCertificate(anyCertificate,
		func(_ *planting, c *Certificate) { c.Scope.Devices = c.Scope.Devices[1:] })},
	{name: "it tells of what was not asked for", checker: "certificates", words: "was not asked for", run: spoilCertificate(later,
		func(_ *planting, c *Certificate) {
			c.Asked.Devices = []string{"another"}
			c.Scope.Devices = c.Asked.Devices
		})},
	{name: "everything until now is not in it", checker: "certificates", words: "BEHIND", run: func(_ *planting, r *Run) bool {
		old, last := r.Certified[0].clone(), r.Certified[len(r.Certified)-1]
		old.Invoke, old.Return = last.Return+1, last.Return+2
		r.Certified = append(r.Certified, old)
		return true
	}},
	{name: "what it calls stored is not on a node", checker: "certificates", words: "GONE: n2", run: func(p *planting, r *Run) bool {
		f := NewFinal("n2")
		was := r.Finals[1]
		for i := range p.rows["n2"][1:] {
			f.AddRow(&p.rows["n2"][i+1])
		}
		f.At, f.Ready, f.History, f.Index = was.At, true, was.History, was.Index
		f.Gaps, f.Latest, f.Ledger, f.Storage = was.Gaps, was.Latest, was.Ledger, was.Storage
		r.Finals[1] = f
		return p.rows["n2"][0].Numbered
	}},
	{name: "what it calls stored has other bytes on a node", checker: "certificates", words: "CHANGED: what it calls stored",
		rows: func(p *planting) bool {
			row := pick(p, p.rows["n3"], func(r *Row) bool { return r.Numbered && p.acked(r) != nil })
			row.Wrong = "field v is 1, sent was 2"
			return true
		}},
	{name: "a log that was written anew", checker: "certificates", words: "TWO LOGS: of", run: spoilCertificate(later,
		func(_ *planting, c *Certificate) { c.Log.Root[3] ^= 1; c.Links = nil; c.Asked.Since = nil })},
	{name: "another log on a node", checker: "certificates", words: "TWO LOGS: of", run: func(p *planting, r *Run) bool {
		s := pick(p, r.Sealings, func(*Sealing) bool { return true })
		s.Log.Root[0] ^= 1
		return true
	}},
	{name: "records that are not those that were signed", checker: "certificates", words: "TWO LOGS: of", run: func(p *planting, r *Run) bool {
		t := Recorded{Tree: p.proof.tree(p.proof.sizes[0]), Node: "n3", At: p.now}
		t.Root[1] ^= 4
		r.Recorded = append(r.Recorded, t)
		return true
	}},
	{name: "a seal that changes", checker: "certificates", words: "TWO LOGS: seal", run: spoilCertificate(later,
		func(_ *planting, c *Certificate) { c.Seals[0].Root = "another" })},
	{name: "a log that does not continue", checker: "certificates", words: "REWRITTEN: the log of", run: spoilCertificate(
		func(c *Certificate) bool { return len(c.Links) > 1 && len(c.Links[0].Proof) > 0 },
		func(_ *planting, c *Certificate) {
			c.Links[0].Proof = slices.Clone(c.Links[0].Proof)
			c.Links[0].Proof[0][7] ^= 1
		})},
	{name: "a log that does not show to continue", checker: "certificates", words: "REWRITTEN: nothing shows", run: spoilCertificate(later,
		func(_ *planting, c *Certificate) { c.Links = c.Links[1:] })},
	{name: "a seal is left out", checker: "certificates", words: "SEALS", run: spoilCertificate(later,
		func(p *planting, c *Certificate) {
			i := p.rng.IntN(len(c.Seals))
			c.Seals = slices.Delete(c.Seals, i, i+1)
		})},
	{name: "a seal comes twice", checker: "certificates", words: "SEALS", run: spoilCertificate(later,
		func(_ *planting, c *Certificate) { c.Seals = append(c.Seals, c.Seals[len(c.Seals)-1]) })},
	{name: "a seal behind its census", checker: "certificates", words: "SEALS: number", run: spoilCertificate(later,
		func(_ *planting, c *Certificate) { c.Sealed = c.Seals[len(c.Seals)-1].Ordinal - 1 })},
	{name: "a seal without anything of its scope", checker: "certificates", words: "has no frame of its scope", run: spoilCertificate(
		func(c *Certificate) bool { return len(c.Seals) > 0 && c.Seals[len(c.Seals)-1].Ordinal < c.Sealed },
		func(p *planting, c *Certificate) { c.Seals = append(c.Seals, p.proof.seals[c.Sealed-1]) })},
	{name: "seals, where counts were asked for", checker: "certificates", words: "SEALS: ", run: spoilCertificate(later,
		func(_ *planting, c *Certificate) { c.Asked.Counts, c.Scope.Counts = true, true })},
	{name: "a moment that came later", checker: "certificates", words: "MOMENT", run: spoilCertificate(
		func(c *Certificate) bool { return c.Invoke > 0 }, func(_ *planting, c *Certificate) { c.At = c.At.Add(time.Hour) })},
	{name: "a census that is not the newest", checker: "certificates", words: "SUPERSEDED", run: spoilCertificate(later,
		func(p *planting, c *Certificate) { c.Counts = p.run.Certified[0].Counts })},
	{name: "numbers of its time are left out", checker: "certificates", words: "LEFT OUT: of the numbers", run: spoilTimed(
		func(k *Counted) { k.Last, k.Gaps = k.First, nil })},
	{name: "numbers of another time", checker: "certificates", words: "TIME: by what", run: spoilTimed(
		func(k *Counted) { k.First, k.Gaps = k.Last+1, nil; k.Last++ })},
	{name: "its device fell silent in its time", checker: "certificates", words: "UNSPOKEN", run: spoilTimed(
		func(k *Counted) {
			k.Gaps, k.Reasons, k.Verdict, k.TailBasis = nil, nil, "COMPLETE", "watermark"
			k.DeclaredAt = modelTime(1 << 39)
		})},
	{name: "the proof goes back", checker: "certificates", words: "REWOUND: the proof", run: func(_ *planting, r *Run) bool {
		s := r.Sealings[len(r.Sealings)-1]
		s.Invoke, s.Return, s.Sealed = s.Return+1, s.Return+2, s.Sealed-1
		r.Sealings = append(r.Sealings, s)
		return true
	}},
	{name: "the proof ends before its end", checker: "certificates", words: "REWOUND: in the end", run: func(_ *planting, r *Run) bool {
		early := r.Sealings[len(r.Sealings)-1]
		early.Node, early.Invoke, early.Return = "n1", r.Healed, r.Healed
		for i := range r.Sealings {
			if s := &r.Sealings[i]; s.Node == "n1" && s.Invoke > r.Healed {
				r.Sealings[i].Sealed--
			}
		}
		early.Sealed++
		r.Sealings = append(r.Sealings, early)
		r.Events = append(r.Events, Event{At: r.Healed + 1, Kind: Started, Node: "n1", Server: "n1.a"})
		return true
	}},
	{name: "a node counts something else", checker: "certificates", words: "DIFFERS", run: func(_ *planting, r *Run) bool {
		s := &r.Sealings[len(r.Sealings)-1]
		s.Differences = []string{`{"ordinal":3}`}
		r.Faults = slices.DeleteFunc(r.Faults, func(f Fault) bool { return f.File != "" })
		return true
	}},
	{name: "a node vouches for what it has not", checker: "certificates", words: "SILENT", run: func(_ *planting, r *Run) bool {
		r.Faults = append(r.Faults, Fault{From: 1, To: 2, Kind: "forge", Node: "n1", File: "segments/x.gseg", Forged: true, Witness: 1})
		return true
	}},
	{name: "a node gives none in the end", checker: "certificates", words: WithheldWords, run: func(_ *planting, r *Run) bool {
		r.Certified = slices.DeleteFunc(r.Certified, func(c *Certificate) bool { return c.Node == "n2" && c.Invoke >= r.Healed })
		return true
	}},
}

// TestDifferencesOfAFlip: on a disk on which a bit was turned over, segments are not what their names say, and what a node counts may differ.
func TestDifferencesOfAFlip(t *testing.T) {
	r := generate(3, 500, nil)
	last := r.Certified[len(r.Certified)-1]
	last.Verified = append(last.Verified, Verification{Disk: "n2", Code: 10, Failed: "files", Text: "another SHA-256"})
	r.Sealings[len(r.Sealings)-1].Node = "n2"
	r.Sealings[len(r.Sealings)-1].Differences = []string{`{"ordinal":3}`}
	r.Faults = append(r.Faults, Fault{From: r.Healed - time.Second, Kind: "flip", Node: "n2", File: "segments/x.gseg", Witness: 1})
	if found := certificates(r); len(found) > 0 {
		t.Fatal(found)
	}
}

// TestWithheldBeyondTheBudget: a cluster that was asked too much need not certify anything, but what it certifies is true.
func TestWithheldBeyondTheBudget(t *testing.T) {
	for words, excused := range map[string]bool{WithheldWords: true, "SUMS": false} {
		pl := certificatePlants[slices.IndexFunc(certificatePlants, func(p plant) bool { return p.words == words })]
		seen := false
		for seed := range uint64(6) {
			r := pl.spoil(seed)
			r.Beyond = true
			v := Judge(r)
			seen = seen || slices.ContainsFunc(slices.Concat(v.Excused, v.Violations), func(v Violation) bool { return strings.HasPrefix(v.What, words) })
			if got := v.Result != Fail; got != excused {
				t.Errorf("%s: %s", words, v)
			}
		}
		if !seen {
			t.Errorf("nobody said %s", words)
		}
	}
}

// TestParseCheckpoint: what is no checkpoint is an error, never a tree.
func TestParseCheckpoint(t *testing.T) {
	root := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, tlog.HashSize))
	for note, size := range map[string]int64{
		"gapless/x\n12\n" + root + "\n\n— a b\n": 12, "gapless/x\n12\n" + root: -1, "": -1, "gapless/x\nmany\n" + root + "\n\n": -1,
		"gapless/x\n12\n" + root[1:] + "\n\n": -1,
	} {
		tree, err := ParseCheckpoint([]byte(note))
		if (err == nil) != (size >= 0) || err == nil && (tree.Size != size || tree.Root[0] != 7) {
			t.Errorf("%q: %+v %v", note, tree, err)
		}
	}
}
