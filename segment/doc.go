// Package segment holds frames on their way into columnar files. Today it is the head: the frames that are applied and not yet in a
// segment, in memory, for reading. The columnar files, their manifest and the flush join it in the same room.
//
// # The head
//
// A Head keeps the rows of every (stream, epoch) ordered by seq. A row is small and fixed: its numbers, and a Body that refers to the
// bytes of the committed batch it came in. No value is decoded until somebody asks for it, and then outside of every lock.
//
// Rows of one epoch lie in chunks of at most 256:
//
//	epoch ── chunk [3 4 5 … 258] ── chunk [259 … 514] ── chunk [9000 9001]
//	         minNS maxNS           minNS maxNS           minNS maxNS
//
// A frame in order is written behind the last row, O(1). A late one is inserted into its chunk, and a full chunk is split, so that one
// insert moves at most 256 rows no matter how many millions lie above it. Each chunk carries the bounds of its rows' times, so that a
// read by time skips what cannot match although rows are ordered by number.
//
// # Invariants
//
//   - Rows of an epoch are strictly ascending by seq; no chunk is empty; chunks do not overlap. An Append of a number that is there
//     changes nothing and says so: the first one is kept.
//   - Rows are never changed or removed, and a Body's bytes are never written to: what a reader copied stays valid after the lock is
//     gone, for as long as it holds it.
//   - What a Head contains depends on the rows given to it and on nothing else: no clock, no map order, no randomness.
//
// # Concurrency
//
// One writer (apply). Readers hold the lock of the state machine for as long as they are inside a method or a callback. A *Row given to
// a callback is valid only until the callback returns: an insert moves rows. Copy the Row, not the pointer.
package segment
