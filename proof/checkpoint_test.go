package proof

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// eventful is a log with something of everything in its section: a checkpoint with a witness, a newer tree that one server signed, a seal that
// waits for its census and one that waits for everything, a key that was replaced and one that was retired.
func eventful(t testing.TB) *log {
	l := keyed(t)
	l.cut()
	l.roots("n1.a", 1, 5, 7)
	l.roots("n3.c", 1, 5, 7)
	l.cosign(0, "n1.a")
	l.cosign(64, "n3.c")
	newest := l.s.Newest()
	l.want("", KindWitness, witnessCommand{newest.Size, hashText(newest.Root), []string{l.witnessLine(96, "witness.example/w1", 1)}})
	l.want("", KindKey, keyCommandOf(t, keyOf(t, 128), "n2.b", keyOf(t, 32)))
	l.voters = append(slices.Clone(three), "n4.d")
	l.want("", KindKey, keyCommandOf(t, keyOf(t, 160), "n4.d"))
	l.voters = three
	l.want("", KindRetire, retireCommand{"n4.d"})
	l.history = 2
	l.cut()
	l.cut()
	l.roots("n2.b", 3, 6, 8)
	l.roots("n1.a", 2, 6, 8)
	l.roots("n2.b", 2, 6, 0)
	l.cosign(0, "n1.a")
	return l
}

