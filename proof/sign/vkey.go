package sign

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
)

// Signature types of c2sp.org/signed-note that we know.
const (
	TypeEd25519     byte = 0x01 // Ed25519 over the text of the note
	TypeCosignature byte = 0x04 // Ed25519 over cosignature/v1, a time and the text
)

// VerifierKey is a public key under a name, for one type of signature. Its text is the vkey of c2sp.org/signed-note:
//
//	<name>+<8 hex digits of the key ID>+<base64(type || 32 bytes of public key)>
type VerifierKey struct {
	Name   string
	Type   byte
	Public [ed25519.PublicKeySize]byte
}

// NewVerifierKey checks name and type.
func NewVerifierKey(name string, typ byte, public ed25519.PublicKey) (VerifierKey, error) {
	if err := checkName(name); err != nil {
		return VerifierKey{}, err
	}
	if typ != TypeEd25519 && typ != TypeCosignature {
		return VerifierKey{}, fmt.Errorf("sign: key %q is of signature type %#02x: this binary knows %#02x (Ed25519) and %#02x (Ed25519 cosignature)",
			name, typ, TypeEd25519, TypeCosignature)
	}
	if len(public) != ed25519.PublicKeySize {
		return VerifierKey{}, fmt.Errorf("sign: the public key of %q has %d bytes, want %d", name, len(public), ed25519.PublicKeySize)
	}
	return VerifierKey{name, typ, [ed25519.PublicKeySize]byte(public)}, nil
}

// ParseVerifierKey reads what String wrote, and nothing that merely resembles it.
func ParseVerifierKey(text string) (VerifierKey, error) {
	name, rest, _ := strings.Cut(text, "+")
	_, encoded, ok := strings.Cut(rest, "+")
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if !ok || err != nil || len(key) == 0 {
		return VerifierKey{}, fmt.Errorf("sign: %.200q is not a verifier key: want <name>+<8 hex digits>+<base64 of type and key>", text)
	}
	v, err := NewVerifierKey(name, key[0], key[1:])
	if err != nil {
		return VerifierKey{}, err
	}
	if want := v.String(); want != text {
		return VerifierKey{}, fmt.Errorf("sign: verifier key %.200q: name and key belong to %q", text, want)
	}
	return v, nil
}

// String is the vkey.
func (v VerifierKey) String() string {
	return fmt.Sprintf("%s+%08x+%s", v.Name, v.ID(), base64.StdEncoding.EncodeToString(append([]byte{v.Type}, v.Public[:]...)))
}

// ID is the key ID that signatures carry: the first four bytes of SHA-256(name || newline || type || public key), big endian.
func (v VerifierKey) ID() uint32 {
	sum := sha256.Sum256(append(append([]byte(v.Name), '\n', v.Type), v.Public[:]...))
	return binary.BigEndian.Uint32(sum[:])
}

// Verifier verifies the signatures of this key, for package note and for this one.
func (v VerifierKey) Verifier() note.Verifier { return verifier{v} }

// CosignatureVerifier is the verifier of a vkey of type 0x04.
func CosignatureVerifier(vkey string) (note.Verifier, error) {
	v, err := ParseVerifierKey(vkey)
	if err == nil && v.Type != TypeCosignature {
		err = fmt.Errorf("sign: verifier key %q is of type %#02x, cosignatures are of %#02x", vkey, v.Type, TypeCosignature)
	}
	if err != nil {
		return nil, err
	}
	return v.Verifier(), nil
}

type verifier struct{ key VerifierKey }

func (v verifier) Name() string    { return v.key.Name }
func (v verifier) KeyHash() uint32 { return v.key.ID() }

func (v verifier) Verify(text, sig []byte) bool {
	if v.key.Type == TypeCosignature {
		return verifyCosignature(v.key.Public[:], text, sig)
	}
	return ed25519.Verify(v.key.Public[:], text, sig)
}

// checkName is the rule of c2sp.org/signed-note for names of keys. Control characters cannot stand in a note.
func checkName(name string) error {
	if name == "" || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r == '+' || r < 0x20 || unicode.IsSpace(r) }) {
		return fmt.Errorf("sign: %.200q cannot be the name of a key: no spaces, no control characters, no plus", name)
	}
	return nil
}
