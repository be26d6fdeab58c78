package sign

import (
	"crypto/ed25519"

	"golang.org/x/mod/sumdb/note"
)

// What one node says for itself, a receipt, the word of a certificate or a statement into the log, it signs with its key under its cosigner's name, as type 0x01.

// signAs makes the note of such a text. Its second line is what keeps it from being taken for anything else.
func (k Key) signAs(node, origin, text string) ([]byte, error) {
	if k.IsZero() {
		return nil, errNoKey
	}
	vkey, err := NewVerifierKey(CosignerName(origin, node), TypeEd25519, k.Public())
	if err != nil {
		return nil, err
	}
	s := &signer{vkey, func(text []byte) ([]byte, error) { return ed25519.Sign(k.private, text), nil }}
	return note.Sign(&note.Note{Text: text}, s)
}

// nodeKeys are the keys of such notes: those of the policy's cosigners that are nodes of its logs.
func (p *Policy) nodeKeys() []VerifierKey {
	var keys []VerifierKey
	for _, w := range p.Witnesses {
		for _, origin := range p.Origins() {
			if _, ok := NodeOf(origin, w.Key.Name); ok {
				keys = append(keys, VerifierKey{w.Key.Name, TypeEd25519, w.Key.Public})
			}
		}
	}
	return keys
}
