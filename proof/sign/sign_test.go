package sign

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// What package note signs we verify, and the other way round: neither knows of the other's code.
func TestBothWaysWithPackageNote(t *testing.T) {
	seed := sha256.Sum256([]byte("both"))
	skey, vkey, err := note.GenerateKey(bytes.NewReader(seed[:]), testOrigin)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	k := keyOf(t, "both")
	ours, err := k.LogSigner(testOrigin)
	if err != nil {
		t.Fatal(err)
	}
	key, err := k.LogVerifierKey(testOrigin)
	if err != nil || key.String() != vkey {
		t.Fatalf("our key is %s (%v), package note's %s", key, err, vkey)
	}
	c := checkpointOf(testOrigin, 7)
	byNote, err := note.Sign(&note.Note{Text: c.Text()}, theirs)
	if err != nil {
		t.Fatal(err)
	}
	if byUs := signed(t, c, ours); !bytes.Equal(byUs, byNote) {
		t.Errorf("we sign\n%s\npackage note signs\n%s", byUs, byNote)
	}
	_, lines, _ := Split(byNote)
	if _, err := Verified(c, lines, key); err != nil {
		t.Error(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open(signed(t, c, ours), note.VerifierList(v)); err != nil {
		t.Error(err)
	}
}

// A cosignature taken apart by hand, as the specification has it.
func TestCosignatureBytes(t *testing.T) {
	k := keyOf(t, "cosigner")
	s, err := k.Cosigner("w.example/1", at(1679315147))
	if err != nil {
		t.Fatal(err)
	}
	c := checkpointOf("example.com/log", 20852163)
	msg := signed(t, c, s)
	line := strings.TrimSuffix(strings.TrimPrefix(string(msg), c.Text()+"\n— w.example/1 "), "\n")
	raw, err := base64.StdEncoding.DecodeString(line)
	if err != nil || len(raw) != 4+8+64 {
		t.Fatalf("%q: %v", msg, err)
	}
	id := sha256.Sum256(append([]byte("w.example/1\n\x04"), k.Public()...))
	if !bytes.Equal(raw[:4], id[:4]) || binary.BigEndian.Uint64(raw[4:]) != 1679315147 {
		t.Errorf("key ID %x and time %x", raw[:4], raw[4:12])
	}
	if !ed25519.Verify(k.Public(), []byte("cosignature/v1\ntime 1679315147\n"+c.Text()), raw[12:]) {
		t.Error("the signature is of another message")
	}
	vkey, err := k.VerifierKey("w.example/1")
	if err != nil {
		t.Fatal(err)
	}
	v, err := CosignatureVerifier(vkey.String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(msg, note.VerifierList(v))
	if err != nil {
		t.Fatal(err)
	}
	if when, err := CosignatureTime(n.Sigs[0].Base64); err != nil || !when.Equal(time.Unix(1679315147, 0)) {
		t.Errorf("time %v, %v", when, err)
	}
}

func TestSignersRefuseWhatIsNotTheirs(t *testing.T) {
	co, lg := cosigner(t, testOrigin, "n1", 0), logSigner(t, testOrigin, "n1", 0)
	good := checkpointOf(testOrigin, 1).Text()
	for _, tt := range []struct {
		text              string
		cosigns, logSigns bool
	}{
		{good, true, true},
		{checkpointOf("gapless/another", 1).Text(), true, false},
		{good + "extension\n", false, false},
		{"hello\n", false, false},
		{Receipt{Origin: testOrigin}.Text(), false, false},
		{"cosignature/v1\ntime 5\n" + good, false, false},
	} {
		if _, err := co.Sign([]byte(tt.text)); (err == nil) != tt.cosigns {
			t.Errorf("cosigning %q: %v", tt.text, err)
		}
		if _, err := lg.Sign([]byte(tt.text)); (err == nil) != tt.logSigns {
			t.Errorf("signing %q as the log: %v", tt.text, err)
		}
	}
	early, err := keyOf(t, "early").Cosigner("early", at(-1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := early.Sign([]byte(good)); err == nil {
		t.Error("cosigned before 1970")
	}
	for _, name := range []string{"", "a b", "a+b", "a\tb", "\xff", "a\u00a0b"} {
		if _, err := keyOf(t, "x").Cosigner(name, time.Now); err == nil {
			t.Errorf("%q is the name of a key", name)
		}
	}
	if _, err := (Key{}).Cosigner("n", time.Now); err == nil {
		t.Error("no key cosigns")
	}
}

func TestParseCheckpointIsStrict(t *testing.T) {
	root := tlog.RecordHash([]byte("root")).String()
	for _, bad := range []string{
		"", "\n", "a\n1\n", "a\n1\n" + root, "\n1\n" + root + "\n", "a\n01\n" + root + "\n", "a\n+1\n" + root + "\n", "a\n-1\n" + root + "\n",
		"a\n1 \n" + root + "\n", "a\n\n" + root + "\n", "a\n9223372036854775808\n" + root + "\n", "a\n1\n" + root[:40] + "\n",
		"a\n1\n" + root + "\n\n", "a\n1\n" + root + "\nmore\n", "a\r\n1\n" + root + "\n", "a\n1\n" + strings.Replace(root, "=", "", 1) + "\n",
		"a\n1\n" + nonCanonical(root) + "\n", "a\n1\n" + root + "\r\n", "\xff\n1\n" + root + "\n",
	} {
		if c, err := ParseCheckpoint([]byte(bad)); err == nil {
			t.Errorf("%q was read as %+v", bad, c)
		}
	}
	for _, good := range []string{"a\n0\n" + root + "\n", "go.sum database tree\n9223372036854775807\n" + root + "\n"} {
		if c, err := ParseCheckpoint([]byte(good)); err != nil || c.Text() != good {
			t.Errorf("%q: %+v, %v", good, c, err)
		}
	}
}

// nonCanonical changes a bit of base64 that stands for nothing.
func nonCanonical(b64 string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	i := strings.Index(b64, "=") - 1
	return b64[:i] + string(alphabet[strings.IndexByte(alphabet, b64[i])^1]) + b64[i+1:]
}

func TestParseVerifierKeyIsStrict(t *testing.T) {
	good := remoraKey
	for _, bad := range []string{
		"", "x", "a+b", good + "+", good + "=", " " + good, strings.ToUpper(good), strings.Replace(good, "da77ade7", "DA77ADE7", 1),
		strings.Replace(good, "remora", "romera", 1), strings.Replace(good, "BOvN", "BOvM", 1), strings.Replace(good, "+", "", 1), good[:len(good)-4],
		"rekor.sigstore.dev+12345678+AwEB", "bananas.sigstore.dev+12344556", "rekor.sigstore.dev+12345678+THIS_IS_NOT_BASE64!",
	} {
		if k, err := ParseVerifierKey(bad); err == nil {
			t.Errorf("%q was read as %s", bad, k)
		}
	}
	if _, err := CosignatureVerifier(sumdbKey); err == nil {
		t.Error("a key of type 1 verifies cosignatures")
	}
}

// Join is used where every node has to come to the same bytes.
func TestJoin(t *testing.T) {
	c := checkpointOf(testOrigin, 9)
	var lines [][]byte
	for i := range 3 {
		_, l, err := Split(signed(t, c, cosigner(t, testOrigin, fmt.Sprint("n", 3-i), 0), logSigner(t, testOrigin, fmt.Sprint("n", 3-i), 0)))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	want, err := Join(c, lines...)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(lines)
	got, err := Join(c, append(lines, lines[1])...)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v: got\n%s\nwant\n%s", err, got, want)
	}
	if s, err := twoOfThree(t, testOrigin).Check(got); err != nil || len(s.Names) != 3 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{"x\n", "— a b\n", "— a AAAAAAAA", string(lines[0]) + "\n"} {
		if n, err := Join(c, []byte(bad)); err == nil {
			t.Errorf("joined %q: %s", bad, n)
		}
	}
	var many []byte
	for i := range maxNoteSignatures + 1 {
		many = fmt.Appendf(many, "— n%d %s\n", i, base64.StdEncoding.EncodeToString(make([]byte, 68)))
	}
	if _, err := Join(c, many[:len(many)/2], many[len(many)/2:]); err == nil {
		t.Error("joined more signatures than a note may have")
	}
}

func TestVerified(t *testing.T) {
	c, other := checkpointOf(testOrigin, 9), checkpointOf(testOrigin, 8)
	w := keyOf(t, "w")
	s, err := w.Cosigner("w.example", at(5))
	if err != nil {
		t.Fatal(err)
	}
	key, _ := w.VerifierKey("w.example")
	_, lines, _ := Split(signed(t, c, s, cosigner(t, testOrigin, "n1", 0)))
	sigs, err := Verified(c, lines, key)
	if err != nil || len(sigs) != 1 || sigs[0].Key != key || sigs[0].Time.Unix() != 5 || !strings.Contains(string(lines), sigs[0].Line) {
		t.Errorf("got %+v, %v", sigs, err)
	}
	_, err = Verified(other, lines, key)
	wantFault(t, err, FaultAltered, "w.example")
	_, err = Verified(c, lines, keyMust(t, nodeOf(t, testOrigin, "n2", 1).Keys[0]))
	wantFault(t, err, FaultForeign, "w.example+")
	_, err = Verified(c, []byte("no lines"), key)
	wantFault(t, err, FaultMalformed)
	// A text of its own, that begins with the checkpoint's and is rightly signed.
	longer := c.Text() + "\nmore\n"
	raw, err := cosign(w.private, time.Unix(5, 0), []byte(longer))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := note.Sign(&note.Note{Text: longer}, &signer{key, func([]byte) ([]byte, error) { return raw, nil }})
	if err != nil {
		t.Fatal(err)
	}
	smuggled := whole[len(c.Text())+1:]
	_, err = Verified(c, smuggled, key)
	wantFault(t, err, FaultMalformed, "an empty line")
	_, err = Join(c, smuggled)
	wantFault(t, err, FaultMalformed, "an empty line")
}

func keyMust(t *testing.T, text string) VerifierKey {
	t.Helper()
	k, err := ParseVerifierKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
