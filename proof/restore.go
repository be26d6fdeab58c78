package proof

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/proof/sign"
)

// Restore implements raftfsm.Section. What it refuses leaves the section as it was.
func (s *Section) Restore(r io.Reader) error {
	var doc document
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return fmt.Errorf("proof: checkpoint: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("proof: checkpoint: something follows it")
	}
	next, err := doc.section()
	if err == nil {
		next.history, next.cluster, next.voters = s.history, s.cluster, s.voters
		err = next.check()
	}
	if err != nil {
		return fmt.Errorf("proof: checkpoint: %w", err)
	}
	*s = *next
	return nil
}

// section is what a document says, nothing of which was checked but its hashes.
func (doc *document) section() (s *Section, err error) {
	if doc.Version != checkpointVersion {
		return nil, fmt.Errorf("version %d, this binary knows %d: upgrade it", doc.Version, checkpointVersion)
	}
	s = &Section{
		ordinal: doc.Ordinal, first: doc.First, cutMS: doc.CutMS, sealed: doc.Sealed, counted: doc.Counted, index: doc.Index, census: doc.Census,
		origin: doc.Origin, keys: doc.Keys, signed: doc.Signed, edge: merkle.Edge{Size: doc.Size},
		newest: Checkpoint{Signatures: doc.Newest.Signatures, Witnesses: doc.Newest.Witnesses, Counted: doc.Newest.Counted, Index: doc.Newest.Index},
	}
	for _, text := range doc.Edge {
		h, err := merkle.ParseHash(text)
		if err != nil {
			return nil, err
		}
		s.edge.Hashes = append(s.edge.Hashes, h)
	}
	if s.current, err = doc.Current.tree(); err != nil {
		return nil, err
	}
	if s.newest.Tree, err = doc.Newest.tree(); err != nil {
		return nil, err
	}
	for i := range doc.Cuts {
		s.cuts = append(s.cuts, &doc.Cuts[i])
	}
	return s, nil
}

func (t treeText) tree() (tree Tree, err error) {
	tree = Tree{Size: t.Size, Seal: t.Seal}
	tree.Root, err = merkle.ParseHash(t.Root)
	return tree, err
}

// check checks what Apply relies on.
func (s *Section) check() error {
	if !s.edge.Valid() {
		return fmt.Errorf("a tree of %d records has another edge than %d hashes", s.edge.Size, len(s.edge.Hashes))
	}
	if s.ordinal == 0 || s.sealed >= s.ordinal || s.counted > s.sealed || s.ordinal-1-s.sealed > maxCuts || len(s.keys) > maxKeys {
		return fmt.Errorf("ordinal %d, sealed %d, counted %d, %d cuts, %d keys contradict each other", s.ordinal, s.sealed, s.counted, len(s.cuts), len(s.keys))
	}
	if s.census < -1 || s.census >= s.edge.Size || (s.census < 0) != (s.counted == 0) {
		return fmt.Errorf("ordinal %d is counted, record %d of %d is the newest CENSUS", s.counted, s.census, s.edge.Size)
	}
	if err := s.checkCuts(); err != nil {
		return err
	}
	if (s.origin == "") != (len(s.keys) == 0) || s.origin != "" && s.cluster != "" && s.origin != sign.Origin(s.cluster) {
		return fmt.Errorf("the log %q with %d keys, in cluster %q", s.origin, len(s.keys), s.cluster)
	}
	for i := range s.keys {
		if err := s.checkKey(i); err != nil {
			return err
		}
	}
	if t := &s.current; t.Size > s.edge.Size || t.Size == s.edge.Size && t.Size > 0 && t.Root != s.edge.Root() || t.Seal > s.sealed {
		return fmt.Errorf("a tree of %d records to cosign, root %s, in a log of %d, root %s", t.Size, t.Root, s.edge.Size, s.edge.Root())
	}
	if c := &s.newest; c.Size < 0 || c.Size > s.current.Size || c.Counted > s.counted || len(c.Witnesses) > maxWitnesses {
		return fmt.Errorf("a checkpoint of %d records before one of %d", c.Size, s.current.Size)
	}
	for _, line := range slices.Concat(s.newest.Signatures, s.newest.Witnesses) {
		if err := checkLine(line); err != nil {
			return err
		}
	}
	for i, g := range s.signed {
		if err := errors.Join(checkLine(g.Line), checkLine(g.AsLog)); err != nil || i > 0 && s.signed[i-1].Server >= g.Server {
			return errors.Join(err, fmt.Errorf("signature %d of %q", i, g.Server))
		}
	}
	return nil
}

// checkCuts: those that have no SEAL are all up to the open ordinal; those that have one still wait for their census.
func (s *Section) checkCuts() error {
	unsealed := s.sealed + 1
	if uncounted := len(s.cuts) - int(s.ordinal-unsealed); uncounted > maxUncounted {
		return fmt.Errorf("%d sealed ordinals wait for their census", uncounted)
	}
	for i, c := range s.cuts {
		switch {
		case c.Sealed && (c.Ordinal > s.sealed || c.Ordinal <= s.counted), !c.Sealed && c.Ordinal != unsealed,
			i > 0 && s.cuts[i-1].Ordinal >= c.Ordinal, c.First > c.Last, c.Last >= s.first, len(c.Reports) > maxReports:
			return fmt.Errorf("cut %+v, of %d to %d, with ordinals up to %d sealed", c.Ordinal, c.First, c.Last, s.sealed)
		}
		if !c.Sealed {
			unsealed++
		}
		for k := range c.Reports {
			r := &c.Reports[k]
			if err := r.check(); err != nil {
				return err
			}
			if !r.of(c) || k > 0 && c.Reports[k-1].Server >= r.Server {
				return fmt.Errorf("report %d of cut %d at %d is of %q, ordinal %d at %d", k, c.Ordinal, c.Last, r.Server, r.Ordinal, r.Index)
			}
		}
	}
	if unsealed != s.ordinal {
		return fmt.Errorf("ordinal %d is open, those up to %d have ended", s.ordinal, unsealed-1)
	}
	return nil
}

func (s *Section) checkKey(i int) error {
	k := &s.keys[i]
	c := keyCommand{Server: k.Server, Origin: s.origin, VKey: k.VKey, LogVKey: k.LogVKey}
	node, err := c.check(s.origin)
	if err != nil {
		return err
	}
	if in, _ := s.key(node); node != k.Node || k.Until == 0 && in != i || k.Since < 1 || k.Since > s.edge.Size || k.Until < 0 || k.Until > s.edge.Size {
		return fmt.Errorf("key %d of %q, in use from %d to %d of %d records", i, k.Node, k.Since, k.Until, s.edge.Size)
	}
	return nil
}

// checkLine is an error for what would change the meaning of a note.
func checkLine(line string) error {
	if len(line) > maxLine || strings.ContainsAny(line, "\r\n") {
		return fmt.Errorf("%.80q is no signature line", line)
	}
	return nil
}
