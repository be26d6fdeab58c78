// Package floor keeps floor files: what a node starts from instead of replaying its whole log. A floor file is the Raft snapshot as
// of the floor F, the newest index up to which every frame is in a durable segment: Raft's configuration, the manifest of the
// segments and the checkpoint of every section as of F, and never a frame. Store keeps the newest of them, publishes new ones and is
// hashicorp/raft's SnapshotStore.
//
//	flush ──► Publish ──► temporary file, sync, read back, rename, sync of the directory ──► <F>-l.gfl ─┐
//	leader ─► Sink ─────►         "                                                      ──► <F>-i.gfl ─┼─► List, Open ──► Raft
//	peer ───► Adopt ────►         "                                                      ──► <F>-i.gfl ─┘   Read, ReadRange
//
//	floors/
//	  00000000000000001200-l.gfl          flushed here (l, local)
//	  00000000000000001800-i.gfl          installed from another node (i)
//	  00000000000000001500-l.gfl.damaged  what could not be believed; stays until Keep newer floors are there
//	  3.tmp                               being written; removed by Open
//
// The bytes of a floor are a function of the log up to F: no time, no name of a node, nothing of the machine. That two nodes
// have the same hash says that they have the same state, and this is what a node reports before anybody deletes his log. Where a floor
// came from is in the name of its file alone. The layout is in docs/format/floor.md.
//
// # Why not the library's own snapshot
//
// hashicorp/raft labels a snapshot with the index that was applied last. The frames between F and there are only in memory, so a
// log deleted up to there would have lost them. Here the label is F, taken from the file and never from what the library says.
//
// # Invariants
//
//   - A floor is listed only when it was synced, read back with its hash compared, renamed and its name made durable. Whatever
//     is cut off before that leaves a temporary file and the floors as they were.
//   - There is never no floor where there was one: an older one is removed only when Keep newer ones are durable.
//   - Of one index there is one floor. The same bytes again change nothing; other bytes from this node are a DivergedError and change
//     nothing; other bytes from a peer (a Sink, Adopt) replace what is here, in this order: the new name durable, the old file removed.
//   - Floors only go forward: one below the newest that is not here already is ErrOlder.
//   - Nothing that fails its checks is given away: what Open, Read and a restart hand out was checked block by block before the
//     reader saw it, and as a whole at the end. A damaged file is renamed to *.damaged, logged and counted, and the older floor takes
//     its place; for that the log reaches down to Oldest. ReadRange gives bytes as they are: who pulls a floor checks its hash.
//   - A sync or a change of names that fails is final (ErrSync): every later change fails with it, Options.OnFatal is called, and the
//     owner ends the process, because the library only logs the errors of a Sink.
//   - Memory does not grow with a floor: everything streams through buffers of a few hundred KiB.
//
// # What the owner must know
//
// After an install the library deletes the log. An older floor is then no fallback: the entries between the two are gone. Before
// Raft is started, the log must be empty or begin at or below the newest floor plus one; if the log ends below the newest floor
// (a crash between the install and the deletion) it must be wiped first, for the library never closes that gap. A log that ends below a
// floor that was put aside (Damaged) has lost its end. While it runs the library is shown the newest floor alone: see List.
package floor
