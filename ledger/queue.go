package ledger

import (
	"iter"

	"github.com/gaplessdb/gapless/frame"
)

// deadline says that a gap opened then. The gap may have shrunk, split, closed or been requested again since.
type deadline struct {
	span
	sinceMS int64
	stream  frame.StreamID
	epoch   uint32
}

// queue holds the deadlines of all streams in the order in which they were made, which is the order in which they end, as the grace is the same for
// all. So a tick looks at gaps that are due and never at streams that are clean. A copy of a queue stays as it is whatever happens to the queue, as long as the
// copy itself is only read: an item never changes, and no place has two of them.
type queue struct {
	items []deadline
	head  int    // items before it are done
	done  uint64 // numbers of the front below this one are done
}

func (q *queue) len() int { return len(q.items) - q.head }

func (q *queue) push(d deadline) { q.items = append(q.items, d) }

// front is what is left of the oldest deadline; the queue must not be empty.
func (q *queue) front() deadline {
	d := q.items[q.head]
	d.first = max(d.first, q.done)
	return d
}

// cut takes note that the numbers of the front below n are done.
func (q *queue) cut(n uint64) { q.done = n }

// pop drops the front. It gives memory back once half of the slice is done.
func (q *queue) pop() {
	q.head++
	q.done = 0
	switch {
	case q.head == len(q.items):
		q.items, q.head = q.items[q.head:], 0
	case q.head >= 1024 && q.head >= len(q.items)/2:
		q.items, q.head = append(make([]deadline, 0, q.len()), q.items[q.head:]...), 0
	}
}

// all yields what is left of the deadlines, oldest first.
func (q *queue) all() iter.Seq[deadline] {
	return func(yield func(deadline) bool) {
		if q.len() == 0 || !yield(q.front()) {
			return
		}
		for _, d := range q.items[q.head+1:] {
			if !yield(d) {
				return
			}
		}
	}
}
