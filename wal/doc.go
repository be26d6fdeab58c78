// Package wal keeps the Raft log of one partition as a write-ahead log in a directory of its own. It implements raft.LogStore and
// raft.MonotonicLogStore: what StoreLogs acknowledged is on the disk, byte for byte, or the process is told so and stops.
//
// # Why not a B-tree
//
// The log is the only place where a frame is durable before it is acknowledged, twice in series (leader, follower), so one
// StoreLogs is one write and one fdatasync, into blocks that the file system has already allocated and written once. The layout of
// a file, of a record and of the meta file is in docs/format/wal.md.
//
//	StoreLogs ──► encode once ──► WriteAt ──► Sync ──► publish ──► OnStored        (owner: whoever holds Log.writing)
//	                  │                                   │
//	                  └── the encoded bytes become the tail cache, bounded in bytes
//	GetLog ──► tail cache ──► read-ahead ──► ReadAt, checksum                      (any goroutine)
//
//	meta      [ file 7: 101..250, ends at 65 530 112 | file 8: ? | file 9: ? ]  first index 120
//	                     sealed                         active     prepared
//
// # What is believed after a crash
//
// The meta file names every log file that counts, in order, with the salt of its generation; it is replaced by write, sync, rename,
// sync of the directory. Whatever changes the log other than by appending (deletion of a prefix, truncation of a suffix, a wipe,
// recycling) is therefore one rename: the old log or the new one, never a mixture. Appending and moving on to the prepared
// file need no such change.
//
//   - Every checksum is salted with the generation of its file, so bytes of an earlier life of a recycled file are never valid.
//   - A truncated file is never appended to, nor is any file from before the last Open: writing goes on in a new generation, so what
//     was cut off can never come back, whatever lengths the new records have.
//   - A record that is invalid is a torn tail only if nothing after it, in the last file, proves that it had been synced. The proof
//     is a valid record (or end marker) from a later write: every record knows where its write began. A torn tail is cut off and
//     kept aside in torn-<index>-<n>; anything else that is invalid is a *CorruptError, and Open changes nothing.
//   - Close seals the last file, so after an orderly stop no damage at all can pass for a torn tail.
//
// # Invariants
//
//   - Entries are contiguous. An empty log may start at any index.
//   - A prefix is deleted to floor-1 at most (SetFloor): the entry at the floor stays, because a leader looks it up as the previous
//     entry right after a snapshot was installed. Suffix truncation and the wipe of the whole log are honoured whole.
//   - The first write, sync, create, rename or remove that fails poisons the log: that call and every later one return ErrPoisoned.
//     A failed fsync must not be retried (the kernel has dropped the dirty pages and would report success), so the owner ends the
//     process. What the failed write held may be there after the restart, or not, as after any crash.
//   - Reads return heap memory that is never written again; no slice ever points into a file. Callers must not write to it either.
//     A file is recycled only when no read of it is running.
//   - After a nil error from Open, LastIndex is what the node may vote with. ErrCorrupt and ErrVersion mean: do not vote.
//
// # Assumptions about the disk
//
// Sync makes everything written before it durable; a 4 KiB write may tear, pages of one unsynced write may reach the disk in any order
// or not at all; a rename is atomic, and durable after a sync of the directory. A disk that lies about a sync, or one that is set back
// to an earlier state as a whole, cannot be detected here: the cluster's notes about every voter's last index can. One ambiguity
// remains: damage to the newest write after a crash looks the same as that write torn, and is cut and reported as such.
//
// The package imports vfs, and hashicorp/raft for its types.
package wal
