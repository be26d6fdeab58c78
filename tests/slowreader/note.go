package slowreader

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrSignature is found in the error of a text that must not be believed for its signatures.
var ErrSignature = errors.New("signature")

// The types of signatures, by the number that stands in front of a key.
const (
	typeText        = 1 // Ed25519 over the text of the note
	typeCosignature = 4 // Ed25519 over "cosignature/v1", a time and the text
)

const (
	maxNote       = 262144
	maxSignatures = 100
)

// verifier is a public key under a name, for signatures of one type.
type verifier struct {
	name string
	typ  byte
	key  string // 32 bytes
}

// id is what signatures of a key carry: the first 4 bytes of the SHA-256 of its name, a newline, its type and itself.
func (v verifier) id() string {
	sum := sha256.Sum256([]byte(v.name + "\n" + string(v.typ) + v.key))
	return string(sum[:4])
}

// parseVerifier reads "name+id+key": the id in hexadecimal, the key in base64 with its type in front.
func parseVerifier(text string, typ byte) (verifier, error) {
	parts := strings.Split(text, "+")
	if len(parts) < 3 || !validName(parts[0]) {
		return verifier{}, damaged("%q is no verifier key", text)
	}
	key, err := decode64(strings.Join(parts[2:], "+")) // base64 has plus signs of its own
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != typ {
		return verifier{}, damaged("%q is no verifier key of type %d", text, typ)
	}
	v := verifier{name: parts[0], typ: typ, key: string(key[1:])}
	if want := hex.EncodeToString([]byte(v.id())); parts[1] != want {
		return v, damaged("%q: the id is %s", text, want)
	}
	return v, nil
}

func validName(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '+' || unicode.IsSpace(r) })
}

// decode64 reads base64 that is written in the one way there is.
func decode64(text string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || base64.StdEncoding.EncodeToString(b) != text {
		return nil, damaged("%q is no base64", text)
	}
	return b, nil
}

// encode64 writes it.
func encode64(b []byte) []byte { return base64.StdEncoding.AppendEncode(nil, b) }

// note is a signed note.
type note struct {
	text       string // with its last newline
	signatures []signature
}

type signature struct {
	name, id string
	bytes    []byte
}

// parseNote takes a note apart: text, the last empty line, and lines of a dash, a name and base64.
func parseNote(b []byte) (note, error) {
	if len(b) > maxNote || !utf8.Valid(b) || bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' && r != '\n' }) {
		return note{}, damaged("a note of %d bytes, or with some that are no text", len(b))
	}
	text, lines, ok := cutLast(string(b), "\n\n")
	if !ok || !strings.HasSuffix(lines, "\n") {
		return note{}, damaged("a note without signatures")
	}
	n := note{text: text + "\n"}
	for line := range strings.SplitSeq(strings.TrimSuffix(lines, "\n"), "\n") {
		rest, dash := strings.CutPrefix(line, "— ")
		name, encoded, _ := strings.Cut(rest, " ")
		sig, err := decode64(encoded)
		if !dash || err != nil || !validName(name) || len(sig) < 5 {
			return note{}, damaged("a note with the line %q", line)
		}
		n.signatures = append(n.signatures, signature{name, string(sig[:4]), sig[4:]})
	}
	if len(n.signatures) > maxSignatures {
		return note{}, damaged("a note with %d signatures", len(n.signatures))
	}
	return n, nil
}

func cutLast(text, separator string) (before, after string, ok bool) {
	at := strings.LastIndex(text, separator)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at+len(separator):], true
}

// by is what the signature of a key says. Of several the first counts.
func (n note) by(v verifier) (there, fits bool) {
	for _, s := range n.signatures {
		if s.name == v.name && s.id == v.id() {
			return true, v.fits(n.text, s.bytes)
		}
	}
	return false, false
}

func (v verifier) fits(text string, sig []byte) bool {
	if v.typ == typeCosignature {
		if len(sig) < 8 || binary.BigEndian.Uint64(sig) > math.MaxInt64 {
			return false
		}
		text = fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), text)
		sig = sig[8:]
	}
	return ed25519.Verify([]byte(v.key), []byte(text), sig)
}

// Checkpoint is a state of a log: how many records it has, and the root of their tree.
type Checkpoint struct {
	Origin string
	Size   uint64
	Root   Hash
}

// parseCheckpoint reads the three lines of a checkpoint.
func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] == "" {
		return Checkpoint{}, damaged("a checkpoint of %d lines", len(lines)-1)
	}
	size, err := parseDecimal(lines[1], math.MaxInt64)
	if err != nil {
		return Checkpoint{}, err
	}
	root, err := parseHash(lines[2])
	return Checkpoint{Origin: lines[0], Size: size, Root: root}, err
}

// parseDecimal reads a number without sign and leading zeros.
func parseDecimal(text string, most uint64) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n > most || strconv.FormatUint(n, 10) != text {
		return 0, damaged("%q is no number up to %d", text, most)
	}
	return n, nil
}

func parseHash(text string) (h Hash, err error) {
	b, err := decode64(text)
	if err != nil || len(b) != len(h) {
		return h, damaged("%q is no hash", text)
	}
	return Hash(b), nil
}
