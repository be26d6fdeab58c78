// Package proof makes what a cluster stores provable to somebody who does not trust it. Every so often all nodes count what is stored, each from
// its own disk; what a majority finds is written into an append-only log that all of them sign. A certificate is cut out of that, and needs no
// server to be checked.
//
//	frames ──────────────► CUT n ───────────────► frames of ordinal n+1
//	                         │ a floor lies right behind it
//	     ┌───────────────────┼───────────────────┐
//	  node 1              node 2              node 3      the ledger at the cut: census (package census), the frames of ordinal n: strips (package content)
//	     └──── ROOTS ────────┼──────── ROOTS ────┘
//	              more than half say the same             else the ordinal waits, and gapless_proof_pending_seals rises
//	                         │
//	       log: … KEY, AUDIT, SEAL n, CENSUS n            records (package record) are frames of `_tlog`; their hashes: package tiles
//	     ┌───────────────────┼───────────────────┐
//	  COSIGN              COSIGN          another root    does not sign; names the first stream that differs
//	     └───────────────────┤
//	                    checkpoint                        a signed note (package sign); outside witnesses may add their names (package witness)
//	                         │
//	                    certificate                       packages certificate and verify
//
// # Parts
//
//	Section   the replicated part: ordinals, the right edge of the log's tree, keys, the newest checkpoint (docs/format/proof.md). section.go, roots.go and
//	          settle.go, keys.go, cosign.go, witnesses.go: apply; commands.go, refusal.go: bodies and answers; chronicle.go: what raftfsm tells and
//	          asks; checkpoint.go, restore.go; view.go
//	Sealer    one node's part, in three goroutines. sealer.go; clerk.go: key and signature; intime.go: cut; follow.go, logindex.go: the log; say.go: commands;
//	          count.go, census.go, strips.go, stripwriter.go: computing; catchup.go, difference.go: comparing; heal.go; seal.go: on demand; alarm.go,
//	          status.go, metrics.go, complaints.go
//	          ownkey.go, register.go, keyring.go, keysmade.go: its key
//	Archive   the directory of what was counted (archive.go, archivewriter.go)
//
// # Invariants
//
//   - Each frame has one ordinal, that of the log entry that stored it: a CUT is a flush point, so it splits no segment, and rows carry the
//     ordinal through merges. Ordinals are sealed in their order, without a gap. What was stored before the first CUT has ordinal 1.
//   - The records are a function of the log: apply looks at no clock, no file and no map's order. A refusal changes nothing and adds no record.
//     The edge is that of exactly the records that were handed over as frames.
//   - SEAL and CENSUS are what more than half of the voters said, at that index, of roots that each computed from its own segments and its own
//     ledger. They have history and time of the cut, however late that is.
//   - What a node says into the log it signed, with the key that the log has of its server: no node can say it in the name of another. A key comes
//     in the place of another only if that wants it, or its server is gone.
//   - Every tree to sign ends with a SEAL, a CENSUS or a KEY, which says which CENSUS is the newest.
//   - A node signs a tree only if its own roots and numbers are those of every SEAL that is new in it and of the newest CENSUS in it, its own roots
//     those of every SEAL before, and the tree over the records that it read itself has the root to sign. One that finds something else raises the
//     alarm and signs nothing more until that is gone.
//   - A key belongs to one server of one node, once; one that was replaced or retired never comes back. A checkpoint has signatures of more than
//     half of the voters of its time, each counted once.
//   - Every file here is derived, and compared with the log before it is believed. What anybody finds damaged is made again, if readers hand their
//     errors to Sealer.Suspect (who complains late does not remove the new one); but for a census, whose floor goes with the second flush behind
//     it: a node that comes too late for that says nothing of it, and signs again with the next one. So one goroutine does nothing but take
//     censuses, however long another one hashes.
//   - A seal that is done with and has no CENSUS is an alarm on every node that saw it end, whatever came later; so is one that waits while a majority
//     has said its census, and not the same. A life of the process tells of each once.
//   - A root that differs is counted again once in each life of the process, and whenever other segments hold the ordinal (a merge); else it
//     stays an alarm.
//   - A disk that fails is reported, and what it broke is tried again later, also at a start; it ends nothing. The node's own fences are for its
//     log, not for copies. Copies leave Options.Reserve free. One that hangs keeps nobody from the status and the gauges: no lock that they need is
//     held while the disk works.
//   - Nothing spins: without a change of the state, a node looks once in Options.Interval, and says nothing twice within five
//     seconds, but a cut that a flush keeps back: that is tried ten times a second at most.
//
// # Limits
//
// 64 ordinals wait for their SEAL at most, then CUT is refused; while one waits, no other ends by itself. Of those that have it and wait for a census the
// newest 8 stay. On demand one ends a second behind the one before at the earliest, when no flush is under way, and while less than 4 wait for their SEAL;
// if one ended in the last minute, while less than 4 are newer than the newest census in a checkpoint. A cut in time that a flush keeps back for a quarter of the interval (10 s at least, 5 minutes at
// most) comes behind that one, too. 256 keys of a node ever, and 1,024 in all; 42 servers and 16 witnesses in a checkpoint, 64 reports of an ordinal.
// 64 ordinals are counted in one pass over the segments, or as many as have their strips in 64 MiB. Of another node's file, to name the stream that differs, four times the own one's bytes are taken, or 1 MiB. Old censuses
// that a node missed it takes on the word of the majority. How many frames a SEAL counts is not compared any more once a checkpoint has it; which policy
// a CENSUS names is compared with what this life found, or with the POLICY records. The first key of a server is whose it says it is.
package proof
