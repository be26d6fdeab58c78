package proof

import (
	"encoding/json"
	"fmt"
	"io"
)

// checkpointVersion is that of the section's part of a floor file (docs/format/proof.md).
const checkpointVersion = 1

// document is the section's part of a floor file.
type document struct {
	Version int         `json:"version"`
	Ordinal uint32      `json:"ordinal"`
	First   uint64      `json:"first"`
	CutMS   int64       `json:"cut_ms"`
	Sealed  uint32      `json:"sealed"`
	Counted uint32      `json:"counted"`
	Index   uint64      `json:"index"`
	Census  int64       `json:"census"`
	Cuts    []Cut       `json:"cuts"`
	Size    int64       `json:"size"`
	Edge    []string    `json:"edge"`
	Origin  string      `json:"origin"`
	Keys    []Key       `json:"keys"`
	Current treeText    `json:"current"`
	Signed  []signature `json:"signed"`
	Newest  newestText  `json:"newest"`
}

type treeText struct {
	Size int64  `json:"size"`
	Root string `json:"root"`
	Seal uint32 `json:"seal"`
}

type newestText struct {
	treeText
	Signatures []string `json:"signatures"`
	Witnesses  []string `json:"witnesses"`
	Counted    uint32   `json:"counted"`
	Index      uint64   `json:"index"`
}

// Freeze implements raftfsm.Section. What it refers to is never written again.
func (s *Section) Freeze() func(io.Writer) error {
	frozen := *s
	return func(w io.Writer) error {
		doc := document{
			Version: checkpointVersion, Ordinal: frozen.ordinal, First: frozen.first, CutMS: frozen.cutMS, Sealed: frozen.sealed,
			Counted: frozen.counted, Index: frozen.index, Census: frozen.census, Size: frozen.edge.Size, Origin: frozen.origin, Keys: frozen.keys, Signed: frozen.signed,
			Current: frozen.current.text(),
			Newest:  newestText{frozen.newest.text(), frozen.newest.Signatures, frozen.newest.Witnesses, frozen.newest.Counted, frozen.newest.Index},
		}
		for _, c := range frozen.cuts {
			doc.Cuts = append(doc.Cuts, *c)
		}
		for _, h := range frozen.edge.Hashes {
			doc.Edge = append(doc.Edge, hashText(h))
		}
		if err := json.NewEncoder(w).Encode(doc); err != nil {
			return fmt.Errorf("proof: checkpoint: %w", err)
		}
		return nil
	}
}

func (t *Tree) text() treeText { return treeText{t.Size, hashText(t.Root), t.Seal} }
