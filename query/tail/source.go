package tail

import (
	"context"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query"
)

// Source gives states to read, and says when there is a new one. The root implements it over the state machine. It is called from any
// number of goroutines.
type Source interface {
	query.Source

	// Changed returns a channel that is closed at the next change of the state.
	Changed() <-chan struct{}

	// Consumers calls fn once with the section of the newest state, under the read lock.
	Consumers(fn func(*Consumers))
}

// Proposer commits a command and returns after it was applied here, with the section's answer. The root implements it on every node. An error
// that has the method HTTPError reaches the client unchanged.
type Proposer interface {
	ProposeCommand(ctx context.Context, kind uint16, version uint8, body []byte) (frame.Position, []byte, error)
}
