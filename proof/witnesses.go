package proof

import (
	"bytes"
	"strings"

	"github.com/gaplessdb/gapless/proof/sign"
)

// applyWitness adds cosignatures of outside witnesses to the newest checkpoint: of each key the newest one. Nobody here knows their keys, so they
// are not verified: who believes a witness has its key in a policy. But what is no signature line would make the whole note unreadable.
func (s *Section) applyWitness(body []byte) error {
	var c witnessCommand
	if err := parse(body, &c); err != nil {
		return err
	}
	if c.Size != s.newest.Size || c.Root != hashText(s.newest.Root) || c.Size == 0 {
		return refuse(CodeNotCurrent, "show the witnesses the newest checkpoint", "the tree of %d records with root %s is not the newest checkpoint", c.Size, c.Root)
	}
	if len(c.Signatures) == 0 {
		return refuse(CodeBadSignature, "send what the witness answered", "there is no signature")
	}
	var parts [][]byte
	for _, line := range c.Signatures {
		name, _, ok := strings.Cut(line, " ")
		if !ok || checkLine(line) != nil || name == s.origin || strings.HasPrefix(name, s.origin+"/") {
			return refuse(CodeBadSignature, "send what the witness answered", "%.80q is no witness's signature", line)
		}
		parts = append(parts, noteLine(line))
	}
	for _, line := range s.newest.Witnesses {
		parts = append(parts, noteLine(line))
	}
	joined, err := sign.Join(sign.Checkpoint{Origin: s.origin, Size: s.newest.Size, Root: s.newest.Root}, parts...)
	if err != nil {
		return refuse(CodeBadSignature, "send what the witness answered", "%v", err)
	}
	lines := []string{}
	for line := range bytes.Lines(joined[bytes.LastIndex(joined, []byte("\n\n"))+2:]) {
		lines = append(lines, strings.TrimSuffix(strings.TrimPrefix(string(line), notePrefix), "\n"))
	}
	if len(lines) > maxWitnesses {
		return refuse(CodeProofLimit, "use fewer witnesses", "%d cosignatures of witnesses", len(lines))
	}
	s.newest.Witnesses = lines
	return nil
}

// notePrefix begins a signature line in a note.
const notePrefix = "— "

// noteLine is a signature line as a note has it.
func noteLine(line string) []byte { return []byte(notePrefix + line + "\n") }
