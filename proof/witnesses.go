package proof

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/proof/sign"
)

// applyWitness adds cosignatures of outside witnesses to the newest checkpoint: of each key the newest one, and where there is no room, in the place
// of those that came first. Nobody here knows their keys, so they are not verified: who believes a witness has its key in a policy. But what is no
// signature line would make the whole note unreadable.
func (s *Section) applyWitness(body []byte) error {
	var c witnessCommand
	if err := parse(body, &c); err != nil {
		return err
	}
	if c.Size != s.newest.Size || c.Root != hashText(s.newest.Root) || c.Size == 0 {
		return refuse(CodeNotCurrent, "show the witnesses the newest checkpoint", "the tree of %d records with root %s is not the newest checkpoint", c.Size, c.Root)
	}
	if n := len(c.Signatures); n == 0 || n > maxWitnesses {
		return refuse(CodeBadSignature, "send what the witness answered", "%d signatures, want 1 to %d", n, maxWitnesses)
	}
	lines := slices.Clone(s.newest.Witnesses)
	for _, line := range c.Signatures {
		name, _, _ := strings.Cut(line, " ")
		if checkLine(line) != nil || name == s.origin || strings.HasPrefix(name, s.origin+"/") || s.joins(line) != nil {
			return refuse(CodeBadSignature, "send what the witness answered", "%.80q is no witness's signature", line)
		}
		lines = slices.DeleteFunc(lines, func(old string) bool { return witnessOf(old) == witnessOf(line) })
		lines = append(lines, line)
	}
	s.newest.Witnesses = lines[max(0, len(lines)-maxWitnesses):]
	return nil
}

// joins is an error for what is no signature line of the newest checkpoint's note.
func (s *Section) joins(line string) error {
	_, err := sign.Join(sign.Checkpoint{Origin: s.origin, Size: s.newest.Size, Root: s.newest.Root}, noteLine(line))
	return err
}

// witness is what a signature line says of its key.
type witness struct {
	name string
	id   [4]byte
}

// witnessOf reads a line that joins.
func witnessOf(line string) (w witness) {
	name, signature, _ := strings.Cut(line, " ")
	w.name = name
	if b, err := base64.StdEncoding.DecodeString(signature); err == nil {
		copy(w.id[:], b)
	}
	return w
}

// notePrefix begins a signature line in a note.
const notePrefix = "— "

// noteLine is a signature line as a note has it.
func noteLine(line string) []byte { return []byte(notePrefix + line + "\n") }
