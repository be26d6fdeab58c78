package tail

import (
	"fmt"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query"
)

// name is whose frames are: an epoch of a stream. It is immutable, and shared by the rows that it is of.
type name struct {
	key   frame.StreamKey
	shown query.FrameName
}

func newName(key frame.StreamKey, epoch uint32, value string) *name {
	return &name{key, query.FrameName{Device: key.Device, Stream: key.Stream, Epoch: epoch, EpochValue: value}}
}

// maxNames is how many names a namer remembers.
const maxNames = 1 << 16

// namer finds the names of epochs in a ledger, and makes one again only where the device gave its epoch a value since. It is for one goroutine.
type namer struct {
	known map[epochID]*knownName
	look  int // the View at hand
}

type epochID struct {
	stream frame.StreamID
	epoch  uint32
}

type knownName struct {
	*name
	look int // the last View in which it was compared with the ledger
}

// begin starts with another View.
func (n *namer) begin() {
	if n.look++; n.known == nil || len(n.known) > maxNames {
		n.known = map[epochID]*knownName{}
	}
}

// of is the name of an epoch in the View at hand.
func (n *namer) of(v *query.View, id frame.StreamID, epoch uint32) (*name, error) {
	k := n.known[epochID{id, epoch}]
	if k != nil && k.look == n.look {
		return k.name, nil
	}
	value, ok := v.Ledger.EpochValue(id, epoch)
	if !ok {
		return nil, fmt.Errorf("tail: the head has frames of epoch %d of stream %d, which the ledger does not know", epoch, id)
	}
	if k == nil {
		k = &knownName{}
		n.known[epochID{id, epoch}] = k
	}
	if k.look = n.look; k.name == nil || k.shown.EpochValue != value {
		key, _ := v.Ledger.Key(id)
		k.name = newName(key, epoch, value)
	}
	return k.name, nil
}
