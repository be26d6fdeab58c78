package sign

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Limits of a note that somebody else wrote.
const (
	maxNoteBytes      = 256 << 10
	maxNoteSignatures = 100 // as in package note
)

// Signature is one verified signature of a note.
type Signature struct {
	Key  VerifierKey
	Time time.Time // when a cosignature was made; zero for others
	Line string    // its line in the note, with the newline
}

// SignCheckpoint makes the note of a checkpoint.
func SignCheckpoint(c Checkpoint, signers ...note.Signer) ([]byte, error) {
	if _, err := ParseCheckpoint([]byte(c.Text())); err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: c.Text()}, signers...)
}

// Split cuts a note into its text and its signature lines. It verifies nothing.
func Split(msg []byte) (text, lines []byte, err error) {
	i := bytes.LastIndex(msg, []byte("\n\n"))
	if i < 0 || len(msg) > maxNoteBytes {
		return nil, nil, refuse(FaultMalformed, "%d bytes are not a signed note: want a text, an empty line, signatures", len(msg))
	}
	return msg[:i+1], msg[i+2:], nil
}

// Join makes one note of a checkpoint and the signature lines that several parties gave for it: each key once (the first wins),
// ascending by name and key ID, so that equal lines give equal bytes in whatever order they came. It verifies nothing: see Verified.
func Join(c Checkpoint, lines ...[]byte) ([]byte, error) {
	n := &note.Note{Text: c.Text()}
	for _, l := range lines {
		o, err := openLines(c, l, nil)
		if err != nil {
			return nil, err
		}
		for _, s := range o.unknown {
			same := func(o note.Signature) bool { return o.Name == s.Name && o.Hash == s.Hash }
			if !slices.ContainsFunc(n.UnverifiedSigs, same) {
				n.UnverifiedSigs = append(n.UnverifiedSigs, s)
			}
		}
	}
	if len(n.UnverifiedSigs) > maxNoteSignatures {
		return nil, fmt.Errorf("sign: %d signatures, a note has at most %d", len(n.UnverifiedSigs), maxNoteSignatures)
	}
	slices.SortFunc(n.UnverifiedSigs, func(a, b note.Signature) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return int(int64(a.Hash) - int64(b.Hash))
	})
	return note.Sign(n)
}

// Verified returns the signatures for c that known keys made; those of others are left out. It is an error, a *SignatureError, when
// none is left, or when the signature of a known key does not fit.
func Verified(c Checkpoint, lines []byte, known ...VerifierKey) ([]Signature, error) {
	o, err := openLines(c, lines, known)
	if err != nil {
		return nil, err
	}
	if err := o.believable(); err != nil {
		return nil, err
	}
	return o.held, nil
}

// openLines opens the note of a checkpoint and lines that a stranger wrote: they may not bring text of their own.
func openLines(c Checkpoint, lines []byte, known []VerifierKey) (*opened, error) {
	o, err := open(slices.Concat([]byte(c.Text()), []byte("\n"), lines), known)
	if err == nil && string(o.text) != c.Text() {
		err = refuse(FaultMalformed, "%.200q are not signature lines: an empty line is among them", lines)
	}
	return o, err
}

// opened is a note whose signatures were looked at, all of them.
type opened struct {
	text    []byte
	held    []Signature      // of known keys, verified
	broken  []VerifierKey    // known keys whose signature does not fit the text
	unknown []note.Signature // of keys we do not know: ignored
}

