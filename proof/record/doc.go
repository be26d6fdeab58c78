// Package record has the records of the proof's log: one JSON object each, in the order in which the cluster applied what they tell of.
//
//	SEAL    the frames of these Raft indexes have this content root: a majority of the voters computed it, each from its own segments
//	CENSUS  at this index, the coverage of every stream has this root
//	KEY     a node signs with this key from here on
//	MERGE   segments that were replaced by others with the same frames
//	POLICY  the settings that decide what is kept, by their hash
//	AUDIT   a command changed replicated settings: who, what, and the hash of its words
//
// A record is bytes: what is hashed into the log are the bytes that Append made, never a second encoding of what Parse read. They are at most
// MaxBytes long, because bundles of entries count them in 16 bits (C2SP tlog-tiles). Whoever reads the log needs a JSON parser and nothing of ours;
// docs/format/tlog.md has every member.
//
// EXPIRE and ERASE are names for what comes with retention and erasure. Nothing writes them yet, and Parse refuses them.
package record
