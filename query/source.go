package query

import (
	"context"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/ledger/registry"
	"github.com/gaplessdb/gapless/segment"
)

// AsOf is the state an answer was computed from: everything up to this Raft index of this partition, and nothing after it.
type AsOf struct {
	Partition uint32
	History   uint64
	Index     uint64
	TimeMS    int64 // commit time, milliseconds since the Unix epoch, UTC
}

// position is the end of everything that the state holds: what a client passes as `after` to read its own writes elsewhere.
func (a AsOf) position() frame.Position { return frame.Position{History: a.History, Index: a.Index} }

// View is one consistent state. Each of its frames is in exactly one place: in Head, in one of Sealed, or in one segment of Manifest.
//
// Ledger and Head, and all they lead to, may be read only inside the function that was given the View; segment.Row and frame.Body values
// copied out of them stay valid. Sealed and Manifest never change and may be kept.
type View struct {
	AsOf     AsOf
	Ledger   *ledger.Ledger
	Head     *segment.Head
	Sealed   []*segment.Head   // on their way into segments, oldest first
	Manifest *segment.Manifest // of everything that is in no head; nil: no segments

	Registry *registry.Registry // what operators said of devices; only inside the function, like Ledger; nil: nothing
}

// Consistency says how fresh a state must be. The root decides how each is reached.
type Consistency string

// The consistencies that a client can ask for.
const (
	Linearizable Consistency = "linearizable" // no older than anything acknowledged before the question, proven by a quorum
	Leader       Consistency = "leader"       // what the leader holds; may be stale for a moment after it lost its office unnoticed
	Stale        Consistency = "stale"        // whatever the asked node holds
)

// Source gives states to read. The root implements it over the state machine. It is called from any number of goroutines.
type Source interface {
	// View calls fn once with a state that satisfies the consistency and contains the position `after` (zero: any). It waits for
	// such a state until ctx ends. fn runs under the state machine's read lock and delays every write while it runs, so its work is
	// bounded, and it reads no file. View returns fn's error as it is, or its own: one that has the method
	// HTTPError() (status int, code, message, hint string) reaches the client unchanged.
	View(ctx context.Context, c Consistency, after frame.Position, fn func(*View) error) error
}

// Opener gives the segments that a manifest names. The root passes what keeps them on the disk. It is called from any number of
// goroutines, and never under the lock of a View.
type Opener interface {
	// Open returns a reader of the segment and a function that gives it back; the reader is usable until then. An error that has
	// the method HTTPError reaches the client unchanged; any other is answered 503, segment_damaged where errors.Is finds
	// segment.ErrCorrupt in it, segment_missing otherwise.
	Open(name segment.Name) (r *segment.Reader, release func(), err error)
}
