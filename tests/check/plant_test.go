package check

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// plant is one way in which a store, or its answers, can be wrong: done to a run of the model that is right.
type plant struct {
	name    string
	checker string                         // must notice,
	words   string                         // with these
	rows    func(p *planting) bool         // changes what the nodes show in the end; false where the run has nothing to spoil
	run     func(p *planting, r *Run) bool // changes anything else
}

// planting is a run while it is being spoilt.
type planting struct {
	*model
	rng *rand.Rand
}

// pick is any element that fits, nil when none does.
func pick[T any](p *planting, list []T, fits func(*T) bool) *T {
	var found []*T
	for i := range list {
		if fits(&list[i]) {
			found = append(found, &list[i])
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found[p.rng.IntN(len(found))]
}

// node is any of them.
func (p *planting) node() string { return modelNodes[p.rng.IntN(len(modelNodes))] }

// everywhere does something to the rows of every node.
func (p *planting) everywhere(do func(rows []Row) []Row) {
	for node, rows := range p.rows {
		p.rows[node] = do(slices.Clone(rows))
	}
}

// batch is any that fits.
func (p *planting) batch(fits func(*Batch) bool) *Batch { return pick(p, p.run.Batches, fits) }

// is reports whether a row is of a batch.
func (b *Batch) has(r *Row) bool {
	return r.Counter == b.Counter && b.First <= r.Number && r.Number <= b.Last && !b.rejects(r.Number)
}

// spoil generates a run with one thing wrong. It is nil where the seed gives nothing to spoil.
func (pl *plant) spoil(seed uint64) *Run {
	p := &planting{rng: rand.New(rand.NewPCG(seed, 2))}
	applies := true
	r := generate(seed, 500, func(m *model) {
		p.model = m
		if pl.rows != nil {
			applies = pl.rows(p)
		}
	})
	if applies && pl.run != nil {
		applies = pl.run(p, r)
	}
	if !applies {
		return nil
	}
	return r
}

// noticed reports whether the checker said the words.
func (pl *plant) noticed(v Verdict) bool {
	return slices.ContainsFunc(v.Violations, func(found Violation) bool {
		return found.Checker == pl.checker && !found.Undecided && strings.Contains(found.String(), pl.words)
	})
}

// TestPlants: whatever is wrong is noticed, wherever in a run it is.
func TestPlants(t *testing.T) {
	for _, pl := range slices.Concat(framePlants, gapPlants, answerPlants, nodePlants, pagePlants, tailPlants, certificatePlants) {
		t.Run(pl.checker+"/"+strings.ReplaceAll(pl.name, " ", "_"), func(t *testing.T) {
			spoilt := 0
			for seed := uint64(0); spoilt < 2 && seed < 24; seed++ {
				r := pl.spoil(seed)
				if r == nil {
					continue
				}
				spoilt++
				if v := Judge(r); v.Result != Fail || !pl.noticed(v) {
					t.Fatalf("seed %d: %s does not say %q: %s", seed, pl.checker, pl.words, v)
				}
			}
			if spoilt == 0 {
				t.Fatal("no seed has anything to spoil")
			}
		})
	}
}

// TestEveryCheckerFails: there is a plant for every checker.
func TestEveryCheckerFails(t *testing.T) {
	for _, c := range All() {
		if !slices.ContainsFunc(slices.Concat(framePlants, gapPlants, answerPlants, nodePlants, pagePlants, tailPlants, certificatePlants),
			func(p plant) bool { return p.checker == c.Name() }) {
			t.Errorf("nothing shows that %s can fail", c.Name())
		}
	}
}
