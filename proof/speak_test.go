package proof

import (
	"bytes"
	"testing"

	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/sign"
)

// TestNoNodeSpeaksForAnother: all that n2 has is its own key. It cannot make one of its own known as that of n1, nor say what n1 counted.
func TestNoNodeSpeaksForAnother(t *testing.T) {
	l := keyed(t)
	l.cut()
	own, evil := keyOf(t, 32), keyOf(t, 200)
	forged := keyCommandOf(t, evil, "n1.a", own)
	forged.Replaces = keyCommandOf(t, keyOf(t, 0), "n1.a").VKey
	forged.Signature = lineOf(t, evil, "n1.a", forged.word())
	for name, line := range map[string]string{
		"nothing": "", "the new key": forged.Signature, "its own key": lineOf(t, own, "n1.a", forged.word()), "its own key in its own name": lineOf(t, own, "n2.b", forged.word()),
	} {
		forged.ReplacedSignature = line
		t.Run("a key of n1 by "+name, func(t *testing.T) { l.t = t; l.want(CodeBadSignature, KindKey, forged) })
	}
	l.t = t
	said := l.placed(roots("n1.a", 1, 5, 7))
	word, err := said.word(origin)
	if err != nil {
		t.Fatal(err)
	}
	for name, line := range map[string]string{
		"nothing":                        "-",
		"its own key":                    rootsLineOf(t, own, "n1", word),
		"its own key in its own name":    rootsLineOf(t, own, "n2", word),
		"a key that nobody knows":        rootsLineOf(t, evil, "n1", word),
		"what it says itself":            l.signed(roots("n2.b", 1, 5, 7)).Signature,
		"what n1 says of something else": l.signed(roots("n1.a", 1, 4, 7)).Signature,
	} {
		said.Signature = line
		t.Run("roots of n1 by "+name, func(t *testing.T) { l.t = t; l.want(CodeBadSignature, KindRoots, said) })
	}
	l.t = t
	l.roots("n2.b", 1, 5, 7)
	l.tells()
	l.roots("n1.a", 1, 5, 7)
	l.tells("seal 1 5", "census 1 7")
}

