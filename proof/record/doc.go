// Package record has the records of the proof's log: one JSON object each, in the order in which the cluster applied what they tell of.
//
//	SEAL    the frames of these Raft indexes have this content root: a majority of the voters computed it, each from its own segments
//	CENSUS  at this index, the coverage of every stream has this root
//	KEY     a node signs with this key from here on; signed by it, and by the one that it replaces. Or: with none any more
//	MERGE   segments that were replaced by others with the same frames
//	POLICY  the settings that decide what is kept, by their hash
//	AUDIT   a command changed replicated settings: which, and a hash of who said what of whom
//
// SEAL, CENSUS and KEY say which CENSUS is the newest before them. Every tree that nodes sign ends with one of the three: so its last record tells
// whether a CENSUS in it is the newest one.
//
// A record is bytes: what is hashed into the log are the bytes that Encode made. Parse takes them in that one form only. They are at most
// MaxBytes long, because bundles of entries count them in 16 bits (C2SP tlog-tiles). Whoever reads the log needs a JSON parser and nothing of ours;
// docs/format/tlog.md has every member.
//
// EXPIRE and ERASE are names for what comes with retention and erasure. Nothing writes them yet, and Parse refuses them.
package record
