package ledger

import "github.com/gaplessdb/gapless/frame"

// deadline says that a gap opened then. The gap may have shrunk, split, closed or been requested again since.
type deadline struct {
	span
	sinceMS int64
	stream  frame.StreamID
	epoch   uint32
}

// queue holds the deadlines of all streams in the order in which they were made, which is the order in which they end, as the grace is the same for
// all. So a tick looks at gaps that are due and never at streams that are clean.
type queue struct {
	items []deadline
	head  int // items before it are done
}

func (q *queue) len() int { return len(q.items) - q.head }

func (q *queue) push(d deadline) { q.items = append(q.items, d) }

// front is the oldest deadline; the queue must not be empty.
func (q *queue) front() *deadline { return &q.items[q.head] }

// pop drops the oldest one. It gives memory back once half of the slice is done.
func (q *queue) pop() {
	q.head++
	if q.head < 1024 || q.head < len(q.items)/2 {
		if q.head == len(q.items) {
			q.items, q.head = q.items[:0], 0
		}
		return
	}
	q.items = append(make([]deadline, 0, q.len()), q.items[q.head:]...)
	q.head = 0
}
