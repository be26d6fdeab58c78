package proof

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/sign"
)

// clerk follows the log, makes the node's key known, cuts when it is time, and signs.
func (s *Sealer) clerk(ctx context.Context, look *Look) (again bool, err error) {
	if err := s.follow(ctx, look); err != nil {
		return false, err
	}
	if err := s.register(ctx, look); err != nil {
		return false, err
	}
	if err := s.cutInTime(ctx, look); err != nil {
		return false, err
	}
	if err := s.cosign(ctx, look); err != nil {
		return false, err
	}
	return false, s.archive.tidy(look.Section.Wants)
}

// register makes this node's key known.
func (s *Sealer) register(ctx context.Context, look *Look) error {
	if !look.Votes {
		return nil
	}
	key, by := s.key()
	origin := sign.Origin(look.Cluster)
	vkey, err := key.VerifierKey(sign.CosignerName(origin, s.opt.Node))
	if err != nil {
		return err
	}
	logKey, err := key.LogVerifierKey(origin)
	if err != nil {
		return err
	}
	before, _ := look.Section.KeyOf(s.opt.Node)
	if before.VKey == vkey.String() && before.Server == s.opt.Server {
		return nil
	}
	return s.say(ctx, KindKey, "key "+before.VKey+" "+vkey.String(), keyCommand{
		Server: s.opt.Server, Origin: origin, VKey: vkey.String(), LogVKey: logKey.String(), Replaces: before.VKey, By: by,
	})
}

// key is the one that this node signs with, and who wanted it.
func (s *Sealer) key() (key sign.Key, by string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opt.Key, cmp.Or(s.by, s.opt.Server)
}

// Key is the key that this node signs with.
func (s *Sealer) Key() sign.Key {
	key, _ := s.key()
	return key
}

// Rekey makes the node sign with another key from its next signature on. by is the principal who wants it.
func (s *Sealer) Rekey(key sign.Key, by string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt.Key, s.by = key, by
	s.move()
}

// cutInTime ends the open ordinal when it is old enough, on the leader. While the one before is not sealed it goes on.
func (s *Sealer) cutInTime(ctx context.Context, look *Look) error {
	ordinal := look.Section.Ordinal()
	if !look.Leads || look.Interval == 0 || ordinal > look.Section.SealedThrough()+1 {
		return nil
	}
	since := look.Section.CutMS()
	if since == 0 {
		since = s.firstSeen(look.NowMS)
	}
	if time.Duration(look.NowMS-since)*time.Millisecond < look.Interval {
		return nil
	}
	return s.say(ctx, KindCut, fmt.Sprint("cut ", ordinal), cutCommand{ordinal})
}

// firstSeen is the commit time of the first look: a cluster without a cut begins to count there.
func (s *Sealer) firstSeen(nowMS int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.firstMS == 0 {
		s.firstMS = nowMS
	}
	return s.firstMS
}

// cosign signs the newest tree if this node found the same roots as the cluster in everything that it says.
func (s *Sealer) cosign(ctx context.Context, look *Look) error {
	tree, origin := look.Section.Current(), look.Section.Origin()
	if tree.Size == 0 || !look.Votes || look.Section.Signed(s.opt.Server) {
		return nil
	}
	key, _ := s.key()
	vkey, err := key.VerifierKey(sign.CosignerName(origin, s.opt.Node))
	if err != nil {
		return err
	}
	if known, _ := look.Section.KeyOf(s.opt.Node); known.VKey != vkey.String() || known.Server != s.opt.Server {
		return nil
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
	if list := s.Differences(); len(list) > 0 {
		return list[0].String()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.checked < tree.Seal {
		why := fmt.Sprintf("seal %d is not counted here yet", s.checked+1)
		if f := s.failed[s.checked+1]; f.err != nil {
			why += ": " + f.err.Error()
		}
		return why
	}
	if s.index.size < tree.Size {
		return fmt.Sprintf("record %d of the log is not read here yet", s.index.size)
	}
	if p, ok := s.index.censusBefore(tree.Size); ok {
		own, here := s.archive.Has(leaves.Census, p.Census.Index)
		if !here {
			return fmt.Sprintf("the census at %d is not counted here", p.Census.Index)
		}
		if s.compared < p.Census.Index || own.differs(p.Census.Root, p.Census.Streams) {
			return fmt.Sprintf("the census at %d is not compared here yet", p.Census.Index)
		}
	}
	return ""
}
