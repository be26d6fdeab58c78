package proof

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/sign"
)

// clerk cuts when it is time, makes known whose keys count, follows the log, compares, and signs. What cannot be read here keeps nobody else from a cut.
func (s *Sealer) clerk(ctx context.Context, look *Look) (again bool, err error) {
	err = join(s.cutInTime(ctx, look), s.ownKeys(ctx, look))
	if missing := s.follow(ctx, look); missing != nil {
		return false, join(err, missing)
	}
	err = join(err, s.compareCounted(ctx, look))
	return false, join(err, s.cosign(ctx, look), s.archive.tidy(look.Section.Wants))
}

// cosign signs the newest tree if this node found the same roots as the cluster in everything that it says.
func (s *Sealer) cosign(ctx context.Context, look *Look) error {
	tree, origin := look.Section.Current(), look.Section.Origin()
	if tree.Size == 0 || !look.Votes || look.Section.Signed(s.opt.Server) {
		return nil
	}
	key, ok := s.Signer(look)
	if !ok {
		return nil
	}
	vkey, err := key.VerifierKey(sign.CosignerName(origin, s.opt.Node))
	if err != nil {
		return err
	}
	if why := s.objection(tree); why != "" {
		return nil
	}
	root, err := s.Store().Root(tree.Size)
	if err != nil {
		return err
	}
	if root != tree.Root {
		return fmt.Errorf("proof: the tree to sign has root %s, this node's has %s", tree.Root, root)
	}
	c := cosignCommand{Server: s.opt.Server, Size: tree.Size, Root: hashText(tree.Root)}
	cosigner, err := key.Cosigner(vkey.Name, s.opt.Now)
	if err != nil {
		return err
	}
	asLog, err := key.LogSigner(origin)
	if err != nil {
		return err
	}
	if c.Signature, err = signatureLine(tree.body(origin), cosigner); err != nil {
		return err
	}
	if c.AsLog, err = signatureLine(tree.body(origin), asLog); err != nil {
		return err
	}
	return s.say(ctx, KindCosign, fmt.Sprint("cosign ", tree.Size, " ", vkey), c)
}

// signatureLine signs a text and gives the line that a note has of it, without "— ".
func signatureLine(text string, signer note.Signer) (string, error) {
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		return "", fmt.Errorf("proof: signing %q: %w", text, err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(signed[len(text)+1:]), notePrefix), "\n"), nil
}

// objection says why this node does not sign a tree, "" where it does: it has to have computed every content root and the newest census root in it,
// and the same.
func (s *Sealer) objection(tree Tree) string {
	own, here := s.ownCensusIn(tree)
	s.mu.Lock()
	defer s.mu.Unlock()
	if list := s.differences(); len(list) > 0 { // looked at together with what was compared: this may go on beside
		return list[0].String()
	}
	if s.checked < tree.Seal {
		why := fmt.Sprintf("seal %d is not counted here yet", s.checked+1)
		if f := s.failed[task{leaves.Strips, uint64(s.checked) + 1}]; f.err != nil {
			why += ": " + f.err.Error()
		}
		return why
	}
	if s.index.size < tree.Size {
		return fmt.Sprintf("record %d of the log is not read here yet", s.index.size)
	}
	if p, ok := s.index.censusBefore(tree.Size); ok {
		if !here {
			return fmt.Sprintf("the census at %d is not counted here", p.Census.Index)
		}
		if s.compared != p.Census.Index || own.differs(p.Census.Root, p.Census.Streams) {
			return fmt.Sprintf("the census at %d is not compared here yet", p.Census.Index)
		}
	}
	return ""
}

// ownCensusIn is what this node has of the newest census in a tree; zero where nobody has looked into its file yet, and so did not compare it. It does
// not look at the disk, which may hang: gauges and Status ask.
func (s *Sealer) ownCensusIn(tree Tree) (own Counted, here bool) {
	s.mu.Lock()
	p, ok := s.index.censusBefore(tree.Size)
	s.mu.Unlock()
	if !ok {
		return own, false
	}
	c, here := s.archive.known(leaves.Census, p.Census.Index)
	if c != nil {
		own = *c
	}
	return own, here
}
