// Package segment holds frames in memory until they are durable in columnar files, writes these files, and reads them.
//
//	apply ──► Head ──seal──► Write ──► <SHA-256>.gseg ──► Reader ──► queries, merges, verify
//	                                        │
//	                              Manifest: which segments there are
//
// # The head
//
// A Head keeps the rows of every (stream, epoch) ordered by seq: the frames that are applied and in no segment yet. A row is small and
// fixed: its numbers, and a Body that refers to the bytes of the committed batch it came in. No value is decoded until somebody asks for it,
// and then outside of every lock. Rows of one epoch lie in chunks of at most 256:
//
//	epoch ── chunk [3 4 5 … 258] ── chunk [259 … 514] ── chunk [9000 9001]
//	         minNS maxNS           minNS maxNS           minNS maxNS
//
// A frame in order is written behind the last row, O(1). A late one is inserted into its chunk, and a full chunk is split, so that one
// insert moves at most 256 rows no matter how many millions lie above it. Each chunk carries the bounds of its rows' times, so that a
// read by time skips what cannot match although rows are ordered by number.
//
// Beside that a head has a list of arrivals, 8 bytes a row: in which order rows were committed, by number, because rows move. It makes the head
// readable in that order from any place in the log on (Arrived, Arrivals).
//
// # The segment
//
// Write turns a head that is written no more into one file, in which frames are ordered by (tenant, device, stream, epoch, seq):
//
//	header │ block │ block │ … │ index page │ … │ top index │ footer │ trailer
//
//	block  up to 4,096 rows of one epoch, or of many short ones, of one tenant: a directory, then a chunk of bytes for each column
//	page   up to 16 KiB of keys and epochs: which blocks have their frames, which numbers they have (coverage)
//
// A Reader opens the end of a file, finds an epoch through one page, skips the blocks whose numbers or times cannot match, and reads of the
// others only the columns that it was asked for. What it decodes it leaves in a Cache. format.go has the layout and leads to those of
// the parts, docs/format/segment.md says why; package column encodes the columns.
//
// In order of commits a file is read by way of a CommitMap: the blocks of some streams with the bounds of their Raft indexes.
//
// # The merge
//
// Merge writes the frames of several segments into one for each time window, in files like any other. It goes through all of them at the same
// pace, epoch by epoch, and moves rows by stretches, column by column: as many rows of one block as come before the next row of another input.
// Blocks that are about full, and lie between no others' rows, are copied as they are. Compare goes through outputs and inputs in the same way and
// says whether they have the same rows; a node that did not build a merge knows by it that it may let the inputs go.
//
//	flushes   [a1 b1 c1] [a2 b2 c2] [a3 b3 c3] ──Merge──► [a1a2a3 b1b2b3 c1c2c3]    one file for each window
//
// A SealWalk goes through several segments in the same way and gives the rows of some seal ordinals, as columns, each row once even where an
// input and the output of a merge both have it. That is what package content hashes.
//
// A Manifest changes by an Edit: segments that go, and those that come in their place.
//
// # Invariants
//
//   - Rows of an epoch are strictly ascending by seq, in a head as in a segment. An Append of a number that is there changes nothing and
//     says so: the first one is kept.
//   - Rows are never changed or removed, and a Body's bytes are never written to: what a reader copied stays valid after the lock is
//     gone, for as long as it holds it. The same is true of everything that a Reader gives out.
//   - What a head, a segment and a manifest contain depends on the rows given to them and on nothing else: no clock, no map order, no
//     randomness, no order of arrival, no difference between processors. Equal frames make equal files, and a file's name is its hash.
//   - A file with a segment's name is complete: Write and Merge sync it and read it back before it gets the name.
//   - A merge loses and invents nothing: each row of its inputs is in one output once, bit for bit.
//   - Every value comes back bit for bit, whatever float it is.
//   - Every byte of a file is under a checksum that is looked at before the byte means anything. Damage is a *CorruptError that names the
//     place and is never answered from; it hides one column, block or page and leaves the others readable. A file, or a part of one, that
//     needs a newer program is ErrVersion or column.ErrUnknownEncoding, and is not damage.
//   - Lengths and offsets of a file are checked before they are used: no bytes make a Reader panic or take memory without bound.
//
// # Concurrency
//
// A Head has one writer (apply) until it is sealed, and readers hold the lock of the state machine for as long as they are inside a method or
// a callback. A *Row given to a callback is valid only until the callback returns: an insert moves rows. Copy the Row, not the pointer. A
// sealed head is read without a lock. Readers, Caches, Epochs and Manifests are for any number of goroutines, a Writer is for one.
package segment
