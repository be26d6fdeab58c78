package sign

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

func TestWord(t *testing.T) {
	p, w := twoOfThree(t, ours), Word{ours, sha256.Sum256([]byte("certificate"))}
	want := fmt.Sprintf("%s\ncertificate/v1\n%x\n", ours, w.SHA256)
	if got, err := ParseWord([]byte(want)); err != nil || got != w || w.Text() != want {
		t.Errorf("got %+v as %q, %v", got, w.Text(), err)
	}
	for _, bad := range []string{want[:len(want)-1], want + "\n", strings.ToUpper(want), strings.Replace(want, "/v1", "/v2", 1), "\n" + want, want[len(ours):], want[:len(want)-3] + "\n"} {
		if got, err := ParseWord([]byte(bad)); err == nil {
			t.Errorf("%q was read as %+v", bad, got)
		}
	}
	key := keyOf(t, ours+"/n2/0")
	msg, err := key.SignWord("n2", w)
	if err != nil {
		t.Fatal(err)
	}
	if got, node, err := p.CheckWord(msg); err != nil || got != w || node != "n2" {
		t.Errorf("%+v of %s, %v", got, node, err)
	}
	_, _, err = p.CheckWord([]byte(strings.Replace(string(msg), want[30:40], "x", 1)))
	wantFault(t, err, FaultMalformed)
	_, _, err = twoOfThree(t, theirs).CheckWord(msg)
	wantFault(t, err, FaultForeign)
	_, _, err = p.CheckReceipt(msg)
	wantFault(t, err, FaultMalformed, "not a receipt")
	_, err = p.Check(msg)
	wantFault(t, err, FaultMalformed, "not a checkpoint")
	other, err := keyOf(t, ours+"/n3/0").SignWord("n3", w)
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := Split(other)
	_, _, err = p.CheckWord(append(msg, line...))
	wantFault(t, err, FaultMalformed, "2 signatures")
	foreign, err := key.signAs("n2", ours, Word{theirs, w.SHA256}.Text())
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = p.CheckWord(foreign)
	wantFault(t, err, FaultOrigin, theirs)
	moved, err := note.Sign(&note.Note{Text: Word{Origin: ours}.Text()})
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ = Split(msg)
	_, _, err = p.CheckWord(append(moved, line...))
	wantFault(t, err, FaultAltered)
	for _, bad := range []Word{{}, {Origin: "a\tb"}} {
		if _, err := key.SignWord("n2", bad); err == nil {
			t.Errorf("signed %+v", bad)
		}
	}
}

func FuzzParseWord(f *testing.F) {
	f.Add([]byte(Word{Origin: ours}.Text()))
	f.Fuzz(func(t *testing.T, b []byte) {
		if w, err := ParseWord(b); err == nil && w.Text() != string(b) {
			t.Errorf("%q became %q", b, w.Text())
		}
	})
}