// open takes a note apart. Package note does the parsing; unlike note.Open, a signature that does not fit is noted rather than the
// end, because what the others say tells a changed text from a moved signature.
func open(msg []byte, known []VerifierKey) (*opened, error) {
	if len(msg) > maxNoteBytes {
		return nil, refuse(FaultMalformed, "a note of %d bytes, the limit is %d", len(msg), maxNoteBytes)
	}
	r := newRecorder(known)
	n, err := note.Open(msg, r)
	if unverified := (*note.UnverifiedNoteError)(nil); errors.As(err, &unverified) {
		n, err = unverified.Note, nil
	}
	if err != nil {
		return nil, refuse(FaultMalformed, "%.60q is not a signed note: %v", msg, err)
	}
	if line := unusualLine(msg); line != "" {
		return nil, refuse(FaultMalformed, "the signature %.200q is not written in the one way that is allowed", line)
	}
	o := &opened{text: []byte(n.Text), unknown: n.UnverifiedSigs}
	for _, s := range n.Sigs {
		key := r.known[keyID{s.Name, s.Hash}]
		if r.broken[key] {
			o.broken = append(o.broken, key)
			continue
		}
		sig := Signature{Key: key, Line: fmt.Sprintf("— %s %s\n", s.Name, s.Base64)}
		if key.Type == TypeCosignature {
			if sig.Time, err = CosignatureTime(s.Base64); err != nil {
				return nil, err
			}
		}
		o.held = append(o.held, sig)
	}
	return o, nil
}

// unusualLine finds a signature line of a well-formed note whose base64 does not come out as it went in: it has bits that mean
// nothing, and a change of those would go unseen.
func unusualLine(msg []byte) string {
	_, lines, _ := bytes.Cut(msg[bytes.LastIndex(msg, []byte("\n\n")):], []byte("\n\n"))
	for line := range strings.Lines(string(lines)) {
		_, b64, _ := strings.Cut(strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "— "), " ")
		if _, err := base64.StdEncoding.Strict().DecodeString(b64); err != nil {
			return line
		}
	}
	return ""
}

// believable says what is wrong with the signatures of a note, taken alone.
func (o *opened) believable() error {
	switch {
	case len(o.broken) > 0 && len(o.held) == 0:
		return refuse(FaultAltered, "the text was changed after it was signed, or the signatures are of another text: none fits (by %s)",
			listKeys(o.broken))
	case len(o.broken) > 0:
		return refuse(FaultMoved, "the signature by %s is of another text, or damaged; %d others fit this one", listKeys(o.broken), len(o.held))
	case len(o.held) == 0:
		return refuse(FaultForeign, "no known key signed this: its signatures are by %s", listSignatures(o.unknown))
	}
	return nil
}

func listKeys(keys []VerifierKey) string {
	var names []string
	for _, k := range keys {
		names = append(names, fmt.Sprintf("%s+%08x", k.Name, k.ID()))
	}
	return strings.Join(names, ", ")
}

func listSignatures(sigs []note.Signature) string {
	var names []string
	for _, s := range sigs[:min(len(sigs), 8)] {
		names = append(names, fmt.Sprintf("%s+%08x", s.Name, s.Hash))
	}
	if len(sigs) > 8 {
		names = append(names, fmt.Sprintf("%d others", len(sigs)-8))
	}
	return strings.Join(names, ", ")
}

// recorder lets note.Open pass every signature of a known key and remembers which do not fit.
type recorder struct {
	known  map[keyID]VerifierKey
	broken map[VerifierKey]bool
}

// keyID is what a signature says of its key.
type keyID struct {
	name string
	id   uint32
}

func newRecorder(known []VerifierKey) *recorder {
	r := &recorder{make(map[keyID]VerifierKey, len(known)), map[VerifierKey]bool{}}
	for _, k := range known {
		r.known[keyID{k.Name, k.ID()}] = k
	}
	return r
}

func (r *recorder) Verifier(name string, id uint32) (note.Verifier, error) {
	key, ok := r.known[keyID{name, id}]
	if !ok {
		return nil, &note.UnknownVerifierError{Name: name, KeyHash: id}
	}
	return recording{verifier{key}, r}, nil
}

type recording struct {
	verifier
	to *recorder
}

func (r recording) Verify(text, sig []byte) bool {
	if !r.verifier.Verify(text, sig) {
		r.to.broken[r.key] = true
	}
	return true
}
