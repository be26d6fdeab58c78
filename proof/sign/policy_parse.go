package sign

import (
	"fmt"
	"strconv"
	"strings"
)

// Limits of a policy file.
const (
	maxPolicyBytes = 1 << 20
	maxPolicyItems = 4096 // logs, witnesses and groups together
)

// ParsePolicy reads a policy file. It is strict: what a line says beyond the format, a name used before it is defined, a key twice, or
// a second quorum is an error that names the line.
func ParsePolicy(text []byte) (*Policy, error) {
	if len(text) > maxPolicyBytes {
		return nil, fmt.Errorf("sign: a policy of %d bytes, the limit is %d", len(text), maxPolicyBytes)
	}
	r := policyReader{
		policy: &Policy{}, defined: map[string]bool{NoQuorum: true}, member: map[string]string{},
		logs: keySet{}, witnesses: keySet{},
	}
	for i, line := range strings.Split(string(text), "\n") {
		if err := r.line(line); err != nil {
			return nil, fmt.Errorf("sign: policy: line %d: %w", i+1, err)
		}
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		return nil, fmt.Errorf("sign: policy: the last line does not end: is the file whole?")
	}
	p := r.policy
	if p.Quorum == "" {
		return nil, fmt.Errorf("sign: policy: there is no line that begins with quorum")
	}
	if len(p.Logs) == 0 {
		return nil, fmt.Errorf("sign: policy: there is no line that begins with log: whose checkpoints does it speak of?")
	}
	return p, nil
}

// policyReader is a policy half read.
type policyReader struct {
	policy          *Policy
	defined         map[string]bool
	member          map[string]string // name -> the group it is in
	logs, witnesses keySet
}

func (r *policyReader) line(line string) error {
	if strings.ContainsFunc(line, func(c rune) bool { return c < 0x20 && c != '\t' || c == 0x7f }) {
		return fmt.Errorf("%.100q has a control character", line)
	}
	words := strings.FieldsFunc(line, func(c rune) bool { return c == ' ' || c == '\t' })
	if len(words) == 0 || strings.HasPrefix(words[0], "#") {
		return nil
	}
	if p := r.policy; len(p.Logs)+len(p.Witnesses)+len(p.Groups) >= maxPolicyItems {
		return fmt.Errorf("more than %d logs, witnesses and groups", maxPolicyItems)
	}
	switch key, rest := words[0], words[1:]; key {
	case "log":
		return r.log(rest)
	case "witness":
		return r.witness(rest)
	case "group":
		return r.group(rest)
	case "quorum":
		return r.quorum(rest)
	default:
		return fmt.Errorf("%.40q is none of log, witness, group, quorum", key)
	}
}

func (r *policyReader) log(words []string) error {
	if len(words) < 1 || len(words) > 2 {
		return fmt.Errorf("want: log <verifier key> [<url>]")
	}
	key, err := parseKeyOf(words[0], TypeEd25519, "a log")
	if err != nil {
		return err
	}
	if !r.logs.add(key) {
		return fmt.Errorf("the key of log %s stands in the policy already", words[0])
	}
	r.policy.Logs = append(r.policy.Logs, Log{key, strings.Join(words[1:], "")})
	return nil
}

func (r *policyReader) witness(words []string) error {
	if len(words) < 2 || len(words) > 3 {
		return fmt.Errorf("want: witness <name> <verifier key> [<url>]")
	}
	key, err := parseKeyOf(words[1], TypeCosignature, "a witness")
	if err != nil {
		return err
	}
	if !r.witnesses.add(key) {
		return fmt.Errorf("the key of witness %s stands in the policy already: one key is one witness", words[0])
	}
	r.policy.Witnesses = append(r.policy.Witnesses, Witness{words[0], key, strings.Join(words[2:], "")})
	return r.define(words[0])
}

func (r *policyReader) group(words []string) error {
	if len(words) < 3 {
		return fmt.Errorf("want: group <name> <number, any or all> and the members")
	}
	g := Group{Name: words[0], Members: words[2:]}
	switch words[1] {
	case "any":
		g.K = 1
	case "all":
		g.K = len(g.Members)
	default:
		k, err := strconv.Atoi(words[1])
		if err != nil || strconv.Itoa(k) != words[1] || k < 1 || k > len(g.Members) {
			return fmt.Errorf("group %s: %.40q is not any, all, or a number from 1 to %d", g.Name, words[1], len(g.Members))
		}
		g.K = k
	}
	for _, m := range g.Members {
		if !r.defined[m] || m == NoQuorum {
			return fmt.Errorf("group %s: member %.100q is not defined above", g.Name, m)
		}
		if other, ok := r.member[m]; ok {
			return fmt.Errorf("group %s: %.100q is a member of %s already: it would count twice", g.Name, m, other)
		}
		r.member[m] = g.Name
	}
	r.policy.Groups = append(r.policy.Groups, g)
	return r.define(g.Name)
}

func (r *policyReader) quorum(words []string) error {
	if len(words) != 1 || r.policy.Quorum != "" {
		return fmt.Errorf("want one line: quorum <name>")
	}
	if !r.defined[words[0]] {
		return fmt.Errorf("quorum %.100q is not defined above", words[0])
	}
	r.policy.Quorum = words[0]
	return nil
}

func (r *policyReader) define(name string) error {
	if r.defined[name] {
		return fmt.Errorf("%.100q is defined already", name)
	}
	r.defined[name] = true
	return nil
}

// parseKeyOf reads a vkey of one signature type.
func parseKeyOf(text string, typ byte, of string) (VerifierKey, error) {
	key, err := ParseVerifierKey(text)
	if err == nil && key.Type != typ {
		err = fmt.Errorf("%s is a key of signature type %#02x, want %#02x for %s", text, key.Type, typ, of)
	}
	return key, err
}

// keySet holds keys of which no two are one, whatever they are called, and no two sign alike.
type keySet map[any]bool

func (s keySet) add(k VerifierKey) bool {
	id := keyID{k.Name, k.ID()}
	if s[k.Public] || s[id] {
		return false
	}
	s[k.Public], s[id] = true, true
	return true
}
