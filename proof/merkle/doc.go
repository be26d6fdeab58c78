// Package merkle has what the proofs need of a Merkle tree beside golang.org/x/mod/sumdb/tlog: trees that grow in memory, and proofs of
// ranges. All trees are those of RFC 6962 and RFC 9162: SHA-256, a zero byte before a leaf, a one before two children.
//
//	          root                  the tree of 6 leaves: a tree of n > 1 leaves has the largest power of two below n on the left
//	      ┌────┴────┐
//	    [0,4)     [4,6)
//	  ┌───┴───┐   ┌─┴─┐
//	[0,2)  [2,4)  4   5             the leaves 3 and 4 are proven by the hashes of [0,2), 2, 5: the largest subtrees that lie outside,
//	┌┴┐    ┌┴┐                      from left to right. Who has both leaves and these hashes computes the root
//	0 1    2 3
//
// A Certificate shows thousands of neighbouring leaves; a proof of each would repeat nearly all of its hashes.
//
// The cryptography is tlog's (RecordHash, NodeHash) and stays there. This package only says which hashes, and in which order.
//
//   - Edge is the right edge of a growing tree: enough for its root, in 32 bytes a level.
//   - Tree has every hash of a tree, in the order in which tlog stores them: enough for every proof.
//   - ProveRange makes a proof, RangeRoot computes the root that a proof leads to.
//
// # Invariants
//
//   - RangeRoot says which root the leaves and the proof lead to, and nothing else. It proves nothing before the caller has compared that root
//     with one that he trusts, and the size too, where that is not in what he trusts: a root is signed together with its size.
//   - A range of a tree has one proof. More hashes or fewer, or bounds outside of the tree, are an error. The proof of one leaf has the hashes
//     of tlog.ProveRecord, from left to right instead of from the leaf up.
//   - No input makes ProveRange or RangeRoot panic, or take more memory than a few KiB and the hashes that they were given.
//   - A hash has one text: ParseHash refuses what Hash.String would not write.
//
// Edges and Trees have one owner. A Tree that grows no more is for any number of goroutines.
package merkle
