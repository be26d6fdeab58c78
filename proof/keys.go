package proof

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/sign"
)

// Key is a key with which a node cosigns, or did.
type Key struct {
	Node    string `json:"node"`
	Server  string `json:"server"`
	VKey    string `json:"vkey"`     // of its cosignatures
	LogVKey string `json:"log_vkey"` // of its signatures as the log
	Since   int64  `json:"since"`    // size of the log with its KEY record
	Until   int64  `json:"until"`    // size with the record that ended its use: the KEY of the one that replaced it, or its own end. 0: it is in use
}

// key finds the key that a node cosigns with now.
func (s *Section) key(node string) (i int, ok bool) {
	i = slices.IndexFunc(s.keys, func(k Key) bool { return k.Node == node && k.Until == 0 })
	return i, i >= 0
}

func (s *Section) applyKey(commitMS int64, body []byte) error {
	var c keyCommand
	if err := parse(body, &c); err != nil {
		return err
	}
	node, err := c.check(sign.Origin(s.cluster))
	if err != nil {
		return err
	}
	if !slices.Contains(s.voters, c.Server) {
		return refuse(CodeNotVoter, "only voters sign", "%s has no vote", c.Server)
	}
	var before Key
	i, had := s.key(node)
	if had {
		before = s.keys[i]
	}
	if before.VKey != c.Replaces {
		return refuse(CodeNotCurrent, "read the keys again", "%s cosigns with %q, not with %q", node, before.VKey, c.Replaces)
	}
	moved := before.VKey == c.VKey
	if err := s.mayUse(node, &c, &before, moved); err != nil {
		return err
	}
	if err := c.signed(slices.Contains(s.voters, before.Server)); err != nil {
		return err
	}
	s.origin = c.Origin
	s.append(&record.Key{
		Head: record.NewHead(record.TypeKey, commitMS), Node: node, Server: c.Server, VKey: c.VKey, LogVKey: c.LogVKey, Replaces: before.VKey, By: c.By,
		Signed: c.Signature, ReplacedSigned: c.ReplacedSignature, Census: s.census,
	})
	s.keys = slices.Clone(s.keys)
	switch {
	case moved:
		s.keys[i].Server = c.Server
	case had:
		s.keys[i].Until = s.edge.Size
		fallthrough
	default:
		s.keys = append(s.keys, Key{Node: node, Server: c.Server, VKey: c.VKey, LogVKey: c.LogVKey, Since: s.edge.Size})
	}
	s.target()
	return nil
}

// word is what the signatures of the command are of.
func (c *keyCommand) word() sign.KeyWord {
	return sign.KeyWord{Origin: c.Origin, Server: c.Server, VKey: c.VKey, Replaces: c.Replaces}
}

// signed refuses a key that nobody proved to have, and one that the replaced key does not want while that votes: a node speaks for itself only.
func (c *keyCommand) signed(replacedVotes bool) error {
	if err := sign.CheckKeyWord(c.VKey, c.word(), c.Signature); err != nil {
		return refuse(CodeBadSignature, "sign it with the new key", "key of %.300q: by the new key: %v", c.Server, err)
	}
	if c.ReplacedSignature == "" && !replacedVotes {
		return nil
	}
	if err := sign.CheckKeyWord(c.Replaces, c.word(), c.ReplacedSignature); err != nil {
		return refuse(CodeBadSignature, "sign it with the replaced key as well; a server whose key file is lost has to be removed, and added with a new disk",
			"key of %.300q: by the replaced key: %v", c.Server, err)
	}
	return nil
}

// applyRetire takes the key of a server that is gone out of use: the log needs no signature for that, who votes is the cluster's to say.
func (s *Section) applyRetire(commitMS int64, body []byte) error {
	var c retireCommand
	if err := parse(body, &c); err != nil {
		return err
	}
	i := slices.IndexFunc(s.keys, func(k Key) bool { return k.Server == c.Server && k.Until == 0 })
	if i < 0 {
		return refuse(CodeNotCurrent, "nothing is left to do", "the log has no key of %.300q in use", c.Server)
	}
	if slices.Contains(s.voters, c.Server) {
		return refuse(CodeNotCurrent, "remove that server first", "%s has a vote", c.Server)
	}
	k := s.keys[i]
	s.append(&record.Key{Head: record.NewHead(record.TypeKey, commitMS), Node: k.Node, Server: k.Server, Replaces: k.VKey, Census: s.census})
	s.keys = slices.Clone(s.keys)
	s.keys[i].Until = s.edge.Size
	s.target()
	return nil
}

// mayUse refuses keys that were in use before, by whatever node. A node's new server may go on with the key of the one before, once that has no vote:
// so a key is that of one server.
func (s *Section) mayUse(node string, c *keyCommand, before *Key, moved bool) error {
	switch {
	case moved && before.Server == c.Server:
		return refuse(CodeNotCurrent, "nothing is left to do", "%s cosigns with that key", c.Server)
	case moved && slices.Contains(s.voters, before.Server):
		return refuse(CodeBadProof, "remove that server, or make a new key", "%s cosigns with that key, and has a vote", before.Server)
	case moved:
		return nil
	case slices.ContainsFunc(s.keys, func(k Key) bool { return k.LogVKey == c.LogVKey }): // which is equal for equal keys of any node
		return refuse(CodeBadProof, "make a new key", "the key %s was in use before", c.LogVKey)
	case len(s.keys) >= maxKeys:
		return refuse(CodeProofLimit, "this cluster has changed its keys too often", "it has had %d keys", len(s.keys))
	case s.keysOf(node) >= maxNodeKeys:
		return refuse(CodeProofLimit, "give the node another name: it has changed its key too often", "%s has had %d keys", node, maxNodeKeys)
	}
	return nil
}

// keysOf is how many keys a node has had.
func (s *Section) keysOf(node string) (n int) {
	for i := range s.keys {
		if s.keys[i].Node == node {
			n++
		}
	}
	return n
}

// check is a refusal of keys that cannot be the server's, in the log of that name.
func (c *keyCommand) check(origin string) (node string, err error) {
	bad := func(format string, args ...any) error {
		return refuse(CodeBadProof, "update the node, or its key file", "key of %.300q: %s", c.Server, fmt.Sprintf(format, args...))
	}
	node, _, ok := strings.Cut(c.Server, ".")
	if !ok || node == "" || len(c.Server) > maxName || len(c.Origin) > maxName || len(c.By) > maxBy {
		return "", bad("no server, or its words are too long")
	}
	if c.Origin != origin {
		return "", bad("the log is %q, not %q", origin, c.Origin)
	}
	cosigner, err := sign.ParseVerifierKey(c.VKey)
	if err != nil {
		return "", bad("%v", err)
	}
	asLog, err := sign.ParseVerifierKey(c.LogVKey)
	if err != nil {
		return "", bad("as the log: %v", err)
	}
	if want := sign.CosignerName(c.Origin, node); cosigner.Name != want || cosigner.Type != sign.TypeCosignature {
		return "", bad("%s is not the key of a cosigner %q", c.VKey, want)
	}
	if asLog.Name != c.Origin || asLog.Type != sign.TypeEd25519 || asLog.Public != cosigner.Public {
		return "", bad("%s is not the same key as that of the log %q", c.LogVKey, c.Origin)
	}
	return node, nil
}

// maxBy is the longest principal.
const maxBy = 1024
