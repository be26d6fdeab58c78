// Package verify checks a certificate, offline, for somebody who trusts nobody but the keys in a policy.
//
// Run goes through these checks in order and ends at the first that fails, whose exit code is the answer:
//
//	form         the document is a certificate, written in the one way                                                    10
//	scope        what the certificate is about: nothing can fail here, and whoever checks it has to read it
//	segments     the certificate has hashes of frames, so that files are of use                                           64
//	signatures   the policy's quorum cosigned the checkpoint                                                              11
//	history      the log continues every earlier checkpoint that the caller kept (Since)                                  11, 13
//	log          the CENSUS is in the log, and no newer one; so are the SEALs of the ordinals shown; the time is over     10
//	census       the leaves of every stream of the scope are in the census, and none was left out                         10
//	statement    verdict, sums, streams, gaps, causes and caveats are what these leaves say, word by word                 10
//	strips       the strips shown are in their ordinals, and have all numbers of the scope that the census calls stored   10
//	issuer       a node signed everything that stands in the certificate                                                  10, 11
//	files        every segment file has the hash that is its name                                                         10
//	frames       the strips, computed again from these files, are the proven ones                                         10, 12
//	time         the numbers in the scope's time are the ones stated; without files that is one node's word               10
//	frame        what is known of the one frame that the caller asked for                                                 64
//
// The last four need what not everybody has: segment files, a time in the scope, a frame to ask for. When all hold, the answer is the verdict's code:
// 0 COMPLETE, 3 COMPLETE_BETWEEN_SEEN, 4 EXPLAINED, 5 INCOMPLETE, 6 INDETERMINATE.
//
// Completeness comes from the census, whose leaves stand between their neighbours: a strip or an ordinal that is left out lacks numbers which the census
// calls stored. Rows of ordinals that are not shown are none of the certificate's business, whatever they say.
//
// Missing frames are tampering (10) when all the segments that the certificate lists are there, and missing segments (12) when not. Segments that a
// merge replaced are no matter, as long as every strip can be computed.
//
// # Invariants
//
//   - Nothing is believed that was not led to the checkpoint's root before, or to the issuer's signature; what the latter alone carries is said.
//   - The answer is the verdict's code only if the certificate says exactly what the proof does, byte by byte.
//   - No certificate, policy, checkpoint or segment makes Run panic or take memory beyond a small multiple of its size.
//   - Equal input has an equal answer: no clock, no network.
//
// The package checks with the same code that makes certificates, which saves mistakes of the kind where two readings differ and hides those that both
// make. The second reader in tests/slowreader is written from docs/format alone, for these.
package verify
