// Package certificate states how complete the frames of some devices are, with everything that somebody who trusts nobody here needs to check it.
//
// A certificate is one JSON document in two halves. The upper half is for people: scope, verdict, how many numbers were expected and stored, each gap
// with its cause. The lower half is the proof:
//
//	checkpoint ── signed by k of n nodes: the root of the log at one size
//	  └─ CENSUS record ── in the log: the root over the coverage of every stream at one Raft index
//	  │    └─ census leaves of the scope, neighbours included ── bounds, runs, gaps, causes            ──► the upper half, word by word
//	  ├─ SEAL record of each ordinal with frames of the scope ── in the log: the root over what was hashed
//	  │    └─ strips of the scope ── runs and frame roots                                              ──► the runs again, and the frames' bytes
//	  └─ the last record ── which CENSUS is the newest
//
// The upper half says nothing of its own. Restate makes it from census leaves; Build and package verify both call it, so a certificate in which a
// word of it differs is a forged one. What only the issuing node can know (when, how durable, which segments, where its counters are unsure, which
// numbers lie in a time) stands in a signed note, the issuer's word, and is named as that.
//
// The leaves of a tree are sorted, so leaves that follow each other in the tree and lie around a key prove that there is no other with that key. A
// certificate shows the neighbours of its scope in the census for that: nobody can leave out the device that lost frames. Strips have none: one that is
// left out lacks numbers which the census calls stored.
//
// # Invariants
//
//   - A certificate has one encoding, but for white space: Parse refuses any other, so that no two readers see two things in one document.
//   - What is in the upper half follows from the proof or is in the issuer's word.
//   - Build states what the proofs carry and nothing more; it fails rather than leave something out.
//   - Scopes and leaves are bounded by what was given; no input makes Parse panic. Build makes none that is larger than was allowed (room).
//
// docs/format/certificate.md has the format, so that a verifier can be written without this program.
package certificate
