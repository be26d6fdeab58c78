package segment

import (
	"fmt"

	"github.com/gaplessdb/gapless/frame"
)

// ConflictError says that two segments have different frames under one number. It stays readable through any wrapping.
type ConflictError struct {
	Key           frame.StreamKey
	Epoch         uint32
	Seq           uint64
	First, Second string // the segments: path, or name where the reader was told none
	Column        string // what differs: "device time", "seal", "column temp (float)", ...
	Want          string // what the first has
	Got           string // what the second has
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("segment: seq %d of epoch %d of %s/%s/%s is not the same frame in %s and %s: %s: %s, and %s",
		e.Seq, e.Epoch, e.Key.Tenant, e.Key.Device, e.Key.Stream, e.First, e.Second, e.Column, e.Want, e.Got)
}
