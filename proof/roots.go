package proof

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/proof/sign"
)

func (s *Section) applyRoots(commitMS int64, body []byte) error {
	var r Roots
	if err := parse(body, &r); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	if !slices.Contains(s.voters, r.Server) {
		return refuse(CodeNotVoter, "a node without a vote compares its roots with the SEAL by itself", "%s has no vote", r.Server)
	}
	i := slices.IndexFunc(s.cuts, func(c *Cut) bool { return c.Ordinal == r.Ordinal })
	if i < 0 {
		return refuse(CodeNotCurrent, "compare with the SEAL in the log", "ordinal %d is open, or agreed on", r.Ordinal)
	}
	if err := s.cuts[i].newer(&r); err != nil {
		return err
	}
	if err := s.signedBy(&r); err != nil {
		return err
	}
	next := *s.cuts[i]
	next.Reports = withReport(next.Reports, &r, s.voters)
	if len(next.Reports) > maxReports {
		return refuse(CodeProofLimit, "seals need fewer voters", "%d servers with a vote have reported", len(next.Reports))
	}
	s.cuts = slices.Clone(s.cuts)
	s.cuts[i] = &next
	s.settle(commitMS)
	return nil
}

// of reports whether roots are of this cut: ordinals come again in another history.
func (r *Roots) of(c *Cut) bool {
	return r.Ordinal == c.Ordinal && r.History == c.History && r.Index == c.Last
}

// newer refuses words that anybody can take out of the log and say again: those of a server that it has replaced since, and those of another history.
func (c *Cut) newer(r *Roots) error {
	if !r.of(c) {
		return refuse(CodeNotCurrent, "count it again", "roots of %.300q are of the end of ordinal %d at %d in history %d, not at %d in %d",
			r.Server, r.Ordinal, r.Index, r.History, c.Last, c.History)
	}
	if before, _ := c.Report(r.Server); r.Count <= before.Count {
		return refuse(CodeNotCurrent, "give it the next number", "word %d of %.300q for ordinal %d comes behind its word %d", r.Count, r.Server, r.Ordinal, before.Count)
	}
	return nil
}

// word is what the signature of the roots is of.
func (r *Roots) word(origin string) (w sign.RootsWord, err error) {
	unsigned := *r
	unsigned.Signature = ""
	b, err := json.Marshal(unsigned)
	if err != nil {
		return w, fmt.Errorf("proof: roots of %s: %w", r.Server, err)
	}
	return sign.RootsWord{Origin: origin, Server: r.Server, SHA256: sha256.Sum256(b)}, nil
}

// signedBy refuses roots that the server did not sign with the key that it has in the log.
func (s *Section) signedBy(r *Roots) error {
	bad := func(why any) error {
		return refuse(CodeBadSignature, "the node's key file and its KEY record must agree", "roots of %.300q: %v", r.Server, why)
	}
	i := slices.IndexFunc(s.keys, func(k Key) bool { return k.Server == r.Server && k.Until == 0 })
	if i < 0 {
		return bad("the log has no key of it")
	}
	w, err := r.word(s.origin)
	if err != nil {
		return err
	}
	if err := checkSigned(s.keys[i].VKey, w, r.Signature); err != nil {
		return bad(err)
	}
	return nil
}

// check is a refusal of roots that cannot be any.
func (r *Roots) check() error {
	bad := func(format string, args ...any) error {
		return refuse(CodeBadProof, "compute them again", "roots of %q: %s", r.Server, fmt.Sprintf(format, args...))
	}
	if r.Server == "" || len(r.Server) > maxName {
		return bad("no server")
	}
	if err := checkLine(r.Signature); err != nil {
		return bad("%v", err)
	}
	if r.Count == 0 {
		return bad("words are counted from 1")
	}
	if r.Content.Strips < 0 || uint64(r.Content.Strips) > r.Content.Frames || r.Content.Strips == 0 && r.Content.Frames > 0 {
		return bad("%d frames in %d strips", r.Content.Frames, r.Content.Strips)
	}
	if _, err := merkle.ParseHash(r.Content.Root); err != nil {
		return bad("content: %v", err)
	}
	if r.Census == nil {
		return nil
	}
	if _, err := merkle.ParseHash(r.Census.Root); err != nil || r.Census.Streams < 0 {
		return bad("census of %d streams: %v", r.Census.Streams, err)
	}
	if sum, err := hex.DecodeString(r.Census.Policy); err != nil || len(sum) != 32 || r.Census.Policy != strings.ToLower(r.Census.Policy) {
		return bad("the policy of the census is %.80q, not a hash", r.Census.Policy)
	}
	return nil
}

// withReport is the list of reports, ascending by server, with a server's newest. Those of servers that have no vote any more are gone.
func withReport(list []Roots, r *Roots, voters []string) []Roots {
	list = slices.DeleteFunc(slices.Clone(list), func(old Roots) bool { return old.Server == r.Server || !slices.Contains(voters, old.Server) })
	i, _ := slices.BinarySearchFunc(list, r.Server, func(a Roots, server string) int { return strings.Compare(a.Server, server) })
	return slices.Insert(list, i, *r)
}

func (r *Roots) content() (ContentRoot, bool) { return r.Content, true }

func (r *Roots) census() (CensusRoot, bool) {
	if r.Census == nil {
		return CensusRoot{}, false
	}
	return *r.Census, true
}

// majority is the root on which more than half of the voters agree.
func majority[T comparable](c *Cut, voters []string, of func(*Roots) (T, bool)) (agreed T, ok bool) {
	votes := map[T]int{}
	for i := range c.Reports {
		r := &c.Reports[i]
		root, has := of(r)
		if !has || !slices.Contains(voters, r.Server) {
			continue
		}
		if votes[root]++; 2*votes[root] > len(voters) {
			return root, true
		}
	}
	return agreed, false
}

// reported reports whether every voter has said what it can of a cut.
func (c *Cut) reported(voters []string) bool {
	return !slices.ContainsFunc(voters, func(v string) bool {
		_, said := c.Report(v)
		return !said
	})
}

// Disputed reports whether servers have said different contents of a cut.
func (c *Cut) Disputed() bool {
	return slices.ContainsFunc(c.Reports, func(r Roots) bool { return r.Content.Root != c.Reports[0].Content.Root })
}
