package certificate

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Why Parse refuses a document.
var (
	ErrForm    = errors.New("certificate: not as a certificate is written")
	ErrVersion = errors.New("certificate: version is not supported")
)

// Encode gives the certificate as one line.
func (c *Certificate) Encode() ([]byte, error) {
	var b bytes.Buffer
	_, err := c.WriteTo(&b)
	return b.Bytes(), err
}

// Parse reads what Encode wrote; white space between the tokens may differ, and nothing else may: no other order, no other escapes, no member twice, no null.
func Parse(b []byte) (*Certificate, error) {
	c, _, err := ParseSum(b)
	return c, err
}

// ParseSum is Parse, and what Sum says of the certificate.
func ParseSum(b []byte) (c *Certificate, sum [sha256.Size]byte, err error) {
	c, err = decode(b)
	if err != nil {
		return nil, sum, err
	}
	again, err := c.Encode()
	if err != nil {
		return nil, sum, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if at := departs(b, again); at >= 0 {
		return nil, sum, fmt.Errorf("%w: byte %d is not what the content is written as", ErrForm, at)
	}
	sum, err = sumOf(again)
	return c, sum, err
}

func decode(b []byte) (*Certificate, error) {
	c := &Certificate{}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		if later(b) {
			return nil, fmt.Errorf("%w: this program reads version %d: use a newer one", ErrVersion, Version)
		}
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something follows it, from byte %d on", ErrForm, dec.InputOffset())
	}
	if c.Kind != Kind {
		return nil, fmt.Errorf("%w: its kind is %.64q, that of a certificate %q", ErrForm, c.Kind, Kind)
	}
	if later(b) {
		return nil, fmt.Errorf("%w: version %d, this program reads %d", ErrVersion, c.V, Version)
	}
	if c.V != Version {
		return nil, fmt.Errorf("%w: it has no version", ErrForm)
	}
	if err := c.Scope.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	return c, nil
}

// later reports whether a document says that it is a certificate of another version.
func later(b []byte) bool {
	var head struct {
		V    *int   `json:"v"`
		Kind string `json:"kind"`
	}
	return json.Unmarshal(b, &head) == nil && head.Kind == Kind && head.V != nil && *head.V != Version
}

// departs is the first byte at which a document differs from its one encoding in something else than white space between tokens, -1 for none.
func departs(b, canonical []byte) int {
	at, quoted := 0, false
	for i := 0; i < len(b); i++ {
		if !quoted && space(b[i]) {
			continue
		}
		if at == len(canonical) || b[i] != canonical[at] {
			return i
		}
		switch {
		case b[i] == 'n' && !quoted: // null: a list that is empty is []
			return i
		case b[i] == '"':
			quoted = !quoted
		case b[i] == '\\' && quoted && i+1 < len(b) && at+1 < len(canonical):
			if i, at = i+1, at+1; b[i] != canonical[at] {
				return i
			}
		}
		at++
	}
	if len(bytes.TrimSpace(canonical[at:])) > 0 {
		return len(b)
	}
	return -1
}

func space(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }
