// Package ingest is the door through which devices hand in frames. It speaks HTTP: JSON, NDJSON and the store's own binary batch. Other
// protocols are folders below it (influx is InfluxDB's line protocol) and share what is here: limits, Collector, Post, the Proposer.
//
// One request becomes one batch, and one batch one proposal: it is stored whole, in order, or not at all. The answer is written after
// the Proposer returned, which is after commit and apply. Nothing is acknowledged before, and no frame is dropped in between: a request
// that cannot be served is answered with 429 or 503 and stored nowhere, except for outcome_unknown, which says so.
//
// Invariants:
//   - What a client sent is kept exactly or refused: no number is rounded, no text repaired, no key of two chosen.
//   - An item that is refused is named in the answer; when its stream and number can be read, the batch carries a frame.Reject with the
//     reason and the first bytes as evidence, so that the gap report can say why the number is missing.
//   - Every item is counted once on the way in and once by what became of it (Counters, balance B). Every way out keeps it balanced.
//   - Memory is bounded before it is taken: the body, what it unpacks to, the batch, the evidence and the list of refusals each have a
//     limit, and the bodies of all requests together have one.
//   - Nothing that a client sends makes the process stop: all decoders run under fuzz tests.
//
// fasthttp's buffers belong to the handler only until it returns. What goes to the Proposer is a fresh slice that it may keep.
package ingest
