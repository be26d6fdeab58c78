// Package gapless is the embeddable store: a node of a cluster that commits numbered frames through Raft, answers what arrived
// and what did not, and says so over HTTP. Command gapless parses a configuration and calls Open; nothing else wires the rooms
// together.
//
// Embedded, a node is used through Append (commit a batch) and View (one consistent state: ledger and head). Query, Gaps and Tail as
// methods are still to come; over HTTP the first two exist.
//
// A node without peers is a cluster of one voter that can grow later. There are no globals, flags or exits: a fault after which
// the node must not go on (a failed or stalled sync, a command that this version does not know) is given to Config.OnFatal.
//
// Files, each for one job:
//
//	config.go      what a node may be told
//	identity.go    which node of which cluster the data directory belongs to
//	machine.go     the file system, vote store and network that it stands on
//	consensus.go   WAL, vote store, guard, transport and Raft
//	bootstrap.go   how a new cluster starts, and when a node must not
//	leader.go      what the leader does: barrier, founding, clock ticks, watchdog
//	peers.go       what this node last heard of the others
//	calls.go       what nodes ask each other
//	propose.go     from any node to the leader's log
//	settle.go      duplicates that apply could not compare
//	read.go        consistent looks at the state
//	confirm.go     who makes sure that it still leads, witness.go what the others said to that
//	floors.go      flushes, reports of floors, and up to where the log is cut (safefloor.go)
//	amnesia.go     what a disk that lost something must not do
//	http.go        the listener, routes.go its routes, errors.go its error body, admin.go the node's own routes
package gapless
