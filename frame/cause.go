package frame

// Cause says why a frame is not stored. The numbers are part of the wire and checkpoint formats: never reuse one.
type Cause uint8

const (
	CauseDeclaredLost     Cause = 1  // the device said that it will never send it
	CauseRejectedCRC      Cause = 2  // it arrived damaged
	CauseRejectedSchema   Cause = 3  // it arrived and broke a rule of the format
	CauseRejectedAuth     Cause = 4  // its sender had no right to send it
	CauseRejectedOversize Cause = 5  // it was larger than a limit
	CauseShedSnapshot     Cause = 6  // class snapshot, dropped under overload
	CauseShedQuota        Cause = 7  // its tenant was over quota
	CauseShedDisk         Cause = 8  // the disk was full
	CauseExpired          Cause = 9  // stored once, removed by retention
	CauseErased           Cause = 10 // stored once, removed by an erase order
	CauseNeverArrived     Cause = 11 // nothing is known; the default
	CauseLinkDown         Cause = 12 // inferred: the link was down at the time
	CauseKernelDrop       Cause = 13 // at most as many as the kernel says it dropped
)

var causeNames = [...]string{
	CauseDeclaredLost:     "declared_lost",
	CauseRejectedCRC:      "rejected.crc",
	CauseRejectedSchema:   "rejected.schema",
	CauseRejectedAuth:     "rejected.auth",
	CauseRejectedOversize: "rejected.oversize",
	CauseShedSnapshot:     "shed.snapshot",
	CauseShedQuota:        "shed.quota",
	CauseShedDisk:         "shed.disk",
	CauseExpired:          "expired",
	CauseErased:           "erased",
	CauseNeverArrived:     "never_arrived",
	CauseLinkDown:         "link_down",
	CauseKernelDrop:       "kernel_drop",
}

// String is the name in APIs and reports, "unknown" for a number that is no cause.
func (c Cause) String() string {
	if !c.Valid() {
		return "unknown"
	}
	return causeNames[c]
}

// ParseCause is the inverse of String; it reports whether s names a cause.
func ParseCause(s string) (Cause, bool) {
	for c := CauseDeclaredLost; c <= CauseKernelDrop; c++ {
		if causeNames[c] == s {
			return c, true
		}
	}
	return 0, false
}

// Valid reports whether c is a known cause.
func (c Cause) Valid() bool { return c >= CauseDeclaredLost && c <= CauseKernelDrop }

// Exact reports whether the cause is known for each number, not inferred or bounded.
func (c Cause) Exact() bool { return c >= CauseDeclaredLost && c <= CauseErased }

// Rejected reports whether a door refused the frame for what it was.
func (c Cause) Rejected() bool { return c >= CauseRejectedCRC && c <= CauseRejectedOversize }

// Shed reports whether the store dropped the frame to protect itself.
func (c Cause) Shed() bool { return c >= CauseShedSnapshot && c <= CauseShedDisk }
