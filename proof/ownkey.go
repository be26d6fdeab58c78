package proof

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/gaplessdb/gapless/proof/sign"
)

// errForeign says that the log has a key of this server which this node never had.
var errForeign = errors.New("proof: somebody made a key known in this server's name")

// ownKeys keeps the key of this node, and those of servers that are gone, in order, once the state here is that of the log: an older one, from before a
// rotation, would have this node miss a key that it destroyed, and make others.
func (s *Sealer) ownKeys(ctx context.Context, look *Look) error {
	if look.Replays {
		return nil
	}
	err := s.register(ctx, look)
	s.noteKey(err)
	return join(s.retire(ctx, look), err)
}

// noteKey remembers what keeps this node from a key, for whoever asks.
func (s *Sealer) noteKey(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.foreign
	if s.keyless, s.foreign = "", errors.Is(err, errForeign); err != nil {
		s.keyless = err.Error()
	}
	if s.foreign && !was {
		s.log.Error("somebody made a key known in this server's name", "err", err)
	}
}

// notOurs says why this node cannot go on from the key that the log has of its server: it never was here, or its file is gone.
func (s *Sealer) notOurs(look *Look, vkey string) error {
	s.keys.again()
	made, err := s.keys.had(vkey)
	if err != nil {
		return err
	}
	if !made {
		return fmt.Errorf("%w: the log has %s, which was never here. Compare the keys in the log with those on every node's disk (gapless ctl key list), "+
			"remove the node whose binary did this, then replace this one (gapless ctl replace %s)", errForeign, vkey, s.opt.Node)
	}
	remedy := fmt.Sprintf("replace this node by one with an empty directory (gapless ctl replace %s)", s.opt.Node)
	if len(look.Voters) == 1 {
		remedy = "add a second node, wait until it votes, then remove this one: nobody else can take its key out of use"
	}
	return fmt.Errorf("proof: the log has the key %s of this server, and its file is not here: bring the file back, or %s", vkey, remedy)
}

// reluctance is why this node does not sign, "" where it does or has nothing to sign. What a node without a vote would object to is shown, too.
func (s *Sealer) reluctance(look *Look) string {
	if _, ok := s.Signer(look); look.Active && look.Votes && !ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		return cmp.Or(s.keyless, errNoKey.Error())
	}
	if tree := look.Section.Current(); tree.Size > 0 {
		return s.objection(tree)
	}
	return ""
}

// signs is the gauge of that.
func (s *Sealer) signs(look *Look) float64 {
	return oneIf(look.Active && look.Votes && s.reluctance(look) == "")
}

func (s *Sealer) isForeign() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.foreign
}

func oneIf(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}

// spoiledNewest is the complaint of a damaged newest key file. Nobody needs that one where the log has the one before, which is here.
func (s *Sealer) spoiledNewest(look *Look, own keyFile) error {
	before, ok := look.Section.KeyOf(s.opt.Node)
	if _, here := s.keys.find(before.VKey); !ok || !here || !s.uses(&before) {
		return own.damage
	}
	var damage *sign.KeyFileError
	errors.As(own.damage, &damage)
	return fmt.Errorf("proof: key file %s is damaged: %s; the log never had its key, and this node signs with the one before: remove that file", damage.Path, damage.Why)
}
