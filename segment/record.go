package segment

import "github.com/gaplessdb/gapless/frame"

// Record is one frame with its values, as a Writer takes it and a Reader gives it. In one that was read, Row.Body is the zero Body and
// Row.Fingerprint is 0: the values are in Fields and Raw.
type Record struct {
	Row
	Fields []frame.Field // ordered by name, no name twice
	Raw    []byte        // raw payload, nil when there is none
}

// Columns selects which values a read decodes. Numbers, times, flags, class and position are always there.
type Columns struct {
	All    bool     // every field and the raw payload, but for
	NoRaw  bool     // the latter
	Fields []string // these fields, in whatever kind they come
	Raw    bool     // the raw payload
}

// Scanned says what a scan did.
type Scanned struct {
	Blocks int    // blocks that it looked into
	Bytes  int    // bytes read from the file; what came from the cache does not count
	Rows   int    // rows that it looked at
	Next   uint64 // with More, the first number that was not looked at
	More   bool   // the callback or the budget ended it before the end of the span
}
