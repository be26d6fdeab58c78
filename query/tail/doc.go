// Package tail gives committed frames in the order in which they were committed, from any retained position on, for as long as a reader
// likes: GET /v1/tail. It also keeps the positions of named consumers in the replicated state, and streams what happens to gaps.
//
// # Where a frame is read
//
// A frame is in one of three places, and each is read in its own way. A reader knows nothing but its position: everything up to it was given.
// With each look at a state it decides anew which place has what comes next, so a frame that moves between two looks is neither skipped nor
// given twice:
//
//	newest head ── flush point ──▶ sealed head ── flush ──▶ segment ── merge ──▶ segment
//	   │ list of arrivals              │ list of arrivals      │ index and ordinal are columns
//	   ▼                               ▼                       ▼
//	 copied under the lock, lock_rows at a time             windows of catchup_rows, outside of the lock
//
// A segment is ordered by stream. The next rows in order of commits are therefore found in two steps (window): the columns of positions say which
// are the next catchup_rows, then these are read with their values. Each window looks at every block that has rows of it, which for
// frames that come evenly are all blocks of a segment: n rows cost n / catchup_rows times the decoding of the segment. Memory is that of a window.
//
// # Live readers
//
// Those who have caught up share what one goroutine (pump) copies out of the head after each change of the state, once for all of them, into pages
// of a ring of bounded size. Whoever falls out of the ring reads from the places above again: nothing is lost but time.
//
//	apply ──Changed──▶ pump ──one View──▶ page │ page │ page ──▶ reader ──▶ connection
//	                                      encoded once, by the first reader that needs it
//
// apply is never delayed but by the read lock, under which at most lock_rows rows are copied, and nobody sends to anybody: readers come and take.
//
// # Invariants
//
//   - A reader gets every frame that its filter takes, behind its position, exactly once and in order of commit: across flushes, merges, restarts of
//     the reader and changes of the node.
//   - A position on a line means: everything up to here was given. So do those of progress lines and of the last one.
//   - A principal sees its own tenant.
//   - Every reader is bounded: by buffer_bytes, by stall, and by what it may hold of windows (catchup_hold). Who does not take is disconnected, and
//     can go on where it was.
//   - Consumers is pure, as every section is: equal commands make equal states and equal checkpoint bytes.
//
// docs/http-api.md describes the routes.
package tail
