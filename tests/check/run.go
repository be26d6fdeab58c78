package check

import (
	"fmt"
	"time"
)

// Run is everything that is known of one run. Times are durations since its start on the controller's clock. The order of the lists does not
// matter but where a field says so.
type Run struct {
	Seed   uint64   // of the payloads (Payload)
	Beyond bool     // the schedule had no budget: the cluster had to be honest, and need not have got through
	Nodes  []string // every node that was ever meant to be in the cluster, as in the other fields: "n1"

	Batches    []Batch // every attempt to send frames, each retry one of its own
	Claims     []Claim // every attempt to say something of a counter
	Reads      []Read
	Pages      []*Page // whole devices, read during the run
	Tails      []*Tail // readers of the tail
	Certified  []*Certificate
	Sealings   []Sealing // samples of GET /v1/proof
	Recorded   []Recorded
	GapReports []GapReport
	Ledgers    []Ledger  // samples of GET /v1/ledger
	Storages   []Storage // samples of GET /v1/storage
	Events     []Event   // what happened to the nodes
	Faults     []Fault   // what was broken
	Quorate    []Window  // when a majority was up, connected both ways and with disks that work, judged by what was broken; see Liveness
	Healed     time.Duration
	Finals     []*Final // of each node, after Healed and once all has settled

	known *history // built by the first checker
}

// Counter is one life of a counter: what one run of numbers belongs to. Epoch is the device's own value, "" when it sends none; such a
// device must not begin its counter anew, nor send what is far behind for the first time: the store would infer an epoch, as it should, and
// that is not judged here.
type Counter struct{ Device, Stream, Epoch string }

func (c Counter) String() string {
	if c.Epoch == "" {
		return c.Device + "/" + c.Stream
	}
	return fmt.Sprintf("%s/%s epoch %s", c.Device, c.Stream, c.Epoch)
}

// stream is the counter without its life.
func (c Counter) stream() Counter { return Counter{Device: c.Device, Stream: c.Stream} }

// system reports whether it is the store's own: those are nobody's numbers.
func (c Counter) system() bool { return len(c.Device) > 0 && c.Device[0] == '_' }

// Window is a stretch of time.
type Window struct{ From, To time.Duration }

// Outcome is what a client knows of what it sent.
type Outcome uint8

const (
	Unknown Outcome = iota // timeout, reset, outcome_unknown, 5xx: it may be there or not, now or later
	Acked                  // answered: it is there
	Refused                // answered so that nothing can have been stored, or never sent
)

func (o Outcome) String() string {
	return [...]string{"unknown", "acked", "refused"}[o]
}

// Answer is what every answer of a node has. One that failed is not recorded but as Read.Failed.
type Answer struct {
	Client      int
	Node        string // whom the client asked
	Consistency string // "linearizable", "leader" or "stale"
	Invoke      time.Duration
	Return      time.Duration
	After       uint64    // index that the answer had to contain (parameter after), 0 for none
	History     uint64    // as_of
	Index       uint64    // as_of: the answer shows all that was committed up to here and nothing behind it
	At          time.Time // as_of: when that was, by the cluster's clock; zero where the answer does not say
}
