package query

import (
	"context"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/merkle"
)

// Prover proves that stored frames are in the log of the proof. The root implements it over what proves. It is called from any number of
// goroutines, outside of the lock of a View.
type Prover interface {
	// ProveFrame proves one stored frame. It is nil when no checkpoint covers the frame yet. An error that has the method HTTPError says why there
	// is no proof here now, and stands in its place: what else is known of the frame is answered all the same.
	ProveFrame(ctx context.Context, f StoredFrame) (*Inclusion, error)
}

// StoredFrame names a frame as it is stored.
type StoredFrame struct {
	Stream   frame.StreamKey
	Epoch    uint32
	Seq      uint64
	Position frame.Position
	Seal     uint32 // seal ordinal of it; 0 while it is in a head that has none yet
}

// Inclusion leads from a frame to a signed checkpoint: the group of frames that it is in is a leaf of the strip's tree, the strip a leaf of the
// content root that the SEAL record names, the record a leaf of the log, whose root the checkpoint signs.
type Inclusion struct {
	Group, Strip, Seal ProvenLeaf
	Checkpoint         string // signed note
}

// ProvenLeaf is a leaf of a tree with its audit path (RFC 9162, 2.1.3).
type ProvenLeaf struct {
	Index, Size int64  // place of the leaf, and leaves of the tree
	Data        []byte // the bytes that are hashed
	Proof       []merkle.Hash
}

func (i *Inclusion) write(w *writer) {
	w.open('{')
	i.Group.write(w, "group")
	i.Strip.write(w, "strip")
	i.Seal.write(w, "seal")
	w.key("checkpoint")
	w.str(i.Checkpoint)
	w.close('}')
}

func (l *ProvenLeaf) write(w *writer, name string) {
	w.key(name)
	w.open('{')
	w.key("index")
	w.int(l.Index)
	w.key("size")
	w.int(l.Size)
	w.key("data")
	w.base64(l.Data)
	w.key("proof")
	w.open('[')
	for _, h := range l.Proof {
		w.base64(h[:])
	}
	w.close(']')
	w.close('}')
}
