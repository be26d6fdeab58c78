package raftfsm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of what a change of the policy says of itself, bytes.
const (
	MaxNoteBytes = 1024
	maxByBytes   = 1024
)

// policyChange is a command of version policyVersion or sealPolicyVersion.
type policyChange struct {
	Policy Policy `json:"policy"` // with the revision that it replaces
	By     string `json:"by"`     // principal
	Note   string `json:"note"`   // why

	before Policy // what it replaced, once it is applied; Policy then is what is in force
}

// PolicyCommand is the body of a change, and the version of the command: at cluster version 1 nothing keeps by and note, and no policy has merge settings.
// text is the policy as it was sent. An error is a *RefusedError.
func PolicyCommand(clusterVersion int, text []byte, by, note string) (body []byte, version uint8, err error) {
	read, version := ParsePolicy, sealPolicyVersion
	switch {
	case clusterVersion < 2:
		_, err := parsePolicyV1(text)
		return text, commandVersion, err
	case clusterVersion < 3:
		read, version = parsePolicyV2, policyVersion
	}
	p, err := read(text)
	if err != nil {
		return nil, 0, err
	}
	c := policyChange{Policy: p, By: by, Note: note}
	if err := c.check(); err != nil {
		return nil, 0, err
	}
	body, err = json.Marshal(c)
	return body, version, err
}

// parsePolicyChange reads a command; read knows the policy of its version.
func parsePolicyChange(body []byte, read func([]byte) (Policy, error)) (*policyChange, error) {
	var c struct {
		Policy json.RawMessage `json:"policy"`
		By     string          `json:"by"`
		Note   string          `json:"note"`
	}
	if err := readStrictly(body, &c); err != nil {
		return nil, badPolicy(err.Error(), "the proposer is of another release or at fault")
	}
	p, err := read(c.Policy)
	if err != nil {
		return nil, err
	}
	change := &policyChange{Policy: p, By: c.By, Note: c.Note}
	return change, change.check()
}

func (c *policyChange) check() error {
	if len(c.By) > maxByBytes {
		return badPolicy(fmt.Sprintf("by has %d bytes, the limit is %d", len(c.By), maxByBytes), "use a shorter id")
	}
	if len(c.Note) > MaxNoteBytes || !utf8.ValidString(c.Note) || strings.ContainsFunc(c.Note, unicode.IsControl) {
		return &RefusedError{Code: "bad_note", Message: fmt.Sprintf("the note has %d bytes, or characters that are none", len(c.Note)),
			Hint: fmt.Sprintf("use one line of at most %d bytes of UTF-8", MaxNoteBytes)}
	}
	return nil
}

// PolicyDetail is what the audit frame of a change holds, as JSON.
type PolicyDetail struct {
	Revision uint64          `json:"revision"` // now in force
	Note     string          `json:"note"`
	Policy   json.RawMessage `json:"policy"`  // now in force
	Changes  []PolicyValue   `json:"changes"` // ascending by path
}

// PolicyValue is a setting that has another value since a change.
type PolicyValue struct {
	Path string          `json:"path"` // "ledger.grace_ms"
	From json.RawMessage `json:"from"` // null: it was not there
	To   json.RawMessage `json:"to"`
}

// PolicyAction is the action of audit frames of a changed policy.
const PolicyAction = "policy_set"

// Audit describes the change that was just applied.
func (p *policySection) Audit(uint16, []byte) (tenant, action, subject, by string, detail []byte, ok bool) {
	c := p.change
	if p.change = nil; c == nil {
		return "", "", "", "", nil, false
	}
	after, err := json.Marshal(c.Policy)
	if err != nil {
		return "", "", "", "", nil, false
	}
	d := PolicyDetail{Revision: c.Policy.Revision, Note: c.Note, Policy: after, Changes: c.before.differences(c.Policy)}
	detail, err = json.Marshal(d)
	return "", PolicyAction, "policy", c.By, detail, err == nil
}

// differences are the settings in which another policy differs. The revision is none.
func (p Policy) differences(to Policy) []PolicyValue {
	if p.Merge == (MergePolicy{}) { // the defaults were in force
		p.Merge = p.Merge.WithDefaults()
	}
	if p.Seal == (SealPolicy{}) && to.Seal != (SealPolicy{}) {
		p.Seal = p.Seal.WithDefaults()
	}
	from, now := p.settings(), to.settings()
	list := []PolicyValue{}
	for path, value := range now {
		if !bytes.Equal(from[path], value) {
			list = append(list, PolicyValue{path, from[path], value})
		}
	}
	slices.SortFunc(list, func(a, b PolicyValue) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// settings are the values of a policy by their paths.
func (p Policy) settings() map[string]json.RawMessage {
	p.Revision = 0
	b, err := json.Marshal(p)
	if err != nil {
		return nil // a struct of numbers and flags has a form
	}
	all := map[string]json.RawMessage{}
	flatten(all, "", b)
	return all
}

func flatten(into map[string]json.RawMessage, path string, value json.RawMessage) {
	var members map[string]json.RawMessage
	if json.Unmarshal(value, &members) != nil {
		into[path] = value
		return
	}
	for name, member := range members {
		flatten(into, strings.TrimPrefix(path+"."+name, "."), member)
	}
}
