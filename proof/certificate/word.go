package certificate

import (
	"bytes"
	"crypto/sha256"
	"errors"
)

// issuerMember is where the part of a certificate ends that its issuer signs. A quote inside of a text is escaped, and no other member has the name.
const issuerMember = `,"issuer":"`

// Sum is what the issuer signs: the SHA-256 of a certificate as Encode writes it, from its first byte up to the comma before the member "issuer", which is
// the last one.
func (c *Certificate) Sum() (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	p := newPieces(h)
	c.signed(p)
	_, err = p.end()
	h.Sum(sum[:0])
	return sum, err
}

func sumOf(b []byte) (sum [sha256.Size]byte, err error) {
	at := bytes.LastIndex(b, []byte(issuerMember))
	if at < 0 {
		return sum, errors.New("certificate: no issuer in the encoding")
	}
	return sha256.Sum256(b[:at]), nil
}
