package witness

import (
	"fmt"
	"net/http"
	"time"
)

// HistoryError says that the witness has seen another history of the log than ours. Either the witness is broken, or somebody rewrote
// the log: an alarm, whatever else.
type HistoryError struct {
	URL  string
	Size int64 // of the log that the witness cosigned
	Text string
}

func (e *HistoryError) Error() string {
	return fmt.Sprintf("witness: %s has seen another history of this log: %s", e.URL, e.Text)
}

// AheadError says that the witness cosigned a newer checkpoint already: another node was faster, or this one is behind.
type AheadError struct {
	URL        string
	Size, Ours int64
}

func (e *AheadError) Error() string {
	return fmt.Sprintf("witness: %s cosigned the log at %d already, ours is %d", e.URL, e.Size, e.Ours)
}

// RefusedError is an answer that is no cosignature.
type RefusedError struct {
	URL        string
	Status     int
	Text       string        // what the witness wrote, quoted and cut
	RetryAfter time.Duration // 0 if it did not say
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("witness: %s refused with %d %s%s: %s", e.URL, e.Status, http.StatusText(e.Status), meaning[e.Status], e.Text)
}

// Temporary reports whether the same request may succeed later without anybody doing anything.
func (e *RefusedError) Temporary() bool {
	return e.Status == http.StatusTooManyRequests || e.Status >= 500
}

// meaning is what the specification says of a status.
var meaning = map[int]string{
	http.StatusBadRequest: " (it cannot read the request)",
	http.StatusForbidden:  " (it trusts none of the keys that signed in the name of the log: its operator has to add one)",
	http.StatusNotFound:   " (it does not know this log: its operator has to add it)",
}
