// Package leaves keeps the sorted leaves of one Merkle tree in a file, with the hashes of the tree: what a certificate is made from. There
// is one for each seal, with a strip for every stream, and one for each census, with a leaf for every stream.
//
//	content, census ──► Create, Add, Add, … Finish ──► <number>.strips, <index>.census ──► Open ──► Find, Leaf, Prove ──► certificates
//
// A tree of a million leaves is too large to hold for as long as somebody may ask for a proof, and too slow to make again for each. The file
// answers with a few reads: a leaf takes one, and a proof, or a search for a key, about as many as the tree has levels.
//
// What a leaf says is not this package's concern: it sees a key and bytes. The owner of the bytes must have the key in them, for only they are
// hashed. layout.go has the layout, docs/format/leaves.md explains it.
//
// # Invariants
//
//   - A file with its name is complete: it was synced, and read back with every hash computed again, before it was renamed.
//   - Leaves are strictly ascending by (tenant, device, stream, epoch), byte by byte, and the same leaves make the same file.
//   - Every byte is under a checksum or a hash that is looked at before the byte means anything. Damage is a *CorruptError that names the
//     place, and is never answered from; a file that needs a newer program is ErrVersion and is not damage.
//   - A leaf that is given out has the hash that is in the tree.
//   - The file is derived data: whoever loses one makes it again from segments or a ledger, and compares the root.
//   - Memory does not grow with the leaves: a Writer holds 8 bytes for each, a File nothing.
//   - No bytes make a File panic, or take more memory than the file is long.
//
// A File is for any number of goroutines, a Writer for one.
package leaves
