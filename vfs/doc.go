// Package vfs is the file system our storage rooms write to: the real one (OS), and one in memory that a test can crash and
// break (Mem). wal, segment, raftfsm, compact and tier use nothing else for their files, so that what they promise about power
// loss and sick disks is tested at every single operation, in milliseconds and without root.
//
// # What survives a crash
//
// We assume of a disk and its file system what POSIX promises, and no more:
//
//   - Bytes and size of a file are durable after Sync. Until then each write may survive wholly, in part or not at all,
//     independently of other writes and in any order; what is atomic is a sector of 512 bytes, and the sectors of one write are
//     not ordered either: the last one may survive and the first one not. A file may have grown without its bytes, and then
//     reads as zeros.
//   - A name is durable after SyncDir of the directory that holds it, a directory's own name after SyncDir of its parent.
//     Syncing a file does not make its name durable, and a durable name does not make the bytes so. Until then Create, Remove,
//     Rename and MkdirAll may survive or not, each as a whole; those of one name keep their order, those of different names do
//     not.
//   - Rename within a directory is atomic: old state or new. Between directories sync the target's first, then the source's.
//   - A process that dies alone (kill -9) loses nothing it has written, and what it had not synced still is not: what a
//     recovery finds it must sync before it builds on it.
//   - A failed Sync is final. The kernel may have dropped the data and forgotten the error: a second Sync then succeeds, the
//     process still reads its data, and the next power loss takes it. Stop; do not retry.
//   - A disk that acknowledges flushes and does not do them cannot be survived by one node alone.
//
// Hence the only way to replace a file is: write a temporary one, Sync it, Rename it, SyncDir (WriteFile does it).
//
// # The two implementations
//
// OS keeps these promises with fdatasync, fsync of directories, flock and statfs on Linux, which is what gapless is run on; on
// other systems it uses their nearest equivalent, and Free or Lock answer errors.ErrUnsupported where there is none (Free
// outside Linux and macOS, Lock on Unixes without flock). Symbolic links below the root are followed: an operator may put a
// directory elsewhere.
//
// Mem holds per file a synced image and the unsynced writes since, and per directory the same of its names. CrashClone draws
// from these what the next process may find. Inject, CrashAt, SetCapacity and Flip break it: an operation can fail, write a
// part, lie, stall, answer late or wrong, or be the last one. Mem may be stricter than the file system it stands for; it is never kinder.
//
// # Testing a storage room
//
// EachCrash, EachFault and EachStall take a workload and a check, and interrupt the workload at every operation it does:
//
//	var acked []string
//	vfs.EachCrash(t, vfs.Trial{
//		Workload: func(fs vfs.FS) error { acked = nil; ...; acked = append(acked, x); ... },
//		Check:    func(fs vfs.FS) error { ...reopen, find all of acked... },
//		Recovery: 10,
//	})
//
// EachStall belongs into a testing/synctest bubble, whose clock a stalled operation lets pass.
//
// A workload of a few hundred operations on small files is the right size: the number of runs grows with its square.
//
// The package imports the standard library only, and package testing not at all.
package vfs
