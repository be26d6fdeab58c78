package sign

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Key is a node's private key. One key signs several kinds of text, and none of them can be taken for another: a cosigned checkpoint
// begins with the line cosignature/v1, a checkpoint signed for the log has its size as second line, all else has there what it is: receipt/v1.
// The zero Key signs nothing.
type Key struct{ private ed25519.PrivateKey }

// Generate makes a key out of 32 bytes of rand, which is crypto/rand.Reader outside tests.
func Generate(rand io.Reader) (Key, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return Key{}, fmt.Errorf("sign: making a key: %w", err)
	}
	return Key{ed25519.NewKeyFromSeed(seed)}, nil
}

// Public is the public half.
func (k Key) Public() ed25519.PublicKey { return k.private.Public().(ed25519.PublicKey) }

// IsZero reports whether k is no key.
func (k Key) IsZero() bool { return len(k.private) == 0 }

var errNoKey = errors.New("sign: no key: load or generate one first")

// VerifierKey is the text under which others know the cosignatures of this key by that name (signature type 0x04).
func (k Key) VerifierKey(name string) (VerifierKey, error) {
	if k.IsZero() {
		return VerifierKey{}, errNoKey
	}
	return NewVerifierKey(name, TypeCosignature, k.Public())
}

// LogVerifierKey is the text under which others know what LogSigner signs (signature type 0x01).
func (k Key) LogVerifierKey(origin string) (VerifierKey, error) {
	if k.IsZero() {
		return VerifierKey{}, errNoKey
	}
	return NewVerifierKey(origin, TypeEd25519, k.Public())
}

// Cosigner signs checkpoints as c2sp.org/tlog-cosignature has it: with the time, which now gives. It refuses every other text.
func (k Key) Cosigner(name string, now func() time.Time) (note.Signer, error) {
	vkey, err := k.VerifierKey(name)
	if err != nil {
		return nil, err
	}
	return &signer{vkey, func(text []byte) ([]byte, error) {
		if _, err := ParseCheckpoint(text); err != nil {
			return nil, fmt.Errorf("sign: %s signs checkpoints only: %w", name, err)
		}
		return cosign(k.private, now(), text)
	}}, nil
}

// LogSigner signs checkpoints of one log in the log's own name, so that outside witnesses and ordinary clients of C2SP logs take
// them. It refuses checkpoints of other logs, and every other text.
func (k Key) LogSigner(origin string) (note.Signer, error) {
	vkey, err := k.LogVerifierKey(origin)
	if err != nil {
		return nil, err
	}
	return &signer{vkey, func(text []byte) ([]byte, error) {
		c, err := ParseCheckpoint(text)
		if err == nil && c.Origin != origin {
			err = fmt.Errorf("the origin is %q", c.Origin)
		}
		if err != nil {
			return nil, fmt.Errorf("sign: %s signs its own checkpoints only: %w", origin, err)
		}
		return ed25519.Sign(k.private, text), nil
	}}, nil
}

// signer is a key under a name, for texts that sign accepts.
type signer struct {
	vkey VerifierKey
	sign func(text []byte) ([]byte, error)
}

func (s *signer) Name() string                     { return s.vkey.Name }
func (s *signer) KeyHash() uint32                  { return s.vkey.ID() }
func (s *signer) Sign(text []byte) ([]byte, error) { return s.sign(text) }
