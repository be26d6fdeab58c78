package certificate

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/record"
)

// Scope says what a certificate is about: streams of one tenant, by a list of devices or the beginning of their names. Names that begin with '_' are
// the store's own devices; a prefix takes them only if it begins so, too.
type Scope struct {
	Tenant  string   `json:"tenant"`
	Devices []string `json:"devices,omitempty"` // sorted
	Prefix  *string  `json:"prefix,omitempty"`
	Match   []string `json:"match,omitempty"` // the labels by which Devices were chosen: the issuer's word
	Stream  *string  `json:"stream,omitempty"`
	Epochs  []uint32 `json:"epochs,omitempty"` // ordinals, sorted
	Seq     []uint64 `json:"seq,omitempty"`    // first and last number, of each epoch
	Time    []string `json:"time,omitempty"`   // device times, RFC 3339: from, and to, which is excluded

	CountsOnly bool `json:"counts_only,omitempty"` // no hashes of frames: only which numbers there are
}

// check says what is wrong with a scope.
func (s *Scope) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("certificate: scope: %s", fmt.Sprintf(format, args...))
	}
	if err := (frame.StreamKey{Tenant: s.Tenant, Device: "d", Stream: "0"}).Validate(); err != nil {
		return bad("tenant: %v", err)
	}
	if (len(s.Devices) > 0) == (s.Prefix != nil) {
		return bad("it needs devices or a prefix, and not both")
	}
	for i, d := range s.Devices {
		if err := (frame.StreamKey{Tenant: s.Tenant, Device: d, Stream: "0"}).Validate(); err != nil {
			return bad("device %d: %v", i, err)
		}
		if i > 0 && s.Devices[i-1] >= d {
			return bad("device %q after %q: they are sorted, and none comes twice", d, s.Devices[i-1])
		}
	}
	if s.Prefix != nil && *s.Prefix != "" {
		if err := frame.ValidateName("prefix", *s.Prefix); err != nil {
			return bad("%v", err)
		}
	}
	if len(s.Match) > 0 && s.Prefix != nil {
		return bad("labels choose devices, which then are listed; it has a prefix instead")
	}
	if s.Stream != nil {
		if err := (frame.StreamKey{Tenant: s.Tenant, Device: "d", Stream: *s.Stream}).Validate(); err != nil {
			return bad("stream: %v", err)
		}
	}
	for i, e := range s.Epochs {
		if e == 0 || i > 0 && s.Epochs[i-1] >= e {
			return bad("epochs %v: they are ordinals from 1 on, sorted, none twice", s.Epochs)
		}
	}
	if len(s.Seq) > 0 && len(s.Time) > 0 {
		return bad("it is cut by numbers or by time, not by both")
	}
	if len(s.Seq) != 0 && (len(s.Seq) != 2 || s.Seq[0] > s.Seq[1]) {
		return bad("numbers %v: give the first and the last", s.Seq)
	}
	if len(s.Time) != 0 && s.CountsOnly {
		return bad("counts only, of a time: which numbers lie in it, nobody could ever check")
	}
	if len(s.Time) != 0 {
		_, _, err := s.Times()
		return err
	}
	return nil
}

// Times is the scope's time in nanoseconds since 1970: from, and to, which is excluded.
func (s *Scope) Times() (from, to int64, err error) {
	if len(s.Time) != 2 {
		return 0, 0, fmt.Errorf("certificate: scope: time %v: give from and to", s.Time)
	}
	var ns [2]int64
	for i, text := range s.Time {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || !time.Unix(0, t.UnixNano()).Equal(t) {
			return 0, 0, fmt.Errorf("certificate: scope: time %.64q: give one as in RFC 3339, from 1678 to 2262", text)
		}
		ns[i] = t.UnixNano()
	}
	if ns[0] >= ns[1] {
		return 0, 0, fmt.Errorf("certificate: scope: time %s is not before %s", s.Time[0], s.Time[1])
	}
	return ns[0], ns[1], nil
}

// Over makes sure that the scope's time has ended at a moment: of what came behind it nothing was counted.
func (s *Scope) Over(asOf string) error {
	if len(s.Time) == 0 {
		return nil
	}
	_, to, err := s.Times()
	if err != nil {
		return err
	}
	at, err := record.ParseTime(asOf)
	if err != nil {
		return fmt.Errorf("certificate: as of: %w", err)
	}
	if to > at.UnixNano() {
		return fmt.Errorf("%w: the time ends at %s, the census was taken at %s: end it there, or take a certificate of now", ErrScope, s.Time[1], asOf)
	}
	return nil
}

// Counts is the numbers that count, of each epoch in scope: the strips that have one of them are shown. A time leaves none out: which numbers lie in it
// is known only from the times of all.
func (s *Scope) Counts() ledger.Run {
	if len(s.Seq) == 2 {
		return ledger.Run{First: s.Seq[0], Last: s.Seq[1]}
	}
	return ledger.Run{First: 0, Last: math.MaxUint64}
}

// Holds reports whether a stream is in scope.
func (s *Scope) Holds(key frame.StreamKey) bool {
	if key.Tenant != s.Tenant || s.Stream != nil && key.Stream != *s.Stream {
		return false
	}
	if s.Prefix == nil {
		_, found := slices.BinarySearch(s.Devices, key.Device)
		return found
	}
	return strings.HasPrefix(key.Device, *s.Prefix) && (own(*s.Prefix) || !own(key.Device))
}

// HoldsEpoch reports whether epochs with this ordinal are in scope.
func (s *Scope) HoldsEpoch(ordinal uint32) bool {
	if len(s.Epochs) == 0 {
		return true
	}
	_, found := slices.BinarySearch(s.Epochs, ordinal)
	return found
}

// own reports whether a name is that of one of the store's own devices.
func own(device string) bool { return strings.HasPrefix(device, "_") }
