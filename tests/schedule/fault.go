package schedule

// Fault names what a step breaks. doc.go says what a driver does for each; Kinds has limits and witnesses.
type Fault string

// Faults, in the order of the table.
const (
	Kill       Fault = "kill"
	Power      Fault = "power"
	PowerAll   Fault = "power_all"
	SyncError  Fault = "sync_error"
	IOError    Fault = "io_error"
	DiskFull   Fault = "disk_full"
	Stall      Fault = "stall"
	Flip       Fault = "flip"
	Wipe       Fault = "wipe"
	Rollback   Fault = "rollback"
	RemoveJoin Fault = "remove_join"
	Isolate    Fault = "isolate"
	Cut        Fault = "cut"
	Bridge     Fault = "bridge"
	Loss       Fault = "loss"
	Delay      Fault = "delay"
	Clock      Fault = "clock"
	Strobe     Fault = "strobe"
	Transfer   Fault = "transfer"
	Flush      Fault = "flush"

	// Only drivers of real processes carry these out (Kind.Real).
	Pause   Fault = "pause"
	Restart Fault = "restart"
	Slow    Fault = "slow"
	Hang    Fault = "hang"
	Swap    Fault = "swap"
)

// Values of Step.How. Where a fault has a plain way, it is the empty one.
const (
	Lose    = "lose"    // power, power_all: nothing unsynced survives
	Random  = "random"  // power, power_all: any part of the unsynced survives
	Drop    = "drop"    // sync_error: the failing sync also drops what was not synced
	Read    = "read"    // io_error: only reads fail
	Write   = "write"   // io_error: only what changes the disk fails
	Segment = "segment" // flip: which kind of file
	Floor   = "floor"
	WAL     = "wal"
	Votes   = "votes" // flip: the store of Raft's votes
	All     = "all"   // isolate: every node from every other
	In      = "in"    // cut: what comes to Node, instead of what it sends
)

// Values of Step.How of a kill: what is going on when it comes.
const (
	Flushing   = "flushing"   // a sealed head becomes a segment
	Publishing = "publishing" // a floor takes its place
	Merging    = "merging"    // segments become fewer: on one node, for all
	Cutting    = "cutting"    // the log loses its beginning
	Recycling  = "recycling"  // a file of the log's beginning becomes its next one
	Installing = "installing" // a floor of another node takes its place: on a node that the log is of no use to
)

// Area is the part of a node that a fault takes hold of. Two steps that hold the same area of the same node at the same time get into
// each other's way.
type Area string

// Areas.
const (
	Machine Area = "machine" // process, disk and membership
	Network Area = "network"
	Time    Area = "time"
	Command Area = "command" // a request to the cluster; holds nothing
)

// Kind is what there is to know of one fault.
type Kind struct {
	Fault   Fault
	Area    Area
	Does    string   // at At
	Ends    string   // at At+For; empty: the fault is over at once, For is 0
	Witness string   // the evidence that it bit; a run in which one is missing proves nothing
	Ways    []string // what How may be; nil: only empty
	Rare    []string // what it may be besides; only real processes have these
	Staged  []string // likewise, and no swarm draws these: they take something to happen before
	Unit    string   // of Amount; empty: Amount is 0
	Min     float64  // of Amount
	Max     float64  // of Amount
	Least   int      // nodes that it takes to mean anything
	Real    bool     // only real processes have it: no swarm draws it
	Disk    bool     // afterwards the node's disk counts as damaged until it had time to catch up

	target target
	brief  bool // For may be 0 although there is an end
}

// target is what Node and Peer may be.
type target int

const (
	oneNode  target = iota // Node: a node, or 0 for whoever leads
	oneLink                // as oneNode; Peer: another node, or 0 for all others (only 0 where Node is 0)
	everyone               // Node 0
	leader                 // Node 0; Peer 0
	handover               // Node 0; Peer: to whom, or 0
	twoNodes               // Node and Peer: two nodes
)

// Kinds returns the table of faults, in a fixed order.
func Kinds() []Kind { return append([]Kind(nil), kinds...) }

// KindOf returns the table's line of a fault.
func KindOf(f Fault) (Kind, bool) {
	k := kindOf(f)
	return *k, k != &unknown
}

// unknown stands in for what the table does not have, in schedules that nobody validated.
var unknown Kind

var byName = func() map[Fault]*Kind {
	m := make(map[Fault]*Kind, len(kinds))
	for i := range kinds {
		m[kinds[i].Fault] = &kinds[i]
	}
	return m
}()

func kindOf(f Fault) *Kind {
	if k := byName[f]; k != nil {
		return k
	}
	return &unknown
}
