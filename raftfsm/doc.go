// Package raftfsm is the replicated state of one partition: what every committed command does to it, and how commands get
// into the Raft log.
//
// # Why
//
// Three nodes that apply the same log must hold the same state byte for byte, because what they agree on is not only which
// frames are stored but which are missing. So everything that decides anything is in the log: the clock (TICK), the limits
// (policy), the numbers of streams (definitions in batches), the outcome of every frame.
//
// # Parts
//
//	Proposer   on the leader: packs parts (one request each) into batches, keeps a bounded number in flight
//	FSM        applies committed commands in log order: batch -> ledger -> head; the rest to its Section
//	State      ledger, head, clock and sections at one index; one writer (apply), many readers
//	Section    a named piece of replicated state with its own command range; those of other rooms come through Extra
//	Flusher    turns a sealed head into a segment, publishes the floor behind it, and lets go of the head
//	Floors     the section that knows which member reported which floor: below one that two have, the log may be cut
//	Guard      around log and stable store: the first failed or stalled write is final
//	Watchdog   on the leader: hands over when a follower is in contact and yet falls behind
//
// # Invariants
//
//   - Apply is pure: no clock, random, map order, float, local setting or I/O decides anything.
//   - A batch carries the Raft term for which its stream numbers were assigned. Apply refuses it under any other term, so two
//     leaders can never give one number to two streams; the proposer then sends it again.
//   - An unknown command, or one that fails its checksum, halts the FSM: nothing after it is applied and the node ends.
//   - A request is answered after commit and apply, never before.
//   - Every applied frame is in a head or in a segment of the manifest, and never in both. A head is let go of when its segment and the floor
//     file that lists it are durable; until then the log has its frames.
//   - A flush is a function of the log: one that is done again after a crash makes the same segment and the same floor file. So are the edits
//     of the manifest: those that sections hold when a head is sealed take effect in that head's floor, and nowhere else.
//   - What a cluster version brought (version.go) is in no log, floor or state before the cluster was raised to it.
//
// The envelope of commands is described in docs/format/command.md.
package raftfsm
