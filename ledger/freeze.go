package ledger

import "io"

// Freeze returns a function that writes the checkpoint of the ledger as it is now: bytes that Checkpoint would write now. The function may be called at any
// later time, from any goroutine, several times and at once, with no lock and whatever the ledger does meanwhile; while somebody has it, what the
// ledger replaces since stays in memory. A failing writer's error is returned.
//
// Freeze is a change like any other: one goroutine at a time, and nobody reads. It copies a pointer for every 256 ids. The first change of a stream
// afterwards copies that stream, with the epochs that change and the chunks of their lists that change.
func (l *Ledger) Freeze() func(io.Writer) error {
	frozen := &Ledger{
		policy:  l.policy,
		nowMS:   l.nowMS,
		version: l.version,
		streams: l.streams.fork(),
		queue:   l.queue,
	}
	l.version++
	return frozen.Checkpoint
}
