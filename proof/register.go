package proof

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gaplessdb/gapless/proof/sign"
)

// ErrRotating says that the log does not have the node's newest key yet, as far as the node has read it: until it has, no other is made.
var ErrRotating = errors.New("proof: the log does not have this node's newest key yet")

// errNoKey says that the log has no key of this node with which it could sign.
var errNoKey = fmt.Errorf("%w: the log does not have this node's key yet", errNotCommitted)

// register makes this node's key known, and makes one where there is none, or none that may still be used. Older ones are destroyed once the log has
// the newest, also those that a restart found. So a rotation goes on wherever it was cut off.
func (s *Sealer) register(ctx context.Context, look *Look) error {
	own, _, err := s.keys.newest()
	if own.damage != nil {
		return s.spoiledNewest(look, own)
	}
	if err != nil {
		return err
	}
	known, was := knownKey(look, own.key)
	usable := own.number > 0 && (!was || known.Until == 0 && known.Node == s.opt.Node && !slices.Contains(look.Voters, known.Server))
	switch {
	case was && s.uses(&known):
		return s.keys.keep(own.number)
	case !look.Votes:
		return nil
	case !usable:
		if waits, err := s.cannotReplace(look); waits || err != nil {
			return err
		}
		if err := s.keys.make(own.number, ""); err != nil && !errors.Is(err, errNewer) {
			return err
		}
	}
	return s.sayKey(ctx, look)
}

// uses reports whether a key in the log is the one in use of this server.
func (s *Sealer) uses(k *Key) bool {
	return k.Until == 0 && k.Node == s.opt.Node && k.Server == s.opt.Server
}

// knownKey is what the log says of a key, whichever node had it. As the log's key it has one text for all nodes.
func knownKey(look *Look, key sign.Key) (known Key, was bool) {
	asLog, err := key.LogVerifierKey(sign.Origin(look.Cluster))
	if err != nil { // there is no key
		return known, false
	}
	text := asLog.String()
	for _, k := range look.Section.Keys() {
		if k.LogVKey == text {
			known, was = k, true
		}
	}
	return known, was
}

// cannotReplace says why this node cannot replace the key that the log has of it: another server of it still votes, and that passes; or its own file
// is gone, and that does not.
func (s *Sealer) cannotReplace(look *Look) (waits bool, err error) {
	before, had := look.Section.KeyOf(s.opt.Node)
	if _, here := s.keys.find(before.VKey); !had || here || !slices.Contains(look.Voters, before.Server) {
		return false, nil
	}
	if before.Server == s.opt.Server {
		return true, s.notOurs(look, before.VKey)
	}
	return true, nil
}

// sayKey makes the newest key known: it signs that it is here, and the one before that it is replaced.
func (s *Sealer) sayKey(ctx context.Context, look *Look) error {
	if waits, err := s.cannotReplace(look); waits || err != nil {
		return err
	}
	own, by, err := s.keys.newest()
	if err != nil {
		return err
	}
	origin := sign.Origin(look.Cluster)
	vkey, err := own.key.VerifierKey(sign.CosignerName(origin, s.opt.Node))
	if err != nil {
		return err
	}
	asLog, err := own.key.LogVerifierKey(origin)
	if err != nil {
		return err
	}
	before, _ := look.Section.KeyOf(s.opt.Node)
	word := sign.KeyWord{Origin: origin, Server: s.opt.Server, VKey: vkey.String(), Replaces: before.VKey}
	c := keyCommand{Server: s.opt.Server, Origin: origin, VKey: word.VKey, LogVKey: asLog.String(), Replaces: before.VKey, By: cmp.Or(by, s.opt.Server)}
	if c.Signature, err = own.key.SignKeyWord(s.opt.Node, word); err != nil {
		return err
	}
	if old, here := s.keys.find(before.VKey); here {
		if c.ReplacedSignature, err = old.SignKeyWord(s.opt.Node, word); err != nil {
			return err
		}
	}
	return s.say(ctx, KindKey, "key "+before.VKey+" "+word.VKey, c)
}

// retire takes the keys of servers that have no vote any more out of use, on the leader.
func (s *Sealer) retire(ctx context.Context, look *Look) (err error) {
	if !look.Leads || len(look.Voters) == 0 { // which a node does not know before its first look at the log
		return nil
	}
	for _, k := range look.Section.Keys() {
		if k.Until == 0 && !slices.Contains(look.Voters, k.Server) {
			err = errors.Join(err, s.say(ctx, KindRetire, "retire "+k.VKey, retireCommand{k.Server}))
		}
	}
	return err
}

// Rotate makes a new key because by wants it. The node signs with the one before until the log has it. ErrRotating: one is under way.
func (s *Sealer) Rotate(by string) error {
	own, _, err := s.keys.newest()
	if err != nil {
		return err
	}
	look := s.opt.Catalog.Look()
	if known, was := knownKey(&look, own.key); look.Replays || !was || !s.uses(&known) {
		return ErrRotating
	}
	if err := s.keys.make(own.number, by); err != nil {
		if errors.Is(err, errNewer) {
			return ErrRotating
		}
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.move()
	return nil
}

// NewestKey is the key that this node signs with once the log has it; false where it has none yet.
func (s *Sealer) NewestKey() (key sign.Key, ok bool, err error) {
	own, _, err := s.keys.newest()
	return own.key, own.number > 0, err
}

// Signer is the key that the log has of this server. What another one signs, no policy believes.
func (s *Sealer) Signer(look *Look) (key sign.Key, ok bool) {
	known, ok := look.Section.KeyOf(s.opt.Node)
	if !ok || !s.uses(&known) {
		return sign.Key{}, false
	}
	return s.keys.find(known.VKey)
}

// signRoots puts this server's word under what it computed.
func (s *Sealer) signRoots(r *Roots) error {
	look := s.opt.Catalog.Look()
	key, ok := s.Signer(&look)
	if !ok {
		return errNoKey
	}
	word, err := r.word(look.Section.Origin())
	if err != nil {
		return err
	}
	r.Signature, err = key.SignRootsWord(s.opt.Node, word)
	return err
}
