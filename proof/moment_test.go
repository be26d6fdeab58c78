package proof

import (
	"testing"

	"github.com/gaplessdb/gapless/proof/record"
)

// TestMomentOfASeal: a seal that is agreed on late speaks of the moment where its ordinal ended, and so does its census.
func TestMomentOfASeal(t *testing.T) {
	l := keyed(t)
	l.cut()
	at := record.Time(l.ms)
	l.roots("n1.a", 1, 5, 7)
	l.history, l.ms = 2, l.ms+3*3600_000
	l.roots("n2.b", 1, 5, 7)
	late := record.Time(l.ms)
	for n, b := range l.records[3:] {
		r, err := record.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		switch r := r.(type) {
		case *record.Seal:
			if r.History != 1 || r.At != at || r.Time != late {
				t.Errorf("record %d: %s", n, b)
			}
		case *record.Census:
			if r.History != 1 || r.At != at || r.Time != late {
				t.Errorf("record %d: %s", n, b)
			}
		}
	}
	l.tells("seal 1 5", "census 1 7")
}

// TestNewestCensus: the last record of each tree that is to be cosigned says which CENSUS is the newest, and every other SEAL, CENSUS and KEY as well.
func TestNewestCensus(t *testing.T) {
	l := keyed(t)
	trees := map[int64]int64{} // size and the newest CENSUS
	note := func() {
		t.Helper()
		newest := int64(-1)
		for n, b := range l.records {
			r, err := record.Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			said := newest
			switch r := r.(type) {
			case *record.Seal:
				said = r.Census
			case *record.Key:
				said = r.Census
			case *record.Census:
				said = r.Census
			}
			if said != newest {
				t.Errorf("record %d says %d, it is %d: %s", n, said, newest, b)
			}
			if _, ok := r.(*record.Census); ok {
				newest = int64(n)
			}
			if int64(n) == l.s.Current().Size-1 {
				switch r.(type) {
				case *record.Seal, *record.Census, *record.Key:
					trees[int64(n)+1] = newest
				default:
					t.Errorf("a tree to cosign ends with %s", b)
				}
			}
		}
	}
	note()
	for n := uint32(1); n < 4; n++ {
		l.cut()
		l.s.Audited(l.index, l.ms, "", "x", "", "", nil)
		l.take()
		l.roots("n1.a", n, 5, int64(n%2))
		l.roots("n2.b", n, 5, int64(n%2))
		note()
	}
	l.voters = three[1:]
	l.want("", KindRetire, retireCommand{"n1.a"})
	note()
	l.s.Audited(l.index, l.ms, "", "x", "", "", nil)
	l.take()
	l.want("", KindKey, keyCommandOf(t, keyOf(t, 96), "n2.b", keyOf(t, 32)))
	note()
	if len(trees) != 6 || trees[3] != -1 || trees[l.s.LogSize()] != l.s.census || l.s.census < 4 {
		t.Errorf("trees %v, the newest CENSUS is record %d", trees, l.s.census)
	}
}
