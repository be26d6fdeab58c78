package sign

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestWordsOfThePage: the words in docs/format/tlog.md are those of the commands that docs/format/proof.md shows.
func TestWordsOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/format/proof.md")
	if err != nil {
		t.Fatal(err)
	}
	var key struct{ Server, VKey, Replaces, Signature string }
	var roots struct{ Server, Signature string }
	var unsigned []byte
	for line := range bytes.Lines(page) {
		body, isBody := bytes.CutPrefix(bytes.TrimSpace(line), []byte("> "))
		switch {
		case isBody && bytes.Contains(body, []byte(`"vkey"`)):
			err = json.Unmarshal(body, &key)
		case isBody && bytes.Contains(body, []byte(`"content"`)):
			err = json.Unmarshal(body, &roots)
			head, _, _ := bytes.Cut(body, []byte(`,"signature"`))
			unsigned = append(head, '}')
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	const origin = "gapless/k7q2m9x4"
	k := KeyWord{origin, key.Server, key.VKey, key.Replaces}
	if err := CheckKeyWord(key.VKey, k, key.Signature); err != nil {
		t.Error(err)
	}
	if got, want := k.Text()+"\n— "+key.Signature+"\n", pageBlock(t, "keyword"); got != want {
		t.Errorf("the word for a key is\n%s\nthe page has\n%s", got, want)
	}
	r := RootsWord{origin, roots.Server, sha256.Sum256(unsigned)}
	if err := CheckRootsWord(key.VKey, r, roots.Signature); err != nil {
		t.Error(err)
	}
	if got, want := r.Text()+"\n— "+roots.Signature+"\n", pageBlock(t, "rootsword"); got != want {
		t.Errorf("the word for roots is\n%s\nthe page has\n%s", got, want)
	}
	if line, err := pageKey(t, 0).SignKeyWord("n1", k); err != nil || line != key.Signature {
		t.Errorf("signed %q, %v", line, err)
	}
}

// words has a word of each kind, of n2, with its key, and the line of each.
func words(t *testing.T) (key Key, vkey string, k KeyWord, kLine string, r RootsWord, rLine string) {
	t.Helper()
	key, vkey = keyOf(t, ours+"/n2/0"), nodeOf(t, ours, "n2", 1).Keys[0]
	k = KeyWord{Origin: ours, Server: "n2.b", VKey: vkey, Replaces: nodeOf(t, ours, "n2", 2).Keys[1]}
	r = RootsWord{Origin: ours, Server: "n2.b", SHA256: sha256.Sum256([]byte("roots"))}
	var err error
	if kLine, err = key.SignKeyWord("n2", k); err != nil {
		t.Fatal(err)
	}
	if rLine, err = key.SignRootsWord("n2", r); err != nil {
		t.Fatal(err)
	}
	return key, vkey, k, kLine, r, rLine
}

// TestStatements: a line is believed for its own words only, as that of its own key, and only as it was written.
func TestStatements(t *testing.T) {
	key, vkey, k, kLine, r, rLine := words(t)
	if err := CheckKeyWord(vkey, k, kLine); err != nil {
		t.Error(err)
	}
	if err := CheckRootsWord(vkey, r, rLine); err != nil {
		t.Error(err)
	}
	first := k
	first.Replaces = ""
	if line, err := key.SignKeyWord("n2", first); err != nil || CheckKeyWord(vkey, first, line) != nil {
		t.Errorf("the word for a first key: %v, %v", err, CheckKeyWord(vkey, first, line))
	}
	for name, change := range map[string]func(k *KeyWord, r *RootsWord){
		"another log":      func(k *KeyWord, r *RootsWord) { k.Origin, r.Origin = theirs, theirs },
		"another server":   func(k *KeyWord, r *RootsWord) { k.Server, r.Server = "n2.c", "n2.c" },
		"other contents":   func(k *KeyWord, r *RootsWord) { k.VKey, r.SHA256[0] = k.Replaces, r.SHA256[0]^1 },
		"no key before":    func(k *KeyWord, r *RootsWord) { k.Replaces, r.SHA256[31] = "", 0 },
		"a line too many":  func(k *KeyWord, r *RootsWord) { k.Server, r.Server = "n2\n.b", "n2\n.b" },
		"no server":        func(k *KeyWord, r *RootsWord) { k.Server, r.Server = "", "" },
		"a key that is no": func(k *KeyWord, r *RootsWord) { k.VKey, r.Origin = "-", "" },
	} {
		t.Run(name, func(t *testing.T) {
			k, r := k, r
			change(&k, &r)
			if CheckKeyWord(vkey, k, kLine) == nil || CheckRootsWord(vkey, r, rLine) == nil {
				t.Error("believed")
			}
		})
	}
	other := nodeOf(t, ours, "n3", 1).Keys[0]
	for name, line := range map[string]string{
		"nothing": "", "of roots": rLine, "an end": kLine + "\n", "a carriage return": kLine + "\r", "twice": kLine + "\n— " + kLine, "with its dash": "— " + kLine,
		"a bit that means nothing": spareBits(kLine), "cut": kLine[:len(kLine)-4], "a receipt": receiptLineOf(t, key),
	} {
		t.Run(name, func(t *testing.T) {
			if CheckKeyWord(vkey, k, line) == nil {
				t.Errorf("%q is believed", line)
			}
		})
	}
	wantFault(t, CheckKeyWord(other, k, kLine), FaultForeign)
	wantFault(t, CheckKeyWord("x", k, kLine), FaultMalformed)
	foreign, err := keyOf(t, ours+"/n3/0").SignRootsWord("n2", r)
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, CheckRootsWord(vkey, r, foreign), FaultForeign)
	moved := r
	moved.Server = "n2.c"
	wantFault(t, CheckRootsWord(vkey, moved, rLine), FaultAltered)
	if _, err := key.SignKeyWord("n2", KeyWord{}); err == nil {
		t.Error("signed an empty word")
	}
	if _, err := key.SignRootsWord("n2", RootsWord{Origin: ours}); err == nil {
		t.Error("signed roots of nobody")
	}
	if _, err := (Key{}).SignRootsWord("n2", r); err == nil {
		t.Error("signed with no key")
	}
}

// spareBits sets a bit of the last base64 digit that stands for nothing.
func spareBits(line string) string {
	digits := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	i := strings.TrimRight(line, "=")
	last := strings.IndexByte(digits, i[len(i)-1])
	return i[:len(i)-1] + digits[last|1:last|1+1] + line[len(i):]
}

func receiptLineOf(t *testing.T, key Key) string {
	t.Helper()
	msg, err := key.SignReceipt("n2", receipt())
	if err != nil {
		t.Fatal(err)
	}
	_, lines, err := Split(msg)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(lines), "— "), "\n")
}

func FuzzParseStatements(f *testing.F) {
	vkey := archeKey
	f.Add([]byte(KeyWord{ours, "n1.a", vkey, ""}.Text()))
	f.Add([]byte(KeyWord{ours, "n1.a", vkey, remoraKey}.Text()))
	f.Add([]byte(RootsWord{Origin: ours, Server: "n1.a"}.Text()))
	f.Fuzz(func(t *testing.T, b []byte) {
		if w, err := ParseKeyWord(b); err == nil && w.Text() != string(b) {
			t.Errorf("%q became %q", b, w.Text())
		}
		if w, err := ParseRootsWord(b); err == nil && w.Text() != string(b) {
			t.Errorf("%q became %q", b, w.Text())
		}
	})
}