// TestGolden: a released checkpoint is read for ever.
func TestGolden(t *testing.T) {
	l := eventful(t)
	const path = "testdata/checkpoint.json"
	if *update {
		if err := os.WriteFile(path, frozen(t, l.s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := frozen(t, l.s); !bytes.Equal(got, golden) {
		t.Errorf("frozen:\n%s\nwant\n%s", got, golden)
	}
	restored := NewSection()
	if err := restored.Restore(bytes.NewReader(golden)); err != nil {
		t.Fatal(err)
	}
	if got := frozen(t, restored); !bytes.Equal(got, golden) {
		t.Errorf("frozen again:\n%s\nwant\n%s", got, golden)
	}
}

// pageCommands are the bodies that the page shows, one of each kind, in order.
func pageCommands(t testing.TB) (bodies []string) {
	t.Helper()
	page, err := os.ReadFile("../docs/format/proof.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(page)) {
		if body, ok := strings.CutPrefix(strings.TrimSpace(line), "> "); ok {
			bodies = append(bodies, body)
		}
	}
	return bodies
}

// TestGoldenCommands: bodies as docs/format/proof.md shows them, in a cluster of one node, are those that this package makes.
func TestGoldenCommands(t *testing.T) {
	made := []any{
		func(*log) any { return keyCommandOf(t, keyOf(t, 0), "n1.a") },
		func(*log) any { return cutCommand{1} },
		func(l *log) any { return l.signed(roots("n1.a", 1, 5, 7)) },
		func(l *log) any { return cosignOf(t, keyOf(t, 0), "n1.a", l.s.Current()) },
		func(l *log) any {
			return witnessCommand{l.s.newest.Size, hashText(l.s.newest.Root), []string{l.witnessLine(96, "witness.example/w1", 1)}}
		},
		func(l *log) any { l.voters = []string{"n2.b"}; return retireCommand{"n1.a"} },
	}
	kinds := []uint16{KindKey, KindCut, KindRoots, KindCosign, KindWitness, KindRetire}
	l := newLog(t, "n1.a")
	page := pageCommands(t)
	for i, kind := range kinds {
		want, err := json.Marshal(made[i].(func(*log) any)(l))
		if err != nil {
			t.Fatal(err)
		}
		if i >= len(page) || page[i] != string(want) {
			t.Errorf("the page does not show command %d as\n    > %s", kind, want)
		}
		if code := l.applyBody(kind, want); code != "" {
			t.Errorf("command %d is refused: %s: %s", kind, code, want)
		}
	}
	if len(page) != len(kinds) || len(l.s.Newest().Witnesses) != 1 || l.s.Newest().Counted != 1 {
		t.Errorf("%d commands are on the page, %d kinds; the checkpoint is %+v", len(page), len(kinds), l.s.Newest())
	}
}

// TestFreezeIsAMoment: what goes on after a freeze is not in it.
func TestFreezeIsAMoment(t *testing.T) {
	for name, goOn := range map[string]func(l *log){
		"a cut":       func(l *log) { l.cut() },
		"a report":    func(l *log) { l.roots("n3.c", 3, 1, 1) },
		"a new word":  func(l *log) { l.roots("n1.a", 2, 9, 9) },
		"a census":    func(l *log) { l.roots("n3.c", 2, 6, 8) },
		"a signature": func(l *log) { l.cosign(64, "n3.c") },
		"a retired":   func(l *log) { l.voters = three[1:]; l.want("", KindRetire, retireCommand{"n1.a"}) },
		"a key":       func(l *log) { l.want("", KindKey, keyCommandOf(t, keyOf(t, 161), "n1.a", keyOf(t, 0))) },
		"a witness": func(l *log) {
			l.want("", KindWitness, witnessCommand{l.s.newest.Size, hashText(l.s.newest.Root), []string{l.witnessLine(97, "a/w", 1)}})
		},
		"an audit": func(l *log) { l.s.Audited(1, 1, "", "x", "", "", nil); l.take() },
	} {
		t.Run(name, func(t *testing.T) {
			l := eventful(t)
			want, later := frozen(t, l.s), l.s.Freeze()
			goOn(l)
			if now := frozen(t, l.s); bytes.Equal(now, want) {
				t.Error("nothing went on")
			}
			var got bytes.Buffer
			if err := later(&got); err != nil || !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%v\n%s\nwant\n%s", err, got.Bytes(), want)
			}
		})
	}
}

func TestRestoreRefuses(t *testing.T) {
	good := string(frozen(t, eventful(t).s))
	change := func(f func(doc *document)) string {
		var doc document
		if err := json.Unmarshal([]byte(good), &doc); err != nil {
			t.Fatal(err)
		}
		f(&doc)
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if got := change(func(*document) {}); strings.TrimSpace(good) != got {
		t.Fatalf("%s\nis not\n%s", got, good)
	}
	for name, text := range map[string]string{
		"nothing":               "",
		"something behind":      good + "{}",
		"an unknown member":     strings.Replace(good, `"cut_ms"`, `"cut_s"`, 1),
		"a newer version":       change(func(d *document) { d.Version++ }),
		"no ordinal":            change(func(d *document) { d.Ordinal = 0 }),
		"a census of no record": change(func(d *document) { d.Census = -1 }),
		"a census before all":   change(func(d *document) { d.Census = -2 }),
		"a census of later":     change(func(d *document) { d.Census = d.Size }),
		"a record of no census": change(func(d *document) { d.Counted, d.Newest.Counted = 0, 0 }),
		"two lines in a report": change(func(d *document) { d.Cuts[0].Reports[0].Signature += "\n— x y" }),
		"a retired key in use":  change(func(d *document) { d.Keys[4].Until, d.Keys[4].Node = 0, "n1" }),
		"a seal too many":       change(func(d *document) { d.Sealed++ }),
		"a census too many":     change(func(d *document) { d.Counted++ }),
		"an edge too short":     change(func(d *document) { d.Edge = d.Edge[1:] }),
		"a hash that is none":   change(func(d *document) { d.Edge[0] = "x" }),
		"a lost cut":            change(func(d *document) { d.Cuts = d.Cuts[:1] }),
		"cuts in disorder":      change(func(d *document) { slices.Reverse(d.Cuts) }),
		"a cut that ends early": change(func(d *document) { d.Cuts[1].Last = d.Cuts[1].First - 1 }),
		"a cut of the future":   change(func(d *document) { d.Cuts[1].Last = d.First }),
		"a report twice":        change(func(d *document) { d.Cuts[0].Reports[1] = d.Cuts[0].Reports[0] }),
		"a report of another":   change(func(d *document) { d.Cuts[0].Reports[0].Ordinal++ }),
		"a report of before":    change(func(d *document) { d.Cuts[0].Reports[0].History-- }),
		"a report of a cut":     change(func(d *document) { d.Cuts[0].Reports[0].Index++ }),
		"a report of no word":   change(func(d *document) { d.Cuts[0].Reports[0].Count = 0 }),
		"a log without a name":  change(func(d *document) { d.Origin = "" }),
		"a log without a key":   change(func(d *document) { d.Keys, d.Signed = nil, nil }),
		"a backlog of censuses": change(func(d *document) {
			for n := range uint32(maxUncounted) {
				old := d.Cuts[0]
				old.Ordinal, old.First, old.Last, old.Reports, d.Ordinal = d.Counted+1+n, uint64(n+1), uint64(n+1), nil, d.Ordinal+1
				d.Cuts = slices.Insert(d.Cuts, int(n), old)
			}
			for i := range d.Cuts {
				d.Cuts[i].Ordinal = d.Counted + 1 + uint32(i)
				for k := range d.Cuts[i].Reports {
					d.Cuts[i].Reports[k].Ordinal = d.Cuts[i].Ordinal
				}
			}
			d.Sealed = d.Ordinal - 2
		}),
		"a report of nothing":  change(func(d *document) { d.Cuts[0].Reports[0].Content.Root = "" }),
		"a key of nobody":      change(func(d *document) { d.Keys[0].Node = "n9" }),
		"a key that is none":   change(func(d *document) { d.Keys[0].VKey = "x" }),
		"two keys of a node":   change(func(d *document) { d.Keys[1].Until = 0 }),
		"a key of the future":  change(func(d *document) { d.Keys[0].Since = d.Size + 1 }),
		"another log":          change(func(d *document) { d.Origin = "gapless/other" }),
		"a tree of the future": change(func(d *document) { d.Current.Size = d.Size + 1 }),
		"another tree":         change(func(d *document) { d.Current.Root = hashOf("x") }),
		"a newer checkpoint":   change(func(d *document) { d.Newest.Size = d.Current.Size + 1 }),
		"a line too many":      change(func(d *document) { d.Newest.Signatures[0] += "\n— x y" }),
		"a signature too long": change(func(d *document) { d.Signed[0].Line = strings.Repeat("x", maxLine+1) }),
		"a signature twice":    change(func(d *document) { d.Signed = append(d.Signed, d.Signed[0]) }),
	} {
		t.Run(name, func(t *testing.T) {
			s := NewSection()
			if err := s.Restore(strings.NewReader(text)); err == nil {
				t.Error("it was taken")
			}
			if got, want := frozen(t, s), frozen(t, NewSection()); !bytes.Equal(got, want) {
				t.Errorf("it left %s", got)
			}
		})
	}
}

func FuzzRestore(f *testing.F) {
	golden, err := os.ReadFile("testdata/checkpoint.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add(frozen(f, NewSection()))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := NewSection()
		if s.Restore(bytes.NewReader(b)) != nil {
			return
		}
		first := frozen(t, s)
		again := NewSection()
		if err := again.Restore(bytes.NewReader(first)); err != nil {
			t.Fatalf("what was frozen is not taken: %v\n%s", err, first)
		}
		if second := frozen(t, again); !bytes.Equal(first, second) {
			t.Errorf("%s\nand again\n%s", first, second)
		}
	})
}

func FuzzApply(f *testing.F) {
	const kinds = uint8(KindRetire - KindCut + 1)
	golden, err := os.ReadFile("testdata/checkpoint.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, body := range pageCommands(f) {
		for kind := range kinds {
			f.Add(kind, []byte(body))
		}
	}
	l := eventful(f)
	for _, c := range []any{l.signed(roots("n3.c", 2, 6, 8)), l.signed(roots("n3.c", 3, 6, 8)), cutCommand{4}, retireCommand{"n5.e"},
		cosignOf(f, keyOf(f, 64), "n3.c", l.s.Current()), keyCommandOf(f, keyOf(f, 161), "n1.a", keyOf(f, 0)), keyCommandOf(f, keyOf(f, 161), "n4.d")} {
		body, err := json.Marshal(c)
		if err != nil {
			f.Fatal(err)
		}
		for kind := range kinds {
			f.Add(kind, body)
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		s := NewSection()
		if err := s.Restore(bytes.NewReader(golden)); err != nil {
			t.Fatal(err)
		}
		s.At(3, clusterID, append(slices.Clone(three[1:]), "n4.d")) // n1 has gone, n4 is back
		_, err := s.Apply(1000, 1, 1, KindCut+uint16(kind%kinds), CommandVersion, body)
		after := frozen(t, s)
		records, fault := s.TakeRecords()
		if err != nil && (!bytes.Equal(after, golden) || len(records) > 0 || s.Cut()) {
			t.Errorf("refused with %v, and yet changed", err)
		}
		if fault != nil {
			t.Errorf("a command stops the cluster: %v", fault)
		}
		if err := NewSection().Restore(bytes.NewReader(after)); err != nil {
			t.Errorf("the state after it cannot be restored: %v\n%s", err, after)
		}
	})
}
