package network

// queue is first in, first out, in one slice that is used again.
type queue[T any] struct {
	items []T
	head  int // of items, that many are gone
}

func (q *queue[T]) len() int  { return len(q.items) - q.head }
func (q *queue[T]) live() []T { return q.items[q.head:] }

func (q *queue[T]) add(more ...T) {
	// At least half of what moves makes room: a queue that is never empty costs one more copy of each item, not one per add.
	if len(q.items)+len(more) > cap(q.items) && q.head >= len(q.items)/2 {
		q.items = q.items[:copy(q.items, q.live())]
		q.head = 0
	}
	q.items = append(q.items, more...)
}

func (q *queue[T]) drop(n int) {
	if q.head += n; q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
}
