package check

import (
	"fmt"
	"maps"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// modelProof is the log of the model: a SEAL and a CENSUS for each certificate.
type modelProof struct {
	hashes tlog.HashReaderFunc
	stored []tlog.Hash
	size   int64
	sizes  []int64 // of the checkpoints
	seals  []Seal
}

func (p *modelProof) append(record string) {
	p.hashes = func(indexes []int64) (list []tlog.Hash, err error) {
		for _, i := range indexes {
			list = append(list, p.stored[i])
		}
		return list, nil
	}
	fresh, err := tlog.StoredHashes(p.size, []byte(record), p.hashes)
	if err != nil {
		panic(err)
	}
	p.stored, p.size = append(p.stored, fresh...), p.size+1
}

func (p *modelProof) tree(size int64) Tree {
	root, err := tlog.TreeHash(size, p.hashes)
	if err != nil {
		panic(err)
	}
	return Tree{size, root}
}

func (p *modelProof) link(size int64) Link {
	proof, err := tlog.ProveTree(p.size, size, p.hashes)
	if err != nil {
		panic(err)
	}
	return Link{p.tree(size), proof}
}

// certify ends a seal, and has a node give a certificate of every device, and a sample of how far it is. It draws nothing.
func (m *model) certify(node string) {
	m.quiet()
	p := &m.proof
	since := slices.Clone(p.sizes)
	m.append(entry{cut: true})
	first := uint64(1)
	if n := len(p.seals); n > 0 {
		first = p.seals[n-1].Last + 1
	}
	p.seals = append(p.seals, Seal{Ordinal: uint32(len(p.seals) + 1), First: first, Last: m.index(), Root: fmt.Sprint("root-", len(p.seals))})
	p.append(fmt.Sprint("SEAL", m.index()))
	p.append(fmt.Sprint("CENSUS", m.index()))
	p.sizes = append(p.sizes, p.size)
	c := &Certificate{Log: p.tree(p.size), Counts: p.size - 1, Sealed: uint32(len(p.seals))}
	for _, s := range p.seals {
		if m.at(s.Last).frames() > m.at(s.First-1).frames() {
			c.Seals = append(c.Seals, s)
		}
	}
	c.Answer = Answer{Client: 71, Node: node, Consistency: Now, Invoke: m.now, Return: m.now + 5, History: 1, Index: m.index(), At: modelTime(m.index())}
	for _, d := range m.clients {
		c.Asked.Devices = append(c.Asked.Devices, d.name)
	}
	slices.Sort(c.Asked.Devices)
	c.Scope, c.Asked.Since = c.Asked, since
	for _, size := range since {
		c.Links = append(c.Links, p.link(size))
	}
	for _, l := range m.tip.lives {
		c.Counted = append(c.Counted, certified(l.report(c.Answer)))
	}
	for _, d := range c.Asked.Devices {
		if !slices.ContainsFunc(c.Counted, func(c Counted) bool { return c.Counter.Device == d }) {
			c.Absent = append(c.Absent, d)
		}
	}
	c.settle()
	m.run.Certified = append(m.run.Certified, c)
	m.applied[node] = m.index()
	m.quiet()
	m.run.Sealings = append(m.run.Sealings, Sealing{
		Invoke: m.now, Return: m.now + 2, Node: node, Sealed: c.Sealed, Log: c.Log, Signed: c.Log, Signers: slices.Clone(modelNodes),
	})
	m.quiet()
}

// certified is what a certificate says where a node reports this.
func certified(g GapReport) Counted {
	c := Counted{GapReport: g}
	if c.Known && c.First <= c.Last {
		c.Whole = []uint64{c.First, c.Last}
	}
	add := func(is bool, why string) {
		if is {
			c.Reasons = append(c.Reasons, why)
		}
	}
	switch {
	case c.Server:
		add(true, "no sequence")
	case c.Stored < c.Expected:
		add(true, "missing")
		add(c.A.Open > 0, "open")
	default:
		add(c.HeadBasis != "declared", "head_not_declared")
		add(c.TailBasis == "last_seen", "tail_not_declared")
		add(c.Conflict > 0, "conflict")
	}
	c.Verdict = c.grade()
	return c
}

// settle makes sums, verdict and what came of checking it fit the counters, so that only what was meant is wrong.
func (c *Certificate) settle() {
	c.Sums, c.Verdict = Sums{Causes: map[string]uint64{}}, verdicts[0]
	for i := range c.Counted {
		k := &c.Counted[i]
		c.Sums.Expected, c.Sums.Stored, c.Sums.Missing = c.Sums.Expected+k.Expected, c.Sums.Stored+k.Stored, c.Sums.Missing+k.Expected-k.Stored
		for _, g := range k.Gaps {
			if g.Cause == "" {
				c.Sums.Open += g.Count()
			} else {
				c.Sums.Causes[g.Cause] += g.Count()
			}
		}
	}
	c.Verdict = c.worst()
	c.Verified = []Verification{{Code: verdictCodes[c.Verdict]}, {Disk: "n1", Code: verdictCodes[c.Verdict]}}
}

// clone is a certificate of which everything that plants change is its own.
func (c *Certificate) clone() *Certificate {
	d := *c
	d.Counted, d.Links, d.Seals = slices.Clone(c.Counted), slices.Clone(c.Links), slices.Clone(c.Seals)
	d.Verified, d.Sums.Causes = slices.Clone(c.Verified), maps.Clone(c.Sums.Causes)
	for i := range d.Counted {
		d.Counted[i].Gaps = slices.Clone(d.Counted[i].Gaps)
	}
	return &d
}
