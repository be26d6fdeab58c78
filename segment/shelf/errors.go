package shelf

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/gaplessdb/gapless/segment"
)

var (
	// ErrNotHere says that this node, or the peer that was asked, does not have the segment. errors.Is finds it in a *MissingError.
	ErrNotHere = errors.New("shelf: segment is not here")
	// ErrNoSpace says that the disk has no room for a segment. Make room, or add a disk; the pull goes on by itself.
	ErrNoSpace = errors.New("shelf: not enough space on the disk")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("shelf: closed")
	// ErrPulling is the answer to a second Pull while one runs.
	ErrPulling = errors.New("shelf: a pull is running already")

	errNoPeer   = errors.New("shelf: no peer to ask")
	errUnwanted = errors.New("shelf: no longer wanted")
)

// Why a segment is not here.
const (
	WhyMissing = "missing" // it has not been here, or not whole
	WhyDamaged = "damaged" // it was here, and its file is in quarantine
	WhyDropped = "dropped" // no manifest here lists it: others have taken its place, and the newest manifest names them
)

// MissingError says that a segment cannot be read on this node now. Pull brings those that a manifest lists. Who holds an older manifest for longer
// than RetireAfter gets one of WhyDropped: the frames are in other segments, those of the newest manifest.
type MissingError struct {
	Name segment.Name
	Why  string // one of the above
	Err  error  // of a damaged one, what was found
}

func (e *MissingError) Error() string {
	s := fmt.Sprintf("shelf: segment %s is %s", e.Name, e.Why)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Is makes errors.Is(err, ErrNotHere) true.
func (e *MissingError) Is(target error) bool { return target == ErrNotHere }

// damaged says whether err shows that a file is not what it was: its contents contradict themselves, or the disk cannot read them.
func damaged(err error) bool {
	return errors.Is(err, segment.ErrCorrupt) || errors.Is(err, syscall.EIO)
}
