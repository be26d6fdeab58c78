package slowreader

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Policy says whom to believe (docs/format/tlog.md).
type Policy struct {
	logs    []verifier
	members map[string]*member
	quorum  string // a member, or "none"
}

// member is a witness, with a key, or a group of which k have to cosign.
type member struct {
	key     *verifier
	k       int
	of      []string
	grouped bool // is in a group
}

const (
	maxPolicy  = 1 << 20
	maxMembers = 4096
)

// ParsePolicy reads a policy file.
func ParsePolicy(text []byte) (*Policy, error) {
	bad := func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' || r == 0x7f }
	if len(text) > maxPolicy || strings.ContainsFunc(string(text), bad) || len(text) > 0 && text[len(text)-1] != '\n' {
		return nil, damaged("a policy of %d bytes, with some that are no text, or without an end", len(text))
	}
	p := &Policy{members: map[string]*member{}}
	for number, line := range strings.Split(string(text), "\n") {
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if err := p.line(words[0], words[1:]); err != nil {
			return nil, fmt.Errorf("policy, line %d: %w", number+1, err)
		}
	}
	if p.quorum == "" || len(p.logs) == 0 {
		return nil, damaged("a policy without a quorum, or without a log")
	}
	return p, nil
}

func (p *Policy) line(word string, words []string) error {
	switch word {
	case "log":
		if len(words) < 1 || len(words) > 2 {
			return damaged("log has %d words", len(words))
		}
		v, err := parseVerifier(words[0], typeText)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(p.logs, func(o verifier) bool { return o.key == v.key }) || len(p.logs) == maxMembers {
			return damaged("a log's key comes twice, or there are too many")
		}
		p.logs = append(p.logs, v)
		return nil
	case "witness":
		return p.witness(words)
	case "group":
		return p.group(words)
	case "quorum":
		if len(words) != 1 || p.quorum != "" || words[0] != "none" && p.members[words[0]] == nil {
			return damaged("quorum %q", words)
		}
		p.quorum = words[0]
		return nil
	}
	return damaged("a line begins with %q", word)
}

func (p *Policy) witness(words []string) error {
	if len(words) < 2 || len(words) > 3 {
		return damaged("witness has %d words", len(words))
	}
	v, err := parseVerifier(words[1], typeCosignature)
	if err != nil {
		return err
	}
	for _, m := range p.members {
		if m.key != nil && m.key.key == v.key {
			return damaged("a witness's key comes twice")
		}
	}
	return p.define(words[0], &member{key: &v})
}

func (p *Policy) define(name string, m *member) error {
	if p.members[name] != nil || name == "none" || len(p.members) == 2*maxMembers {
		return damaged("the name %q is taken, or there are too many", name)
	}
	p.members[name] = m
	return nil
}

func (p *Policy) group(words []string) error {
	if len(words) < 3 {
		return damaged("group has %d words", len(words))
	}
	m := &member{of: words[2:]}
	switch words[1] {
	case "any":
		m.k = 1
	case "all":
		m.k = len(m.of)
	default:
		k, err := parseDecimal(words[1], uint64(len(m.of)))
		if err != nil || k == 0 {
			return damaged("%q of %d members", words[1], len(m.of))
		}
		m.k = int(k)
	}
	for _, name := range m.of {
		one := p.members[name]
		if one == nil || one.grouped {
			return damaged("member %q is not defined, or in a group already", name)
		}
		one.grouped = true
	}
	return p.define(words[0], m)
}

// Believe says whether a checkpoint's note is to be believed. Where only signatures are missing it returns the checkpoint as well as the error.
func (p *Policy) Believe(msg []byte) (Checkpoint, error) {
	fault := func(name string) (Checkpoint, error) { return Checkpoint{}, fmt.Errorf("%w: %s", ErrSignature, name) }
	n, err := parseNote(msg)
	if err != nil {
		return fault("malformed")
	}
	c, err := parseCheckpoint(n.text)
	if err != nil {
		return fault("malformed")
	}
	if !slices.ContainsFunc(p.logs, func(v verifier) bool { return v.name == c.Origin }) {
		return fault("origin")
	}
	fit, misfit, byLog := 0, 0, false
	count := func(v verifier) bool {
		there, fits := n.by(v)
		switch {
		case fits:
			fit++
		case there:
			misfit++
		}
		return fits
	}
	for _, v := range p.logs {
		if count(v) && v.name == c.Origin {
			byLog = true
		}
	}
	cosigned := map[string]bool{}
	for name, m := range p.members {
		cosigned[name] = m.key != nil && count(*m.key)
	}
	switch {
	case misfit > 0 && fit == 0:
		return fault("altered")
	case misfit > 0:
		return fault("moved")
	case fit == 0:
		_, err = fault("foreign")
	case !p.reached(p.quorum, cosigned):
		_, err = fault("quorum")
	case !byLog:
		_, err = fault("log")
	}
	return c, err
}

// reached says whether a witness cosigned, or enough members of a group.
func (p *Policy) reached(name string, cosigned map[string]bool) bool {
	if name == "none" {
		return true
	}
	m, n := p.members[name], 0
	if m.key != nil {
		return cosigned[name]
	}
	for _, one := range m.of {
		if p.reached(one, cosigned) {
			n++
		}
	}
	return n >= m.k
}

// believeWord says whether the word of a certificate is to be believed: a note of one signature, by a key of a node of that log. It returns the
// origin, and what the SHA-256 of the certificate has to be.
func (p *Policy) believeWord(msg []byte) (origin, sum string, err error) {
	fault := func(name string) (string, string, error) {
		return "", "", fmt.Errorf("%w: word: %s", ErrSignature, name)
	}
	n, err := parseNote(msg)
	if err != nil || len(n.signatures) != 1 {
		return fault("malformed")
	}
	lines := strings.Split(n.text, "\n")
	if len(lines) != 4 || lines[1] != "certificate/v1" || lines[3] != "" {
		return fault("malformed")
	}
	if b, err := hex.DecodeString(lines[2]); err != nil || len(b) != len(Hash{}) || hex.EncodeToString(b) != lines[2] {
		return fault("malformed")
	}
	if !slices.ContainsFunc(p.logs, func(v verifier) bool { return v.name == lines[0] }) {
		return fault("origin")
	}
	for _, m := range p.members {
		if m.key == nil || !strings.HasPrefix(m.key.name, lines[0]+"/") {
			continue
		}
		if _, fits := n.by(verifier{m.key.name, typeText, m.key.key}); fits {
			return lines[0], lines[2], nil
		}
	}
	return fault("foreign")
}
