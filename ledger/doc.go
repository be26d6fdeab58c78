// Package ledger accounts for every number of every stream: who arrived, who did not, and who said so.
//
// A stream is a (tenant, device, stream name). Its counter lives in epochs: 1, 2, ... by the server's ordinal. An epoch knows
//
//	base .. next-1   the numbers that are expected (base and next have a basis each: who said that they are the ends)
//	coverage         the numbers that were ever stored, as sorted runs; it never shrinks
//	open             missing numbers that may still come: inside the reorder grace, or asked for again
//	facts            missing numbers with an exact cause: declared lost, rejected, shed, expired, erased
//
// Everything else between base and next is missing for good with no known cause (FINAL, never_arrived). It needs no memory of its
// own, so a stream that loses frames costs its runs and nothing more.
//
// Invariants
//
//   - The gaps of an epoch are exactly [base, next) minus coverage; open and facts are disjoint parts of that.
//   - Balance A is zero: next - base = stored + open + lost + declared + shed + rejected + expired, where each term is a counter kept by
//     the command that changed it, and Check recounts all of them from runs, open list and facts.
//   - Deduplication by (epoch, number) never forgets. Whether a duplicate is identical is known for the newest 64 numbers of an epoch;
//     an older one is unverified until a Verdict settles it.
//   - A stored frame never moves to another epoch or number. What is learned later links epochs.
//   - Where a wrap or a restart is ambiguous the frame opens an inferred epoch that says so. Nothing is guessed.
//
// One device may have a Rule in place of parts of the policy. Rules are given from outside (room ledger/registry keeps them), so they are in no checkpoint, and a
// restored ledger keeps those that it had; a stream points to its device's, so that no frame looks one up.
//
// What happens to gaps can be followed (GapEvents): the newest changes are kept in memory, and whoever hears all of them knows exactly what is missing.
//
// The package is pure: no clock, no random, no I/O but the reader and writer of a checkpoint, no goroutine, no lock, no float and no map order
// in a decision. Times come with the calls. Equal calls make equal ledgers, and equal ledgers make equal checkpoint bytes. There is one writer;
// readers never change anything, so many may read while the writer rests.
//
// Freeze takes the ledger as it is, in microseconds, for a checkpoint that another goroutine writes while the ledger goes on. What a checkpoint may read is never
// written again: own.go is the one way to a stream that may be, and puts copies in place of what is frozen; list.go and table.go keep those copies small.
//
// The rules in plain words, with examples, are in docs/ledger.md.
package ledger
