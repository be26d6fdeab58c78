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
//	          settle.go, keys.go, cosign.go, witnesses.go: commands; chronicle.go: what raftfsm tells and asks; checkpoint.go, restore.go; view.go
//	Sealer    one node's part, in two goroutines. sealer.go; clerk.go: key, cut, signature; follow.go, logindex.go: the log; say.go: commands;
//	          count.go, census.go, strips.go: computing; catchup.go, difference.go: comparing; seal.go: on demand; status.go, metrics.go
//	Archive   the directory of what was counted (archive.go)
//
// # Invariants
//
//   - Each frame has one ordinal, that of the log entry that stored it: a CUT is a flush point, so it splits no segment, and rows carry the
//     ordinal through merges. Ordinals are sealed in their order, without a gap. What was stored before the first CUT has ordinal 1.
//   - The records are a function of the log: apply looks at no clock, no file and no map's order. A refusal changes nothing and adds no record.
//     The edge is that of exactly the records that were handed over as frames.
//   - SEAL and CENSUS are what more than half of the voters said, at that index, of roots that each computed from its own segments and its own
//     ledger.
//   - A node signs a tree only if its own roots are those of every SEAL in it and of the newest CENSUS in it, and the tree over the records that
//     it read itself has the root to sign. One that finds something else raises the alarm and signs nothing more until that is gone.
//   - A key belongs to one server of one node, once. A checkpoint has signatures of more than half of the voters of its time, each counted once.
//   - Every file here is derived, and compared with the log before it is believed. What is damaged is made again; but for a census, whose floor
//     goes with the second flush behind it: a node that comes too late for that says nothing of it, and signs again with the next one.
//   - A root that differs is counted again once in each life of the process, and whenever other segments hold the ordinal (a merge); else it
//     stays an alarm.
//   - A disk that fails is reported, and what it broke is tried again later; it ends nothing. The node's own fences are for its log, not for
//     copies.
//   - Nothing spins: without a change of the state, a node looks once in Options.Interval, and says nothing twice within five seconds.
//
// # Limits
//
// 64 ordinals wait for their roots at most, then CUT is refused; while one waits, no other ends by itself. 1,024 keys ever, 42 servers and 16
// witnesses in a checkpoint, 64 reports of an ordinal. 64 ordinals are counted in one pass over the segments. Old censuses that a node missed it
// takes on the word of the majority; how many frames a SEAL counts, and the totals of a CENSUS, follow from the leaves and are compared only
// where they were just computed.
package proof
