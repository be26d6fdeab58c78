// Package votes keeps Raft's term and vote in one small file on a vfs.FS, so that a simulated machine loses them, tears them or
// stalls on them as it does with everything else. It stands where raft-boltdb stands in a real node, whose file no simulated
// disk can hold.
//
// # Format
//
//	8 hex digits, CRC32C of what follows the newline | newline | {"CurrentTerm":"AAAAAAAAAAU=", ...}
//
// # Invariants
//
//   - A value is durable when Set returns nil, and what Get answers is durable too: Open syncs what it finds before it believes it.
//   - After a crash each value is the last one that was answered, or the one that was being set.
//   - The first Set that fails, whatever the reason, makes every later call fail: nobody knows which value the disk holds.
//   - A file that is damaged is refused (ErrDamaged), a file that is not there holds no values.
package votes
