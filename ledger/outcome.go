package ledger

// Status says what became of a frame.
type Status uint8

const (
	Stored     Status = 1 // new: the caller stores it under Outcome's epoch and number
	Duplicate  Status = 2 // the number is stored with the same content: nothing to do
	Conflict   Status = 3 // the number is stored with other content: the first stays, the caller keeps this one as evidence
	Unverified Status = 4 // the number is stored, but too long ago to compare here: the proposer compares and sends a Verdict
	Refused    Status = 5 // a limit or a malformed number; Outcome.Code says which. Nothing is recorded of the frame
)

var statusNames = [...]string{"unknown", "stored", "duplicate", "conflict", "unverified", "refused"}

// String is the name in APIs and logs.
func (s Status) String() string {
	if int(s) >= len(statusNames) {
		return statusNames[0]
	}
	return statusNames[s]
}

// Outcome is what the ledger decided about one frame.
type Outcome struct {
	Status             Status
	Late               bool   // Stored below the highest number: it filled a gap or extended the head
	NewEpoch           bool   // this frame opened the epoch
	WrapAmbiguous      bool   // how often the counter wrapped before it is unknown: it opened an epoch of its own
	Skew               bool   // its device time is implausible; it is kept and marked
	Probation          bool   // its epoch is an inference that no second frame confirmed yet
	SuspectedDuplicate bool   // without a number, and equal to one of the last 64 of the same device time
	Epoch              uint32 // server's ordinal, 1, 2, ...
	Seq                uint64 // unwrapped, or assigned by the server
	Code               string // why Refused
}

func refused(code string) Outcome { return Outcome{Status: Refused, Code: code} }