func rootsLineOf(t testing.TB, key sign.Key, node string, w sign.RootsWord) string {
	t.Helper()
	line, err := key.SignRootsWord(node, w)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// TestRootsOfAnotherKey: what a server says it says with the key that the log has of it now.
func TestRootsOfAnotherKey(t *testing.T) {
	l := keyed(t)
	l.cut()
	said := l.signed(roots("n1.a", 1, 5, 7))
	l.want("", KindKey, keyCommandOf(t, keyOf(t, 128), "n1.a", keyOf(t, 0)))
	l.want(CodeBadSignature, KindRoots, said)
	l.roots("n1.a", 1, 5, 7)
	l.voters = append([]string{"n1.z"}, three...)
	other := l.placed(roots("n1.z", 1, 5, 7))
	other.Signature = l.signed(roots("n1.a", 1, 5, 7)).Signature
	l.want(CodeBadSignature, KindRoots, other)
}

// TestRetire: the key of a server that is gone is in use no more, and never again; one that votes keeps its key.
func TestRetire(t *testing.T) {
	l := keyed(t)
	l.want(CodeNotCurrent, KindRetire, retireCommand{"n1.a"})
	l.want(CodeNotCurrent, KindRetire, retireCommand{"n4.d"})
	l.voters = three[1:]
	before := l.s.Current()
	l.want("", KindRetire, retireCommand{"n1.a"})
	l.want(CodeNotCurrent, KindRetire, retireCommand{"n1.a"})
	if _, ok := l.s.KeyOf("n1"); ok || l.s.Keys()[0].Until != 4 || l.s.Current().Size != 4 || l.s.Current() == before {
		t.Errorf("keys %+v, to cosign %+v", l.s.Keys(), l.s.Current())
	}
	want := &record.Key{Head: record.NewHead(record.TypeKey, l.ms-250), Node: "n1", Server: "n1.a", Replaces: l.s.Keys()[0].VKey, Census: -1}
	if b, err := record.Encode(want); err != nil || !bytes.Equal(l.records[3], b) {
		t.Errorf("the KEY is %s, want %s, %v", l.records[3], b, err)
	}
	l.voters = three
	l.cut()
	l.want(CodeBadSignature, KindCosign, cosignOf(t, keyOf(t, 0), "n1.a", l.s.Current()))
	said := l.placed(roots("n1.a", 1, 5, 7))
	word, err := said.word(origin)
	if err != nil {
		t.Fatal(err)
	}
	said.Signature = rootsLineOf(t, keyOf(t, 0), "n1", word)
	l.want(CodeBadSignature, KindRoots, said)
	l.want(CodeBadProof, KindKey, keyCommandOf(t, keyOf(t, 0), "n1.a"))
	l.want(CodeNotCurrent, KindKey, keyCommandOf(t, keyOf(t, 0), "n1.a", keyOf(t, 0)))
	l.want(CodeNotCurrent, KindKey, keyCommandOf(t, keyOf(t, 128), "n1.a", keyOf(t, 0)))
	l.want("", KindKey, keyCommandOf(t, keyOf(t, 128), "n1.a"))
	l.want("", KindRoots, roots("n1.a", 1, 5, 7))
}

// TestFirstKeyNamesNoOtherLog: who makes the first key known does not choose the name of the log: it is that of the cluster.
func TestFirstKeyNamesNoOtherLog(t *testing.T) {
	l := newLog(t, three...)
	key := keyOf(t, 32)
	for _, name := range []string{"gapless/evil", "gapless/", origin + "2", clusterID, ""} {
		evil := keyCommandOf(t, key, "n2.b")
		cosigner, err := key.VerifierKey(sign.CosignerName(name, "n2"))
		if err != nil {
			t.Fatal(err)
		}
		if asLog, err := key.LogVerifierKey(name); err == nil {
			evil.LogVKey = asLog.String()
		}
		evil.Origin, evil.VKey = name, cosigner.String()
		if line, err := key.SignKeyWord("n2", evil.word()); err == nil {
			evil.Signature = line
		}
		l.want(CodeBadProof, KindKey, evil)
	}
	l.want("", KindKey, keyCommandOf(t, keyOf(t, 0), "n1.a"))
	l.want("", KindKey, keyCommandOf(t, key, "n2.b"))

	floor := frozen(t, l.s)
	other, unchanged := NewSection(), frozen(t, NewSection())
	other.At(1, "evil", nil)
	if err := other.Restore(bytes.NewReader(floor)); err == nil || !bytes.Equal(frozen(t, other), unchanged) {
		t.Errorf("the floor of another cluster: %v", err)
	}
	other.At(1, clusterID, nil)
	if err := other.Restore(bytes.NewReader(floor)); err != nil {
		t.Error(err)
	}
}

// TestWordsHaveAnOrder: what a server has said anybody can take out of the log. It does not count in the place of what the server said later, nor for the
// same ordinal of another history.
func TestWordsHaveAnOrder(t *testing.T) {
	l := keyed(t)
	l.cut()
	first := l.signed(roots("n3.c", 1, 5, 7))
	l.want("", KindRoots, first)
	l.want(CodeNotCurrent, KindRoots, first)
	second := l.signed(roots("n3.c", 1, 6, 7))
	l.want("", KindRoots, second)
	l.want(CodeNotCurrent, KindRoots, first)
	l.roots("n2.b", 1, 5, 7)
	l.tells()
	if said, _ := l.s.Cuts()[0].Report("n3.c"); said.Signature != second.Signature || said.Count != 2 {
		t.Errorf("the word of n3 is %+v", said)
	}
	forged := first
	forged.Count = 3
	l.want(CodeBadSignature, KindRoots, forged)
	for name, change := range map[string]func(*Roots){
		"another history": func(r *Roots) { r.History++ },
		"another cut":     func(r *Roots) { r.Index-- },
	} {
		t.Run(name, func(t *testing.T) {
			l.t = t
			other := l.placed(roots("n3.c", 1, 5, 7))
			change(&other)
			l.want(CodeNotCurrent, KindRoots, l.signed(other))
		})
	}
	l.t = t
	l.want("", KindRoots, l.signed(Roots{Server: "n3.c", Ordinal: 1, History: 1, Index: second.Index, Count: 9, Content: first.Content}))
	l.tells("seal 1 5")
}
