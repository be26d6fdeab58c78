package ledger

import "github.com/gaplessdb/gapless/frame"

// Ledger is the account of all streams of one partition. One goroutine may change it, and while it does nobody may read; otherwise any
// number of goroutines may read. Slices and strings that its methods return are the caller's.
type Ledger struct {
	policy  Policy
	nowMS   int64  // commit time of the newest call that had one; it never goes back
	version uint32 // how often it was frozen (once a second for 136 years): what has an older one is copied before it changes, see own.go
	streams table
	names   names
	queue   queue   // gaps in the order in which their grace ends
	rules   rules   // of single devices; part of no checkpoint
	changes changes // of gaps, the newest; part of no checkpoint
	renews  bool    // see Renew; part of no checkpoint
}

// New is an empty ledger. A zero limit in the policy stands for its default.
func New(p Policy) *Ledger {
	return &Ledger{
		policy:  p.WithDefaults(),
		streams: table{slots: 1}, // id 0 is never used
		names:   names{families: map[familyKey]*family{}},
		rules:   rules{},
	}
}

// SetPolicy replaces the policy. What was decided under the old one stays; a limit that is already exceeded only stops growth.
func (l *Ledger) SetPolicy(p Policy) { l.policy = p.WithDefaults() }

// Renew says whether a watermark that a device says again is from then on as of that moment: it stands for the time in between, too. Nodes have to agree.
func (l *Ledger) Renew(on bool) { l.renews = on }

// Policy is the policy in force, with defaults filled in.
func (l *Ledger) Policy() Policy { return l.policy }

// stream is a stream to be read, nil for an unknown id. Who writes takes own.
func (l *Ledger) stream(id frame.StreamID) *stream { return l.streams.get(id) }

// advance takes note of a commit time. Commit time comes from TICK and never goes back; should it, the ledger's does not.
func (l *Ledger) advance(commitMS int64) {
	if commitMS > l.nowMS {
		l.nowMS = commitMS
	}
}
