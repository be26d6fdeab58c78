package check

import (
	"fmt"
	"time"
)

// EndWithin is how long a process may take to end after a failed sync: milliseconds, and more on a machine that stands still now and then. What it
// does until then is judged whatever it takes.
const EndWithin = 5 * time.Second

// failstop: after the first write or sync of the log that failed, a process acknowledges nothing that is sent to it, writes nothing more,
// and ends.
func failstop(r *Run) (out []Violation) {
	for _, e := range r.firstFailures() {
		end, ended := r.end(e)
		if !ended || end-e.At > EndWithin {
			out = append(out, e.violation("WENT ON: the process did not end after a failed sync"))
		}
		out = append(out, r.wroteOn(e, end, ended)...)
		out = append(out, r.ackedOn(e, end, ended)...)
	}
	return out
}

// firstFailures is the first failed sync of each process.
func (r *Run) firstFailures() (list []*Event) {
	h := r.history()
	type process struct {
		node string
		life int
	}
	first := map[process]int{} // place in the list
	for i := range r.Events {
		e := &r.Events[i]
		if e.Kind != SyncFailed {
			continue
		}
		p := process{e.Node, h.life(e.Node, e.At)}
		if at, known := first[p]; !known {
			first[p] = len(list)
			list = append(list, e)
		} else if e.At < list[at].At {
			list[at] = e
		}
	}
	return list
}

func (e *Event) violation(format string, args ...any) Violation {
	return Violation{What: fmt.Sprintf(format, args...), Node: e.Node, At: e.At, Witnesses: []string{e.String()}}
}

// end is when the process that runs at an event ended.
func (r *Run) end(e *Event) (at time.Duration, ended bool) {
	for i := range r.Events {
		o := &r.Events[i]
		if o.Node == e.Node && (o.Kind == Ended || o.Kind == Started) && o.At > e.At || o.Node == e.Node && o.Kind == Ended && o.At == e.At {
			if !ended || o.At < at {
				at, ended = o.At, true
			}
		}
	}
	return at, ended
}

// wroteOn is writes that reached the log after the failure.
func (r *Run) wroteOn(failed *Event, end time.Duration, ended bool) (out []Violation) {
	for i := range r.Events {
		e := &r.Events[i]
		if e.Kind == WroteAfter && e.Node == failed.Node && e.At >= failed.At && (!ended || e.At <= end) {
			v := e.violation("WENT ON: the log was written after a failed sync")
			v.Witnesses = append(v.Witnesses, failed.String())
			out = append(out, v)
		}
	}
	return out
}

// ackedOn is batches that were sent to the process after the failure, and acknowledged by it.
func (r *Run) ackedOn(failed *Event, end time.Duration, ended bool) (out []Violation) {
	for i := range r.Batches {
		b := &r.Batches[i]
		if b.Node == failed.Node && b.Outcome == Acked && b.Invoke > failed.At && (!ended || b.Return <= end) {
			v := b.violation("WENT ON: acknowledged by a process whose sync had failed")
			v.Witnesses = append(v.Witnesses, failed.String())
			out = append(out, v)
		}
	}
	return out
}
