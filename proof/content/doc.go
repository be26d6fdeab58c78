// Package content hashes stored frames: all frames of a seal ordinal have one root, the content root, that is computed from segments.
//
//	                 content root of an ordinal          RFC 6962 tree over strips, see package leaves
//	               ┌───────────┴───────────┐
//	   strip: stream, epoch, runs       strip ...        what one epoch of a stream has in the ordinal
//	          frame root
//	       ┌──────┴──────┐                               RFC 6962 tree over groups
//	group: frames     group ...                          frames with equal seq>>6, up to 64
//	63                64 65 70
//
// Why groups: a leaf for each frame would hash the names, the shape and an inner node again for each, three times the bytes or more. Why fixed cuts
// at multiples of 64: where a group ends depends on numbers alone, so a late frame changes one group of its own ordinal and nothing else.
//
//   - Compute goes once through segments and makes the strips of a range of ordinals. Values go from the columns of a block straight to where they
//     are hashed: no record is put together for a frame.
//   - ProveFrame proves one frame of a strip, FrameProof.Check checks that.
//   - Strip.Append and ParseStrip, AppendGroup and ParseGroup are the canonical bytes. docs/format/content.md describes them for strangers.
//
// # Invariants
//
//   - Roots depend on the frames alone: key, epoch, seal ordinal, number, class, device time, fields, raw payload. Not on segments, merges, Raft
//     indexes, receive times, or what the ledger says of a frame.
//   - Different frames have different bytes: no two lists of frames share the bytes of a group. Each list has one form; what is in another is
//     ErrForm, so parsing and appending again gives what was parsed.
//   - A frame that several segments have counts once. Two different ones under one number are a *ConflictError, never a root.
//   - A root is of everything or there is none: damage, a column of a later version, a limit or a context that ends make an error.
//   - No bytes make a parser panic, or take more memory than a few times their length.
//
// Nothing here is for several goroutines, but each call has its own state, and Readers may be shared.
package content
