package sign

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Word is a node's signed word that it issued a certificate: the SHA-256 of what the certificate says. What only the issuing node can
// know is believed for this word, and for nothing else.
type Word struct {
	Origin string
	SHA256 [32]byte
}

const wordLine = "certificate/v1"

// Text is the text of the word's note: origin, certificate/v1, and the hash, a line each.
func (w Word) Text() string { return fmt.Sprintf("%s\n%s\n%x\n", w.Origin, wordLine, w.SHA256) }

// ParseWord reads the text of a word's note: what Text writes, and nothing that merely resembles it.
func ParseWord(text []byte) (w Word, err error) {
	lines := strings.Split(string(text), "\n")
	if len(lines) != 4 || lines[1] != wordLine {
		return Word{}, fmt.Errorf("sign: not the word of a certificate: want 3 lines, the second of them %s", wordLine)
	}
	w.Origin = lines[0]
	if err := checkLine(w.Origin); err != nil {
		return Word{}, fmt.Errorf("sign: certificate: the origin %w", err)
	}
	if sum, err := hex.DecodeString(lines[2]); err == nil && len(sum) == len(w.SHA256) {
		w.SHA256 = [32]byte(sum)
	}
	if w.Text() != string(text) {
		return Word{}, fmt.Errorf("sign: certificate: line 3 is %.100q, want a SHA-256 in hexadecimal", lines[2])
	}
	return w, nil
}

// SignWord makes the note of a word, in the name of the node whose key k is.
func (k Key) SignWord(node string, w Word) ([]byte, error) {
	if _, err := ParseWord([]byte(w.Text())); err != nil {
		return nil, err
	}
	return k.signAs(node, w.Origin, w.Text())
}

// CheckWord believes a certificate's word or says why not, in a *SignatureError. It must have one signature, by any key that the policy has of a node
// of that cluster. node is its id.
func (p *Policy) CheckWord(msg []byte) (w Word, node string, err error) {
	o, err := open(msg, p.nodeKeys())
	if err != nil {
		return Word{}, "", err
	}
	if w, err = ParseWord(o.text); err != nil {
		return Word{}, "", refuse(FaultMalformed, "%v", err)
	}
	if err := o.believable(); err != nil {
		return Word{}, "", err
	}
	if len(o.held) != 1 || len(o.unknown) > 0 {
		return Word{}, "", refuse(FaultMalformed, "the word of a certificate has %d signatures, want that of its issuer", len(o.held)+len(o.unknown))
	}
	node, ok := NodeOf(w.Origin, o.held[0].Key.Name)
	if !ok {
		return Word{}, "", refuse(FaultOrigin, "the certificate is of cluster %q, but signed by %s", w.Origin, o.held[0].Key.Name)
	}
	return w, node, nil
}
