package segment

import (
	"fmt"

	"github.com/gaplessdb/gapless/frame"
)

// MismatchError says where the outputs of a merge are not what its inputs make of them. It stays readable through any wrapping.
type MismatchError struct {
	Key    frame.StreamKey // zero where it is about a file and not about a row
	Epoch  uint32
	Seq    uint64
	Column string // what differs: "frame", "window", "device time", "column temp (float)", ...
	Want   string // by the inputs
	Got    string // in the outputs
}

func (e *MismatchError) Error() string {
	if e.Key == (frame.StreamKey{}) {
		return fmt.Sprintf("segment: the merge is wrong: %s: want %s, got %s", e.Column, e.Want, e.Got)
	}
	return fmt.Sprintf("segment: the merge is wrong: seq %d of epoch %d of %s/%s/%s: %s: want %s, got %s",
		e.Seq, e.Epoch, e.Key.Tenant, e.Key.Device, e.Key.Stream, e.Column, e.Want, e.Got)
}

// mismatch is a MismatchError about a file.
func mismatch(column string, want, got any) error {
	return &MismatchError{Column: column, Want: fmt.Sprint(want), Got: fmt.Sprint(got)}
}
