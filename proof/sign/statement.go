package sign

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// What a node says into the log it signs with its own key, so that no other node can say it in its name. Such a statement is a note with one
// signature, made as a receipt's is; the log has its signature line without "— ", and whoever reads the log makes the text out of the record.

// KeyWord is the word for a key: the new key says that it is known to who proposes it, the replaced one that its node wants another.
type KeyWord struct {
	Origin   string
	Server   string // node and incarnation
	VKey     string // the new key, as cosigner
	Replaces string // likewise the node's key until now, "" for none
}

const (
	keyLine   = "key/v1"
	rootsLine = "roots/v1"
	noKeyLine = "-" // in the place of a key that there is not
)

// Text is the text of the word's note: origin, key/v1, server, the new key, and the one before or -, a line each.
func (w KeyWord) Text() string {
	before := w.Replaces
	if before == "" {
		before = noKeyLine
	}
	return fmt.Sprintf("%s\n%s\n%s\n%s\n%s\n", w.Origin, keyLine, w.Server, w.VKey, before)
}

// ParseKeyWord reads the text of a key's word: what Text writes, and nothing that merely resembles it.
func ParseKeyWord(text []byte) (w KeyWord, err error) {
	lines, err := statementLines(text, keyLine, 5)
	if err != nil {
		return KeyWord{}, err
	}
	w = KeyWord{Origin: lines[0], Server: lines[2], VKey: lines[3]}
	if _, err := ParseVerifierKey(w.VKey); err != nil {
		return KeyWord{}, err
	}
	if lines[4] == noKeyLine {
		return w, nil
	}
	w.Replaces = lines[4]
	_, err = ParseVerifierKey(w.Replaces)
	return w, err
}

// RootsWord is a server's word for what it computed of an ordinal.
type RootsWord struct {
	Origin string
	Server string
	SHA256 [32]byte // of its roots as JSON
}

// Text is the text of the word's note: origin, roots/v1, server, and the hash, a line each.
func (w RootsWord) Text() string {
	return fmt.Sprintf("%s\n%s\n%s\n%x\n", w.Origin, rootsLine, w.Server, w.SHA256)
}

// ParseRootsWord reads the text of a word for roots: what Text writes, and nothing that merely resembles it.
func ParseRootsWord(text []byte) (w RootsWord, err error) {
	lines, err := statementLines(text, rootsLine, 4)
	if err != nil {
		return RootsWord{}, err
	}
	w = RootsWord{Origin: lines[0], Server: lines[2]}
	if sum, err := hex.DecodeString(lines[3]); err == nil && len(sum) == len(w.SHA256) {
		w.SHA256 = [32]byte(sum)
	}
	if w.Text() != string(text) {
		return RootsWord{}, fmt.Errorf("sign: %s: line 4 is %.100q, want a SHA-256 in hexadecimal", rootsLine, lines[3])
	}
	return w, nil
}

// statementLines takes a text of n lines apart: the origin, what it is, and the server come first.
func statementLines(text []byte, what string, n int) ([]string, error) {
	lines := strings.Split(string(text), "\n")
	if len(lines) != n+1 || lines[1] != what || lines[n] != "" {
		return nil, fmt.Errorf("sign: not a statement %s: want %d lines, the second of them that", what, n)
	}
	for i, name := range map[int]string{0: "origin", 2: "server"} {
		if err := checkLine(lines[i]); err != nil {
			return nil, fmt.Errorf("sign: %s: the %s %w", what, name, err)
		}
	}
	return lines[:n], nil
}

// SignKeyWord is the signature line, without "— ", of the word for a key, in the name of the node whose key k is.
func (k Key) SignKeyWord(node string, w KeyWord) (line string, err error) {
	if _, err := ParseKeyWord([]byte(w.Text())); err != nil {
		return "", err
	}
	return k.state(node, w.Origin, w.Text())
}

// CheckKeyWord believes a signature line of the word for a key or says why not, in a *SignatureError. vkey is that of the key that must have signed,
// as cosigner.
func CheckKeyWord(vkey string, w KeyWord, line string) error {
	if _, err := ParseKeyWord([]byte(w.Text())); err != nil {
		return refuse(FaultMalformed, "%v", err)
	}
	return checkStatement(vkey, w.Text(), line)
}

// SignRootsWord is the signature line, without "— ", of the word for roots, in the name of the node whose key k is.
func (k Key) SignRootsWord(node string, w RootsWord) (line string, err error) {
	if _, err := ParseRootsWord([]byte(w.Text())); err != nil {
		return "", err
	}
	return k.state(node, w.Origin, w.Text())
}

// CheckRootsWord is CheckKeyWord for the word for roots.
func CheckRootsWord(vkey string, w RootsWord, line string) error {
	if _, err := ParseRootsWord([]byte(w.Text())); err != nil {
		return refuse(FaultMalformed, "%v", err)
	}
	return checkStatement(vkey, w.Text(), line)
}

// lineStart begins a signature line in a note.
const lineStart = "— "

// state signs a statement and gives the line that a note has of it.
func (k Key) state(node, origin, text string) (line string, err error) {
	msg, err := k.signAs(node, origin, text)
	if err != nil {
		return "", err
	}
	_, lines, err := Split(msg)
	return strings.TrimSuffix(strings.TrimPrefix(string(lines), lineStart), "\n"), err
}

// checkStatement makes the note of a statement again, with the one signature that it must have.
func checkStatement(vkey, text, line string) error {
	key, err := ParseVerifierKey(vkey)
	if err != nil {
		return refuse(FaultMalformed, "%v", err)
	}
	if strings.ContainsAny(line, "\r\n") {
		return refuse(FaultMalformed, "%.200q is not one signature line", line)
	}
	key.Type = TypeEd25519
	o, err := open([]byte(text+"\n"+lineStart+line+"\n"), []VerifierKey{key})
	if err != nil {
		return err
	}
	return o.believable()
}
