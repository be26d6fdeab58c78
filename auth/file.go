package auth

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a token file. Both are far above use and only keep a wrong path (a device, a log) from filling the memory.
const (
	maxFileBytes = 16 << 20
	maxNameBytes = 256 // of tenant and id, as frame.MaxNameBytes
)

// tokenPrefix makes a token that leaked into a repository or a log recognisable to secret scanners.
const tokenPrefix = "gapless_"

// FileError is a fault in a token file: where, what, and what to do about it. Line is 0 when the file could not be read at all.
type FileError struct {
	Path string
	Line int
	Err  error
	Hint string
}

// Error prints "auth: path:line: fault (hint)".
func (e *FileError) Error() string {
	place := e.Path
	if e.Line > 0 {
		place = fmt.Sprintf("%s:%d", e.Path, e.Line)
	}
	return fmt.Sprintf("auth: %s: %v (%s)", place, e.Err, e.Hint)
}

// Unwrap returns the fault without its place.
func (e *FileError) Unwrap() error { return e.Err }

// NewToken invents a token of 256 random bits for a principal. plain goes to the client and is kept nowhere; line goes into the
// token file. It fails when the principal could not be read back from the file.
func NewToken(p Principal) (plain, line string, err error) {
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return "", "", fmt.Errorf("auth: random bits for a token: %w", err)
	}
	plain = tokenPrefix + base64.RawURLEncoding.EncodeToString(secret[:])
	digest := sha256.Sum256([]byte(plain))
	line = fmt.Sprintf("%x %s %s %s", digest, p.Tenant, p.ID, p.Scopes)
	if _, fault := parseLine(line); fault != nil {
		return "", "", fmt.Errorf("auth: token for tenant %.40q, id %.40q: %w (%s)", p.Tenant, p.ID, fault.Err, fault.Hint)
	}
	return plain, line, nil
}

func readTokenFile(path string) (*tokenSet, error) {
	text, err := readBounded(path)
	if err != nil {
		return nil, &FileError{Path: path, Err: err, Hint: "name a readable token file in token_file, or leave the option empty"}
	}
	set, fault := parseTokens(text)
	if fault != nil {
		fault.Path = path
		return nil, fault
	}
	return set, nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err == nil && len(text) > maxFileBytes {
		err = fmt.Errorf("larger than %d bytes: not a token file", maxFileBytes)
	}
	return text, err
}

// parseTokens reads a whole token file. Every fault is final: a half-read file would lock clients out without a word.
func parseTokens(text []byte) (*tokenSet, *FileError) {
	set := &tokenSet{}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		content := strings.TrimSpace(string(line))
		if content == "" || strings.HasPrefix(content, "#") {
			continue
		}
		e, fault := parseLine(content)
		if fault == nil && !set.add(e) {
			fault = &FileError{Err: errors.New("this token stands in the file twice"), Hint: "remove one of the two lines"}
		}
		if fault != nil {
			fault.Line = number
			return nil, fault
		}
	}
	return set, nil
}

// parseLine reads "sha256hex tenant id scope[,scope]".
func parseLine(line string) (entry, *FileError) {
	words := strings.Fields(line)
	if len(words) != 4 {
		return entry{}, &FileError{Err: fmt.Errorf("%d words instead of 4", len(words)),
			Hint: "write `sha256hex tenant id scope[,scope]`, names without spaces"}
	}
	var e entry
	digest, err := hex.DecodeString(words[0])
	if copy(e.digest[:], digest); err != nil || len(digest) != sha256.Size {
		// The word itself is not printed: who pasted a plain token here would find it in the log.
		return entry{}, &FileError{Err: fmt.Errorf("the first word (%d characters) is no SHA-256", len(words[0])),
			Hint: "it must be the 64 hex digits of the token's SHA-256, not the token"}
	}
	scopes, err := ParseScopes(words[3])
	if err != nil {
		return entry{}, &FileError{Err: err, Hint: "for example `read,write`"}
	}
	e.principal = Principal{Tenant: words[1], ID: words[2], Scopes: scopes}
	if fault := checkPrincipal(e.principal); fault != nil {
		return entry{}, fault
	}
	return e, nil
}

func checkPrincipal(p Principal) *FileError {
	for _, n := range []struct{ kind, name string }{{"tenant", p.Tenant}, {"id", p.ID}} {
		switch {
		case len(n.name) > maxNameBytes:
			return &FileError{Err: fmt.Errorf("%s of %d bytes, at most %d", n.kind, len(n.name), maxNameBytes), Hint: "shorten it"}
		case !utf8.ValidString(n.name) || strings.ContainsFunc(n.name, unicode.IsControl):
			return &FileError{Err: fmt.Errorf("%s %.40q is not plain text", n.kind, n.name), Hint: "use UTF-8 without control characters"}
		}
	}
	if strings.HasPrefix(p.Tenant, "_") && p.Scopes.Has(Write) {
		return &FileError{Err: fmt.Errorf("tenant %.40q may not be written", p.Tenant),
			Hint: "tenants that begin with _ are the cluster's own: give read or admin only"}
	}
	return nil
}
