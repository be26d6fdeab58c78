// Package schedule says what is broken in a run, and when. A schedule is written before the run, from a seed, and is a file that a person
// can read and edit; the run only carries it out. So a failure can be repeated, shrunk to what it takes, and kept as a regression test.
// The package knows nothing of nodes, disks or networks: the driver that runs a cluster (simulated, or of real processes) gives each
// fault its meaning, as laid down here.
//
//	Generate     seed, options -> Schedule        the same for ever, as long as Version is the same
//	Load, Save   file <-> Schedule                validated both ways
//	Shrink       Schedule, "does it fail?" -> the smallest Schedule that does
//	Kinds        the table of faults: what each does, how it ends, what shows that it bit
//
// # File
//
// JSON; one step a line, in the order of at_ms. Members that are 0 or empty may be left out; unknown and repeated ones are refused.
//
//	{
//	  "version": 1,
//	  "note": "what this one is for",
//	  "seed": 7,                  workload and driver draw from it too, in other streams
//	  "nodes": 3,
//	  "length_ms": 60000,
//	  "recovery_ms": 15000,       see Budget
//	  "beyond": true,             only if it was written without a budget
//	  "steps": [
//	    {"at_ms": 3214, "for_ms": 2500, "fault": "power", "node": 2, "how": "lose"},
//	    {"at_ms": 9001, "for_ms": 4000, "fault": "cut", "node": 1, "peer": 3}
//	  ]
//	}
//
// Version is one number for the form of the file and for what Generate makes of a seed. Whoever changes either raises it, and adds new
// golden files beside the old ones, which must still load: files of every version are read for ever. A seed means something only together
// with a Version, so a schedule that matters (it found a bug, it is a regression test) is stored as its file, not as its seed.
//
// # Stability
//
// Generate is a pure function of seed and options: PCG of math/rand/v2, whose numbers are defined, used as integers only, no map, no
// clock, no arithmetic in floating point beyond one exact division. Golden files hold it to that, on every processor. The workload is
// another stream of the same seed, so that a schedule that is shrunk or edited meets the same workload.
//
// # What a driver does
//
// The run begins (time 0) when all nodes run and the load is on, and lasts Length. Each step begins at At and ends at At+For, on the
// driver's clock. At one instant first what ends there ends, in the order of the steps, then what begins there begins. The driver waits
// for no step to take effect, except where it says so below. After the last step everything is whole again, but for clocks, and the rest
// of the run shows whether the cluster heals.
//
// Node 0 is whoever leads at At; when nobody does, the driver waits for a leader, 2 s at most, and then takes the node that led last. It
// keeps to that node until the step's end, and records which it was. Peer 0 is every other node. Whatever a driver draws for a step comes
// from PCG(Seed, At in ms): so it stays the same when other steps are taken away.
//
// A step has a witness: evidence that the fault bit (Kinds). The driver counts it. What it cannot carry out it refuses and records, with
// witness 0: a run with a step without witness is UNKNOWN, neither good nor bad. To start a node is to start it on the disk that it has;
// where the step says that it is started if it ended, a process that still runs is left alone.
//
//	fault        at At                                                          at At+For
//	kill         the process ends without a word; all that it wrote is still    start it
//	             there, synced or not; its connections are reset. With a How
//	             not at once: see below
//	power        the process ends, its connections fall silent. Of what was     start it
//	             not synced nothing survives (how lose) or any part (random)
//	power_all    power, of all nodes at once                                    start all
//	sync_error   the next sync of a file or directory of the node's disk        take the fault away if no
//	             fails with EIO, once. What was written stays in the cache      sync came; start it
//	             (how ""), or is dropped as Linux does (drop). The process      if it ended
//	             must end and acknowledge nothing more
//	io_error     every operation on the disk fails with EIO (how ""), or only   the disk works;
//	             reads (read), or only what changes it (write)                  start it if it ended
//	disk_full    what needs room on the disk fails with ENOSPC                  give it room;
//	                                                                            start it if it ended
//	stall        the next write or sync below wal/ takes Amount ms. Beyond      take the fault away if no
//	             fence_after the process must end, else it must not             write came; start it if
//	                                                                            it ended
//	flip         (below)                                                        start it if it ended
//	wipe         as kill, and the disk is emptied                               start it, and ask the cluster
//	                                                                            to replace the node
//	rollback     as kill, and the disk is put back to a copy taken Amount ms    start it: it must be refused.
//	             before At: the driver knows beforehand when to copy which      Wipe it, start it, ask
//	             disks (all, if Node is 0)                                      for it to be replaced
//	remove_join  the cluster is asked to remove the member, again until it is   the cluster is asked to join
//	             done; its process goes on                                      and promote it, until done
//	isolate      cut both ways between Node and each other node; how all:       mend
//	             between all nodes. Clients reach all as before
//	cut          what Node sends to Peer is held (how ""), or what Peer sends   mend
//	             to Node (in)
//	bridge       cut both ways between the lower (Nodes-1)/2 of the nodes       mend
//	             other than Node and the rest of them; Node hears all
//	loss         each piece that Node and Peer send each other is lost with     none is
//	             probability Amount, and is sent again
//	delay        what Node and Peer send each other takes Amount ms longer,     it does not
//	             give or take half of it, both ways
//	clock        the wall clock of the node jumps by Amount s, and again by     (at once; it stays wrong)
//	             the Amount of the next such step
//	strobe       the wall clock jumps by Amount s, back 100 ms later, and so on it is as without the step
//	transfer     the leader is asked to hand over, to Peer (0: to whom it       (at once)
//	             likes), again until it is done, for 10 s at most
//	flush        the cluster is asked to FLUSH, again until it is committed,    (at once)
//	             for 10 s at most
//	pause        the process is stopped as by SIGSTOP                           it goes on
//	restart      the process is asked to end, as by SIGTERM                     start it
//	slow         every operation on the disk takes Amount ms longer             none does; start it if it ended
//	hang         no operation on the disk returns. Beyond fence_after the       they return; start it
//	             process must end                                               if it ended
//	swap         Node and Peer die and are started on each other's disk: both   as by kill, each gets its own
//	             must be refused                                                disk back; start them
//
// The last five, and what is marked Rare or Staged in the table, are for drivers of real processes: no swarm draws them without
// Options.Real, none draws what is Staged, and another driver refuses them.
//
// Kill with a How waits for the act of that name, until the step's end at most, and kills in the middle of it. Which operation on files
// that is, of the few that tell this act from any other, is drawn; it is never carried out. What is waited for is an act of the node itself
// (Node 0: whoever leads). Two acts are done on one node for all: where Node is 0, merging waits for any node to merge, installing for any
// to install, and the leader is killed. A floor is installed on a node that was away until the others have cut their logs, so a schedule
// has to bring that about. Meanwhile, but for installing, the driver has the cluster flush once a second, so that there is something to do.
//
// Flip turns over one bit of a stored file: of segments (how segment), floor files (floor), the log (wal), or the store of votes (votes). If For is
// 0, which only segments allow, the process goes on; else it ends as by kill. The files of the kind, sorted by name, make one row of bytes; the
// byte is number Amount x its length, rounded down, and the bit is the byte's number modulo 8. Only segments of the manifest count, only the newest
// floor file, and of the log only live records, without what was written in the last 2 s: damage to the newest writes cannot be told from a torn
// write, and until the next TICK nobody knows better (docs/guarantees.md). Of the store of votes only what leads to the term counts, where the
// store has no checksum of its own: the rest is believed whatever it says. Where the node has no such file yet, the driver first has the cluster
// flush and waits for the file, 5 s at most. Then the damage must come to light: for a segment the driver reads everything through the node until
// it reports damage; a floor file shows it when the node starts; a node with a damaged log must refuse to start, and
// the driver wipes it, starts it and asks the cluster to replace it. For the same reason rollback is by 2 s at least: by then the others
// have a note of what is lost.
//
// Every step that asks the cluster to replace a node goes on asking until that is done or the run is over. A driver that sees that a
// damaged disk has not caught up when a step is to damage another node's, in a run that is not Beyond, refuses the step: it was promised
// time, and needed more.
//
// # Overlap
//
// A fault holds an area of its nodes until its end: the machine (process, disk, membership), links of the network, or the clock. Two
// steps that hold the same area of the same node at the same time, or the same link, get into each other's way: neither says what their
// sum would mean. A step whose Node is 0 may meet any node. These get into each other's way too, because a witness would be missing:
//
//   - a partition, loss or delay that begins while a machine at its end is broken, or a broken machine less than a second after the
//     partition began;
//   - transfer, flush or remove_join while all nodes are off or apart, transfer to a Peer that is broken or parted;
//   - rollback of a disk that was broken, parted or catching up within the time it is put back; flip on a disk that is catching up.
//
// A generated schedule has neither, and Overlap finds both. A driver may refuse such a step, or the whole schedule; it need not give it a
// meaning.
//
// # Budget
//
// A cluster must survive that a minority is out of action. Budget holds at every instant, whoever leads:
//
//   - at most a minority of disks is damaged (flip, wipe, rollback, disk_full; remove_join counts, because the node stops learning) or
//     not yet caught up. A disk has caught up when Recovery has passed in one piece, since the step's end, in which no machine and no
//     link was out of order: only then may another node's disk be damaged. Steps on the same node need not wait;
//   - a majority of nodes has a machine that works and a disk that is caught up, and hears each other, both ways. Loss and delay part
//     nobody;
//   - the clocks of at most a minority are wrong, ever: what jumped stays wrong, and the cluster's time is the median.
//
// power_all and isolate with how all are outside the reckoning, whenever they come: they take everybody away for a time and no disk. They
// do hold up recovery. It follows that a schedule within the budget stays there when steps are taken away or end earlier.
//
// With Options.Beyond there is no budget, and a run must only be honest: unavailable or loud, never silently wrong.
package schedule
