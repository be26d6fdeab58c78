package proof

import (
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/proof/sign"
)

// Checkpoint is a tree that a majority of the voters cosigned.
type Checkpoint struct {
	Tree
	Signatures []string // lines of the note, without "— ": of servers as the log, then their cosignatures, ascending by server
	Witnesses  []string // likewise, of outside witnesses
	Counted    uint32   // the newest ordinal whose CENSUS is in it
	Index      uint64   // at which that was counted
}

// Body is the text that is signed.
func (t *Tree) body(origin string) string {
	return sign.Checkpoint{Origin: origin, Size: t.Size, Root: t.Root}.Text()
}

// note is the signed checkpoint, "" before there is one.
func (c *Checkpoint) note(origin string) string {
	if c.Size == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(c.body(origin))
	b.WriteString("\n")
	for _, line := range slices.Concat(c.Signatures, c.Witnesses) {
		b.Write(noteLine(line))
	}
	return b.String()
}

func (s *Section) applyCosign(body []byte) error {
	var c cosignCommand
	if err := parse(body, &c); err != nil {
		return err
	}
	if c.Size != s.current.Size || c.Root != hashText(s.current.Root) || c.Size == 0 {
		return refuse(CodeNotCurrent, "sign the newest tree", "the tree of %d records with root %s is not the one to sign", c.Size, c.Root)
	}
	if !slices.Contains(s.voters, c.Server) {
		return refuse(CodeNotVoter, "only voters sign", "%s has no vote", c.Server)
	}
	if err := s.verify(&c); err != nil {
		return err
	}
	i, there := slices.BinarySearchFunc(s.signed, c.Server, func(a signature, server string) int { return strings.Compare(a.Server, server) })
	if there { // it counts once
		return nil
	}
	s.signed = slices.Insert(slices.Clone(s.signed), i, signature{c.Server, c.Signature, c.AsLog})
	s.publish()
	return nil
}

// verify checks a server's signatures of the current tree with the key that its node has in the log.
func (s *Section) verify(c *cosignCommand) error {
	bad := func(why string) error {
		return refuse(CodeBadSignature, "the node's key file and its KEY record must agree", "signatures of %s: %s", c.Server, why)
	}
	node, _, _ := strings.Cut(c.Server, ".")
	i, ok := s.key(node)
	if !ok || s.keys[i].Server != c.Server {
		return bad("the log has no key of it")
	}
	of := sign.Checkpoint{Origin: s.origin, Size: s.current.Size, Root: s.current.Root}
	for _, part := range []struct{ key, line string }{{s.keys[i].VKey, c.Signature}, {s.keys[i].LogVKey, c.AsLog}} {
		key, err := sign.ParseVerifierKey(part.key)
		if err != nil {
			return bad(err.Error())
		}
		if err := checkLine(part.line); err != nil {
			return bad(err.Error())
		}
		if _, err := sign.Verified(of, noteLine(part.line), key); err != nil {
			return bad(err.Error())
		}
	}
	return nil
}

// maxLine is the longest signature line.
const maxLine = 2*maxName + 256

// publish makes the current tree the newest checkpoint once a majority of the voters signed it, and takes in who signs later.
func (s *Section) publish() {
	logs, lines, votes := []string{}, []string{}, 0
	for _, g := range s.signed {
		if slices.Contains(s.voters, g.Server) {
			logs, lines, votes = append(logs, g.AsLog), append(lines, g.Line), votes+1
		}
	}
	if 2*votes <= len(s.voters) {
		return
	}
	if s.newest.Size != s.current.Size {
		s.newest = Checkpoint{Tree: s.current, Counted: s.counted, Index: s.index}
	}
	if n := maxSigners; votes > n { // a note has 100 signatures at most
		logs, lines = logs[:n], lines[:n]
	}
	s.newest.Signatures = append(logs, lines...)
}
