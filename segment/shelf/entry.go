package shelf

import (
	"sync"
	"time"

	"github.com/gaplessdb/gapless/segment"
)

// presence says what stands where a segment's file belongs.
type presence uint8

const (
	absent  presence = iota // nothing
	found                   // a file from before the start that nobody has looked at
	suspect                 // a file that must be verified whole before anybody gets it
	held                    // a file that counts
)

// entry is what a shelf knows of one segment.
type entry struct {
	name  segment.Name
	files sync.Mutex // held while files of this segment are opened, moved or removed; taken before Shelf.mu

	// Shelf.mu protects what follows.
	info     segment.Info // of the manifest that wants it, or of the file; Bytes is 0 while nothing is known
	wanted   bool
	asked    int       // calls of Obtain that bring it
	refused  time.Time // when Prune was first told that nobody needs it, since somebody did; zero: it is needed
	presence presence
	copy     int     // counts the files that counted, so that a late report of damage does not hit the successor
	handle   *handle // the open file; nil: closed
	readers  int     // references to handles, those of copies that are in quarantine by now included
	damage   error   // why the last copy is in quarantine; nil: it is not, or its successor is here
	failure  error   // why it is not here yet, for Status
	copies   []int   // numbers of its copies in quarantine, ascending
	salvage  bool    // the newest copy in quarantine has not been verified since it was put there, or since the start
	pull     pull
}

// pull is how far the pull of a segment is.
type pull struct {
	running  bool
	done     int64         // bytes of the .part file that are good as far as one can know
	reserved bool          // what is still to come has its place on the disk
	source   string        // peer that gave the last range
	wait     time.Duration // until the next attempt, after a failed one
	retry    time.Time

	// Owned by whoever set running.
	givers   map[string]bool // peers whose ranges are in the .part file; "" for a file from before the start
	solo     bool            // pull from one peer at a time: a file of several came out wrong
	suspects map[string]bool // the givers of that file
	liars    map[string]bool // peers that gave a wrong file alone
}

// missing is what Open says of a segment that is not here. The caller holds mu.
func (e *entry) missing() *MissingError {
	switch {
	case e.damage != nil:
		return &MissingError{Name: e.name, Why: WhyDamaged, Err: e.damage}
	case !e.wanted:
		return &MissingError{Name: e.name, Why: WhyDropped}
	}
	return &MissingError{Name: e.name, Why: WhyMissing}
}

// left is how many bytes a pull has still to bring. The caller holds mu.
func (e *entry) left() int64 { return max(0, e.info.Bytes-e.pull.done) }

// state is what Status says. The caller holds mu.
func (e *entry) state() State {
	switch {
	case e.presence == held, e.presence == found && !e.wanted:
		return Present
	case e.pull.running:
		return Pulling
	case e.damage != nil:
		return Quarantined
	}
	return Missing
}
