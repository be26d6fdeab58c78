package sign

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Signed is a checkpoint that a policy believes.
type Signed struct {
	Checkpoint
	Names []string             // the names of the keys that cosigned it and that the policy knows, ascending, each once
	Times map[string]time.Time // when each of them cosigned; of several keys of one name the last
}

// Check believes the note of a checkpoint or says why not, in a *SignatureError. A signature of a key that the policy does not know is
// ignored; one of a key that it does know and that does not fit makes the whole note unbelievable. Besides the quorum one node must
// have signed in the name of the log (Key.LogSigner), as C2SP's policies have it.
func (p *Policy) Check(msg []byte) (Signed, error) {
	o, err := open(msg, p.keys())
	if err != nil {
		return Signed{}, err
	}
	c, err := ParseCheckpoint(o.text)
	if err != nil {
		return Signed{}, refuse(FaultMalformed, "not a checkpoint: %v", err)
	}
	if !slices.Contains(p.Origins(), c.Origin) {
		return Signed{}, refuse(FaultOrigin, "the checkpoint is of log %q, the policy is for %s", c.Origin, strings.Join(p.Origins(), ", "))
	}
	if err := o.believable(); err != nil {
		return Signed{}, p.explain(err, o)
	}
	s := Signed{Checkpoint: c, Times: map[string]time.Time{}}
	cosigned := map[string]bool{} // by the policy's names of witnesses
	inItsName := false
	for _, sig := range o.held {
		if sig.Key.Type == TypeEd25519 {
			inItsName = inItsName || sig.Key.Name == c.Origin
			continue
		}
		cosigned[p.witnessOf(sig.Key)] = true
		if t, ok := s.Times[sig.Key.Name]; !ok || sig.Time.After(t) {
			s.Times[sig.Key.Name] = sig.Time
		}
	}
	s.Names = slices.Sorted(maps.Keys(s.Times))
	if missing := p.shortfall(p.Quorum, cosigned); missing != "" {
		return Signed{}, refuse(FaultQuorum, "too few cosigned the checkpoint of size %d: %s; it has %s", c.Size, missing, orNone(s.Names))
	}
	if !inItsName {
		return Signed{}, refuse(FaultLog, "the checkpoint is cosigned by %s, but no node signed it in the name of the log, %s", orNone(s.Names), c.Origin)
	}
	return s, nil
}

// keys are all keys that the policy knows.
func (p *Policy) keys() []VerifierKey {
	keys := make([]VerifierKey, 0, len(p.Logs)+len(p.Witnesses))
	for _, l := range p.Logs {
		keys = append(keys, l.Key)
	}
	for _, w := range p.Witnesses {
		keys = append(keys, w.Key)
	}
	return keys
}

// explain adds what the policy knows to a note without a known signature: a name with other keys is another cluster, or newer keys.
func (p *Policy) explain(err error, o *opened) error {
	e := err.(*SignatureError)
	if e.Fault != FaultForeign {
		return err
	}
	for _, s := range o.unknown {
		if slices.ContainsFunc(p.keys(), func(k VerifierKey) bool { return k.Name == s.Name }) {
			e.Text += fmt.Sprintf("; the policy knows other keys named %s: this is another cluster's signature, or the policy is older than its keys", s.Name)
			break
		}
	}
	return e
}

// witnessOf is the policy's name of a cosigner's key.
func (p *Policy) witnessOf(key VerifierKey) string {
	i := slices.IndexFunc(p.Witnesses, func(w Witness) bool { return w.Key == key })
	return p.Witnesses[i].Name
}

// shortfall says what name lacks of having cosigned, "" when it did.
func (p *Policy) shortfall(name string, cosigned map[string]bool) string {
	if name == NoQuorum || cosigned[name] {
		return ""
	}
	i := slices.IndexFunc(p.Groups, func(g Group) bool { return g.Name == name })
	if i < 0 {
		return name + " did not"
	}
	g, have, lacks := p.Groups[i], 0, []string(nil)
	for _, m := range g.Members {
		if why := p.shortfall(m, cosigned); why == "" {
			have++
		} else {
			lacks = append(lacks, why)
		}
	}
	if have >= g.K {
		return ""
	}
	if len(g.Members) == 1 {
		return g.Name + " did not"
	}
	return fmt.Sprintf("%s needs %d of %d and has %d (%s)", g.Name, g.K, len(g.Members), have, strings.Join(lacks, ", "))
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "no cosignature of a key that the policy knows"
	}
	return strings.Join(names, ", ")
}
