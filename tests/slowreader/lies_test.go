package slowreader

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/certificate"
)

// found are changes that have to be found out: at least one of each in the whole test.
var found = []string{
	"an account less", "a strip less", "two strips in the other order", "an ordinal less", "an ordinal without a number that counts",
	"ordinals in the other order", "an ordinal twice", "a SEAL that does not follow", "a SEAL behind its CENSUS", "counts only, with strips",
	"a time that was not over", "a SEAL behind, of a newer CENSUS", "a KEY behind, of a newer CENSUS", "a newer CENSUS", "a record behind that says nothing of it",
}

// changeLog lets the records say something else.
func (f *forgery) changeLog(rnd *rand.Rand, c *certificate.Certificate) string {
	at := int64(len(f.seals)) // where the CENSUS will stand
	later := f.census.Time
	behind := func(census int64, what string) string {
		if rnd.IntN(2) == 0 {
			f.behind = sealRecord{V: 1, Type: "SEAL", Time: later, At: later, Ordinal: f.census.Seal + 1, First: f.census.Index + 1,
				Last: f.census.Index + 9, History: f.census.History, Root: treeRoot(nil), Census: census}
			return "a SEAL behind" + what
		}
		f.behind = keyRecord{V: 1, Type: "KEY", Time: later, Node: "n1", By: "<one> & \u2028", Census: census}
		return "a KEY behind" + what
	}
	switch rnd.IntN(7) {
	case 0:
		return behind(at, "")
	case 1, 2:
		return behind(at+1-2*rnd.Int64N(2), ", of a newer CENSUS")
	case 3:
		newer := f.census
		newer.Census = at
		f.behind = newer
		return "a newer CENSUS"
	case 4:
		f.behind = map[string]any{"v": 1, "type": "MERGE", "time": later}
		return "a record behind that says nothing of it"
	case 5:
		if len(c.Scope.Time) == 0 {
			return "nothing else"
		}
		f.census.At = "2020-01-01T00:00:00.000Z"
		return "a time that was not over"
	}
	f.late = len(f.seals) > 0
	if !f.late {
		return "nothing else"
	}
	f.seals[at-1].Census = at - 1
	return "a SEAL behind its CENSUS"
}

// changeSeals shows other ordinals than those that have numbers that count.
func (f *forgery) changeSeals(t *testing.T, rnd *rand.Rand, c *certificate.Certificate) string {
	t.Helper()
	i := rnd.IntN(len(f.seals))
	switch kind := rnd.IntN(7); {
	case kind == 0:
		f.seals, f.strips = slices.Delete(f.seals, i, i+1), slices.Delete(f.strips, i, i+1)
		return "an ordinal less"
	case kind == 1:
		return f.idle(t, i, c)
	case kind == 2 && len(f.seals) > 1:
		i = rnd.IntN(len(f.seals) - 1)
		f.seals[i], f.seals[i+1] = f.seals[i+1], f.seals[i]
		f.strips[i], f.strips[i+1] = f.strips[i+1], f.strips[i]
		return "ordinals in the other order"
	case kind == 3:
		f.seals, f.strips = slices.Insert(f.seals, i, f.seals[i]), slices.Insert(f.strips, i, f.strips[i])
		return "an ordinal twice"
	case kind == 4:
		c.Scope.CountsOnly = true
		return "counts only, with strips"
	}
	s := &f.seals[i]
	switch rnd.IntN(4) {
	case 0:
		s.First = s.Last + 1
	case 1:
		s.History++
	case 2:
		s.Last++
	case 3:
		s.First = max(1, s.First-1)
	}
	return "a SEAL that does not follow"
}

// idle adds a strip that nobody asked for: of another device, or of numbers beyond those that count.
func (f *forgery) idle(t *testing.T, i int, c *certificate.Certificate) string {
	t.Helper()
	s, err := ParseStrip(f.strips[i][len(f.strips[i])-1])
	if err != nil {
		t.Fatal(err)
	}
	s.Key.Device += "\x7f" // the last one of this device
	if len(c.Scope.Seq) > 0 {
		s.Key.Device = s.Key.Device[:len(s.Key.Device)-1]
		s.Key.Epoch++
		s.Runs, s.Frames = []Run{{c.Scope.Seq[1] + 1, c.Scope.Seq[1] + 1}}, 1
	}
	f.strips[i] = append(f.strips[i], s.bytes())
	return "an ordinal without a number that counts"
}

func changeStrip(t *testing.T, rnd *rand.Rand, b *[]byte) string {
	t.Helper()
	s, err := ParseStrip(*b)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { *b = s.bytes() }()
	last := &s.Runs[len(s.Runs)-1]
	switch rnd.IntN(4) {
	case 0:
		s.Ordinal++
		return "another ordinal"
	case 1:
		s.Root[0] ^= 1
		return "another root"
	case 2:
		s.Key.Epoch++
		return "another epoch"
	}
	last.Last, s.Frames = last.Last+1, s.Frames+1
	return "a number more"
}

func changeAccount(t *testing.T, rnd *rand.Rand, b *[]byte) string {
	t.Helper()
	a, err := census.Parse(*b)
	if err != nil || len(a.Epochs) == 0 {
		return fmt.Sprint("nothing else ", err)
	}
	defer func() { *b = a.Append(nil) }()
	e := &a.Epochs[rnd.IntN(len(a.Epochs))]
	switch rnd.IntN(4) {
	case 0:
		e.Conflict++
		return "a conflict"
	case 1:
		e.Head, e.Source = census.HeadDeclared, 3
		return "a declared head"
	case 2:
		a.Epochs = a.Epochs[:len(a.Epochs)-1]
		return "an epoch less"
	}
	for i, g := range e.Gaps {
		if i == 0 && len(e.Runs) > 0 && e.Runs[0].Last+1 == g.First && (len(e.Runs) == 1 || e.Runs[1].First > g.Last+1) {
			e.Runs[0].Last, e.Gaps = g.Last, e.Gaps[1:]
			return "a gap less"
		}
	}
	return "nothing else"
}
