package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"
	"sync/atomic"
)

// Refusals of Authenticate. Both are HTTP 401; a listener tells the client no more than their text.
var (
	ErrNoToken  = errors.New("auth: this server needs a token: send `Authorization: Bearer TOKEN`")
	ErrBadToken = errors.New("auth: the token is not known here, or the Authorization header is not `Bearer TOKEN`")
)

// maxHeaderBytes bounds what is hashed for a stranger. A token of NewToken has 51 characters.
const maxHeaderBytes = 4096

// Options of a token set. The zero value lets nobody in without a token.
type Options struct {
	// Insecure lets requests without a token in from anywhere, with every scope, as tenant default. For demonstrations.
	Insecure bool
	// AllowLoopback does the same for requests from loopback addresses only. A proxy on this host makes all the world loopback:
	// leave it off there.
	AllowLoopback bool
	// OnRefused is told of every refusal, ErrNoToken or ErrBadToken: the caller's counter. May be nil; must not block.
	OnRefused func(reason error)
}

// Tokens is a set of tokens and the rule for requests without one. Safe for any number of goroutines; Reload may run beside them.
type Tokens struct {
	opt  Options
	path string // "" when there is no file
	set  atomic.Pointer[tokenSet]
}

// LoadTokens reads the token file at path. An empty path is a set without tokens: then only Options can let anybody in.
// A fault in the file is a *FileError.
func LoadTokens(path string, opt Options) (*Tokens, error) {
	t := &Tokens{opt: opt, path: path}
	t.set.Store(&tokenSet{})
	if err := t.Reload(); err != nil {
		return nil, err
	}
	return t, nil
}

// Reload reads the file again and swaps the set at once. After an error the old set stays in force.
func (t *Tokens) Reload() error {
	if t.path == "" {
		return nil
	}
	set, err := readTokenFile(t.path)
	if err != nil {
		return err
	}
	t.set.Store(set)
	return nil
}

// Len returns the number of tokens in force.
func (t *Tokens) Len() int { return t.set.Load().len }

// Authenticate names the principal behind an Authorization header, which is "" when none was sent. fromLoopback says that the
// peer's address is a loopback address. The error is ErrNoToken or ErrBadToken.
func (t *Tokens) Authenticate(authorization string, fromLoopback bool) (Principal, error) {
	p, err := t.authenticate(authorization, fromLoopback)
	if err != nil && t.opt.OnRefused != nil {
		t.opt.OnRefused(err)
	}
	return p, err
}

func (t *Tokens) authenticate(authorization string, fromLoopback bool) (Principal, error) {
	if authorization == "" {
		if t.opt.Insecure || (t.opt.AllowLoopback && fromLoopback) {
			return anonymous(), nil
		}
		return Principal{}, ErrNoToken
	}
	token, ok := bearer(authorization)
	if !ok {
		return Principal{}, ErrBadToken
	}
	p, ok := t.set.Load().find(sha256.Sum256([]byte(token)))
	if !ok {
		return Principal{}, ErrBadToken
	}
	return p, nil
}

// bearer cuts the token out of "Bearer TOKEN". The scheme's case does not matter (RFC 9110 section 11.1).
func bearer(authorization string) (token string, ok bool) {
	if len(authorization) > maxHeaderBytes {
		return "", false
	}
	scheme, token, ok := strings.Cut(authorization, " ")
	token = strings.TrimSpace(token)
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != ""
}

// tokenSet is immutable once built. Tokens are found by the first bytes of their digest and then compared in constant time: the
// prefix of a digest is nothing that a guesser can steer towards a match.
type tokenSet struct {
	len      int
	byPrefix map[[8]byte][]entry
}

type entry struct {
	digest    [sha256.Size]byte
	principal Principal
}

func (s *tokenSet) find(digest [sha256.Size]byte) (Principal, bool) {
	for _, e := range s.byPrefix[[8]byte(digest[:8])] {
		if subtle.ConstantTimeCompare(e.digest[:], digest[:]) == 1 {
			return e.principal, true
		}
	}
	return Principal{}, false
}

// add reports false when the digest is already there.
func (s *tokenSet) add(e entry) bool {
	if _, there := s.find(e.digest); there {
		return false
	}
	if s.byPrefix == nil {
		s.byPrefix = make(map[[8]byte][]entry)
	}
	prefix := [8]byte(e.digest[:8])
	s.byPrefix[prefix] = append(s.byPrefix[prefix], e)
	s.len++
	return true
}
