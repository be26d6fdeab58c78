// Package query answers questions over HTTP: what arrived, what did not, why, and how sure we are.
//
// It offers routes (Routes) to the root, which owns the listener, the principals and the error body, and reads states through Source, one
// consistent View at a time, and the segments that it names through Opener. It keeps nothing between two requests but counts of frames in
// segments, so any node can answer, and give the next page of another's listing.
//
// # How a question is answered
//
//	parameters ── View, under the read lock: rows of the head are copied, counters read ── outside of it: sealed heads and segments are
//	              read, values are decoded, JSON is written
//
// The lock delays every write, so the work under it is bounded: by rows (query.lock_rows) where it can be interrupted, by streams and
// gaps (query.max_streams, query.max_gaps) where it cannot; and no file is read there. A frame's bytes are immutable; encoding them needs
// no lock.
//
// # Layers
//
// A frame is in one of three places, and the answer does not show in which (layers):
//
//	newest head  ── flush point ──▶  sealed head  ── flush ──▶  segment
//	changes: under the lock only     never changes              never changes
//
// One View captures all three, so they form one state: nothing is in two of them or in none. What a View's head contributes is copied under
// the lock; sealed heads and segments are read after it, also when the flush has taken the sealed head away meanwhile. Rows merge by number
// (merge), neighbours and times of single rows are looked up (around, part). Where the ledger, which is only under the lock, needs to know
// what segments say (the numbers of a time range), they are read first, and a second View combines it, if its manifest is still the same
// (windows).
//
// # Series
//
// /v1/query is about values (series.go; package series has the arithmetic). Its rows come as columns of whole blocks, not one by one, several streams
// at a time, and a block that lies wholly in one bucket is not read at all where what it knows of its values is enough:
//
//	seriesPlan ── seriesRun: ask, choose, stretch ── seriesReader ─▶ seriesTrack (a stream's cells) ─▶ seriesGroup ─▶ SeriesAnswer ─▶ JSON, CSV
//
// A bucket is a range of time, and its completeness is what /v1/frames would say of that range: the ledger's view of the whole range is taken
// once (seriesEpoch), and the windows of all buckets follow from the rows that are read anyway (bucketWindows). Points, which are questions
// without aggregates, are frames as columns, and use what frames use (pointsPage).
//
// What cannot match is not read: segments by commit index and times of the manifest, epochs by the segment's device index, blocks by numbers
// and times, columns by `fields` and `raw`.
//
// # Rows of one state
//
// What reads many rows walks them (walk): pages of frames, exports, the times that a cadence is measured by. A walk goes in stretches, each of
// which captures a later state than the one before and leaves out what was committed after the first; in between no lock is held. An export
// is a walk whose pieces are made while the client takes them (exportStream): it has no pages, its memory has bounds, and it ends with a
// mark that only a whole one has.
//
// # Devices that operators know
//
// A selection by label is resolved in the View that it is used in (selection.exist), from the registry of that state. A registered device that
// never said anything is a finding, not nothing: it is listed, counted as silent, and of it nothing is known (INDETERMINATE).
//
// # One number
//
// A trace (trace.go) puts together what the ledger knows of a number and what the layers hold of it and its neighbours. What doors refused, and frames
// with other bytes, are frames of the store's own devices, which no index leads to: they are looked through piece by piece (trace_recorder.go), around
// the time of the number first, and an answer says how far that came. Prover is what the root proves frames with.
//
// # Invariants
//
//   - A principal sees its own tenant, and nothing in an answer depends on another, but for as_of, positions and the digest, which are
//     of the partition.
//   - Totals are exact or the question is refused. Nothing is estimated, sampled or cut in silence: a page that ends early has a cursor, and
//     what needs a segment that this node cannot read is not answered in part.
//   - Pages of frames show one state, that of the first page. Put together they are the answer that one large page would have been,
//     whatever arrives meanwhile. Other listings show each page's own state, ordered by names and numbers, so that what stays as it is
//     comes exactly once.
//   - Every answer says of which state it is (as_of) and how complete that is (completeness). A ratio is 1 only when nothing is missing.
//   - Numbers are exact: 64-bit integers as they are, floats in the shortest form that reads back to the same bits.
//   - What a question does not understand, it refuses: a misspelt filter is an error, not a wider answer.
//   - Every limit has a name, a default (Options), an error that names it, and a count in gapless_query_limited_total.
//
// docs/http-api.md describes every route with examples.
package query
