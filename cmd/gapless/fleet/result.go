package fleet

import (
	"fmt"
	"io"
	"sort"
	"sync"
	"time"
)

// Difference is one place where the cluster's answers and the truth disagree.
type Difference struct {
	Kind   string // what is wrong: lost, invented, changed, twice, gap, cause, bounds, count, totals, ledger, answer, ...
	Node   string // that answered so, "" when it does not matter
	Device string
	Stream string
	Epoch  string // the device's own value
	From   uint64 // numbers concerned
	To     uint64
	Detail string
}

func (d Difference) String() string {
	s := d.Kind
	if d.Device != "" {
		s += fmt.Sprintf(": device %s stream %s epoch %q", d.Device, d.Stream, d.Epoch)
		switch {
		case d.To > d.From:
			s += fmt.Sprintf(" seq %d..%d", d.From, d.To)
		case d.numbered():
			s += fmt.Sprintf(" seq %d", d.From)
		}
	}
	if d.Node != "" {
		s += " at " + d.Node
	}
	if d.Detail != "" {
		s += ": " + d.Detail
	}
	return s
}

// numbered reports whether the difference is about frame numbers.
func (d Difference) numbered() bool {
	switch d.Kind {
	case kindLost, kindInvented, kindChanged, kindTwice, kindGap, kindCause, kindCoverage:
		return true
	}
	return false
}

// Kinds of differences.
const (
	kindLost     = "lost"     // acknowledged, and not there
	kindInvented = "invented" // there, and never sent
	kindChanged  = "changed"  // there with other bytes
	kindTwice    = "twice"    // listed more than once, or out of order
	kindGap      = "gap"      // reported missing and is not, or missing and not reported
	kindCause    = "cause"    // reported missing for another reason
	kindCoverage = "coverage" // the coverage disagrees
	kindBounds   = "bounds"   // first or last number, or how they are known
	kindEpoch    = "epoch"    // a life is unknown, unheard of, or in the wrong order
	kindCount    = "count"    // a counter of the report
	kindTotals   = "totals"   // the fleet's totals
	kindLedger   = "ledger"   // the nodes' ledgers differ or do not balance
	kindDevice   = "device"   // a device is unknown or unheard of
	kindAnswer   = "answer"   // an acknowledgement contradicted its request
)

// Result is what a comparison found.
type Result struct {
	Seed                       uint64
	Devices, Lives             int
	Nodes                      int
	Sent                       uint64 // frames that devices put on the wire, repeats and conflicts included, retries not
	Acked                      uint64 // of them, acknowledged as new
	Stored                     uint64 // frames found, once per number
	Lost, Declared             uint64 // numbers that were never sent, in silence and declared
	Missing                    uint64 // numbers that the cluster reports missing
	Repeats, Conflicts         uint64 // sent
	FoundRepeats, FoundClashes uint64 // counted by the cluster
	Reboots, Wraps             uint64
	Retried                    uint64 // frames sent again because an answer was lost
	Invented                   uint64
	Digest                     string // of the ledger, the same on every node

	Killed   string        // node that was killed during the run, set by the caller
	Recovery time.Duration // from its end to the first acknowledgement of a request sent after it

	mu          sync.Mutex   // protects what follows and the counts while a comparison runs
	differences []Difference // the first maxDifferences
	more        int          // beyond them
}

// maxDifferences bounds what is remembered; the rest is counted.
const maxDifferences = 10_000

// Exact reports whether the cluster's answers are the truth, frame by frame.
func (r *Result) Exact() bool { return len(r.differences) == 0 }

// Differences returns what was found, ordered by device, stream, epoch and number.
func (r *Result) Differences() []Difference { return r.differences }

func (r *Result) differ(d ...Difference) {
	r.mu.Lock()
	defer r.mu.Unlock()
	room := max(maxDifferences-len(r.differences), 0)
	if len(d) > room {
		r.more += len(d) - room
		d = d[:room]
	}
	r.differences = append(r.differences, d...)
}

// add raises a count of the result.
func (r *Result) add(count *uint64, n uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*count += n
}

func (r *Result) sort() {
	sort.SliceStable(r.differences, func(i, j int) bool {
		a, b := &r.differences[i], &r.differences[j]
		if (a.Device == "") != (b.Device == "") {
			return b.Device == "" // the places first, then the sums that follow from them
		}
		if x, y := a.Device+"\x00"+a.Stream+"\x00"+a.Epoch, b.Device+"\x00"+b.Stream+"\x00"+b.Epoch; x != y {
			return x < y
		}
		return a.From < b.From
	})
}

// Print writes the table and the verdict.
func (r *Result) Print(w io.Writer) {
	line := func(name string, n uint64, note string) { fmt.Fprintf(w, "  %-24s %12d  %s\n", name, n, note) }
	line("frames sent", r.Sent, fmt.Sprintf("by %d devices in %d lives, seed %d", r.Devices, r.Lives, r.Seed))
	line("acknowledged as new", r.Acked, "")
	line("stored", r.Stored, fmt.Sprintf("read back from each of %d nodes", r.Nodes))
	line("lost on purpose", r.Lost+r.Declared, fmt.Sprintf("%d of them declared by the device", r.Declared))
	line("found missing", r.Missing, "")
	line("repeats sent", r.Repeats, fmt.Sprintf("the cluster counts %d", r.FoundRepeats))
	line("conflicts sent", r.Conflicts, fmt.Sprintf("the cluster counts %d", r.FoundClashes))
	line("retried frames", r.Retried, "the answer was lost, the numbers are the same")
	line("reboots", r.Reboots, "")
	line("counter wraps", r.Wraps, "")
	line("invented", r.Invented, "")
	if r.Killed != "" {
		line("kill to first ack, ms", uint64(r.Recovery.Milliseconds()), "leader "+r.Killed)
	}
	if r.Exact() {
		fmt.Fprintf(w, "EXACT: %d frames and %d missing numbers agree one by one on %d nodes (ledger %.16s)\n", r.Stored, r.Missing, r.Nodes, r.Digest)
		return
	}
	fmt.Fprintf(w, "MISMATCH: %d differences\n", len(r.differences)+r.more)
	for _, d := range r.differences[:min(len(r.differences), 10)] {
		fmt.Fprintf(w, "  %s\n", d)
	}
	if n := len(r.differences) + r.more - 10; n > 0 {
		fmt.Fprintf(w, "  and %d more\n", n)
	}
}
