// Package frame has the words that the whole store is written in, and their one encoding.
//
// A frame is one record of a device: a number in a stream, a device time, a class, named values and/or a raw payload. A batch is many
// frames as they travel: from a client or a door to the leader (a client batch, whose stream ids are local to it and whose streams are
// all defined in it) and from the leader through Raft to every replica (a replicated batch, which defines new streams only). Both have one
// layout (layout.go has the diagram, docs/format/frame.md the reasons), so that the leader turns one into the other without touching
// a frame: Rebase rewrites the definitions and the head of each group, and copies the rest.
//
// A door fills a Builder; everyone else uses a Reader. Both keep their buffers and are meant to be reused. Apply reads each frame's head
// (an Item) and leaves its values encoded: the Body refers to the bytes in the log until somebody wants the values.
//
// Invariants:
//   - Whatever a Builder accepts, a Reader accepts, and returns bit for bit; whatever a Reader accepts satisfies every limit. After a Reset
//     without error no call fails, and nothing was allocated for a length that the bytes do not bear out.
//   - The same calls give the same bytes, on every machine: no clock, no random, no map order.
//   - Equal content has an equal Fingerprint, whatever the order of its fields, the way its decimals were written, the time it was
//     received and the number it carries. A fingerprint in a client batch is a claim until VerifyFingerprints has run.
//   - A batch of an unknown version is not damaged (ErrVersion), a damaged one is named with its place (ErrCorrupt).
//   - A raw payload of no bytes is no raw payload. A decimal is a hint beside a float's bits, never instead of them.
//
// The package imports the standard library only and everything may import it.
package frame
