// Package census makes the account of every stream at one index into bytes that can be hashed, proven and judged by somebody who has nothing else.
//
//	ledger at index c ──Walk──► Leaf, one a stream ──Append──► bytes ──hash──► leaf of the census tree, whose root is in the log's CENSUS record
//	certificate: bytes of some leaves ──Parse──► Leaf ──Grade, Within──► verdict, reasons, gaps: recomputed, never believed
//
// Invariants
//
//   - A leaf is complete: the grade of an epoch and its reasons follow from the leaf alone, by the rules of ledger.Grade.
//   - Each number from Base to Next-1 is in exactly one run or gap. That is identity A: a leaf that does not balance cannot be written or read.
//   - A leaf has one form: Parse takes only what Append makes, so that equal accounts have equal hashes, and the other way round.
//   - What Walk makes, Parse takes: both check by the same function.
//
// Nothing of a node is in a leaf, nothing of how a stream's frames came in but the counters, and no stream number of the store. The format is
// docs/format/census.md; what a statement about a part of an epoch's numbers may say is at Within and on that page.
package census
