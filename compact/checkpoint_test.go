package compact

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// eventful is a section with something of everything.
func eventful(t *testing.T) *Section {
	l := newLog(t)
	out := merged(50, info(1), info(2))
	first := l.plan(info(1), info(2))
	l.want("", KindBuilt, built(first, "n1.a", out))
	l.want("", KindVerified, verified(first, "n3.c", out))
	l.want("", KindDone, done(first, "n1.a", "n3.c"))
	l.s.TakeEdits()
	second := l.plan(info(3), info(4))
	l.want("", KindBuilt, built(second, "n1.a", merged(51, info(3), info(4))))
	l.want("", KindVerified, verified(second, "n2.b", merged(51, info(3), info(4))))
	l.want("", KindDone, done(second, "n1.a", "n2.b"))
	third := l.plan(info(5), info(6))
	l.want("", KindBuilt, built(third, "n1.a", merged(52, info(5), info(6))))
	l.plan(info(7))
	return l.s
}

// TestGolden: a released checkpoint and its commands are read for ever.
func TestGolden(t *testing.T) {
	s := eventful(t)
	const path = "testdata/checkpoint.json"
	if *update {
		if err := os.WriteFile(path, frozen(t, s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := frozen(t, s); !bytes.Equal(got, golden) {
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

// TestGoldenCommands: bodies as docs/format/merges.md shows them.
func TestGoldenCommands(t *testing.T) {
	page, err := os.ReadFile("../docs/format/merges.md")
	if err != nil {
		t.Fatal(err)
	}
	l := newLog(t)
	kinds := []uint16{KindPlan, KindBuilt, KindVerified, KindDone, KindPlan, KindAbort}
	for line := range strings.Lines(string(page)) {
		body, ok := strings.CutPrefix(strings.TrimSpace(line), "> ")
		if !ok {
			continue
		}
		if len(kinds) == 0 {
			t.Fatalf("the page has a command more: %s", body)
		}
		if code := l.applyBody(kinds[0], []byte(body)); code != "" {
			t.Errorf("command %d is refused: %s: %s", kinds[0], code, body)
		}
		kinds = kinds[1:]
	}
	if len(kinds) > 0 || len(l.s.Edits()) != 1 || len(l.s.Plans()) != 0 {
		t.Errorf("%d commands are not on the page; %d edits, %d plans", len(kinds), len(l.s.Edits()), len(l.s.Plans()))
	}
}

// TestFreezeIsAMoment: what goes on after a freeze is not in it.
func TestFreezeIsAMoment(t *testing.T) {
	out := merged(52, info(5), info(6))
	for name, goOn := range map[string]func(l *log, id uint64){
		"a plan":         func(l *log, _ uint64) { l.plan(info(90)) },
		"a verification": func(l *log, id uint64) { l.want("", KindVerified, verified(id, "n2.b", out)) },
		"an end": func(l *log, id uint64) {
			l.want("", KindVerified, verified(id, "n2.b", out))
			l.want("", KindDone, done(id, "n1.a", "n2.b"))
		},
		"a plan given up": func(l *log, id uint64) { l.want("", KindAbort, abortCommand{id, "n2.b", ReasonTimeout, ""}) },
		"a flush point":   func(l *log, _ uint64) { l.s.TakeEdits() },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLog(t)
			l.s, l.index = eventful(t), 1000
			want, later := frozen(t, l.s), l.s.Freeze()
			goOn(l, l.s.Plans()[0].ID)
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
	good := string(frozen(t, eventful(t)))
	for name, text := range map[string]string{
		"nothing":          "",
		"something behind": good + "{}",
		"an unknown field": strings.Replace(good, `"plans"`, `"planes"`, 1),
		"another section":  strings.Replace(good, `"merges"`, `"mergers"`, 1),
		"a newer version":  strings.Replace(good, `"version":1`, `"version":2`, 1),
		"no builder":       strings.Replace(good, `"builder":"n1.a"`, `"builder":""`, 1),
		"a lost frame":     strings.Replace(good, `"frames":20`, `"frames":19`, 3),
		"no verifier":      strings.Replace(good, `"verified":["n1.a"]`, `"verified":[]`, 1),
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
	golden, err := os.ReadFile("testdata/checkpoint.json")
	if err != nil {
		f.Fatal(err)
	}
	page, err := os.ReadFile("../docs/format/merges.md")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(page)) {
		if body, ok := strings.CutPrefix(strings.TrimSpace(line), "> "); ok {
			for kind := range uint8(5) {
				f.Add(kind, []byte(body))
			}
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		s := NewSection()
		if err := s.Restore(bytes.NewReader(golden)); err != nil {
			t.Fatal(err)
		}
		_, err := s.Apply(1000, 1, 1, KindPlan+uint16(kind%5), CommandVersion, body)
		after := frozen(t, s)
		if err != nil && !bytes.Equal(after, golden) {
			t.Errorf("refused with %v, and yet changed", err)
		}
		if err := NewSection().Restore(bytes.NewReader(after)); err != nil {
			t.Errorf("the state after it cannot be restored: %v", err)
		}
	})
}
