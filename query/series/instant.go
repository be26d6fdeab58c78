package series

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones must not depend on what the machine has

	"github.com/gaplessdb/gapless/frame"
)

// Instant is a point in time, or one told by its distance from another.
type Instant struct {
	relative bool
	ns       int64 // nanoseconds since the Unix epoch, unless relative
	back     bool  // the distance goes back
	by       Step
}

// InstantForms says what ParseInstant accepts.
const InstantForms = "a time of RFC 3339 from 1678 to 2261 such as 2026-11-21T10:00:00.5Z (write + as %2B), an integer with its unit since 1970 " +
	"such as 1795255200000ms (s, ms, us, ns), now, -1h, -P1D or now-1h"

var errInstant = errors.New("series: not a time")

// Now is the commit time of the state that is asked.
func Now() Instant { return Instant{relative: true} }

// ParseInstant reads a time.
func ParseInstant(text string) (Instant, error) {
	rest, now := strings.CutPrefix(text, "now")
	if now && rest == "" {
		return Now(), nil
	}
	if strings.HasPrefix(rest, "-") || now && strings.HasPrefix(rest, "+") {
		by, err := ParseStep(rest[1:])
		return Instant{relative: true, back: rest[0] == '-', by: by}, err
	}
	if now {
		return Instant{}, errInstant
	}
	if ns, ok := parseUnits(text); ok {
		return Instant{ns: ns}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return Instant{}, fmt.Errorf("series: time %.100q: %w", text, err)
	}
	ns, err := frame.UnixNS(t)
	if err != nil {
		return Instant{}, fmt.Errorf("series: time %.100q: %w", text, err)
	}
	return Instant{ns: ns}, nil
}

// parseUnits reads an integer with its unit, since 1970.
func parseUnits(text string) (ns int64, ok bool) {
	digits := strings.TrimRight(text, "smun")
	unit, known := map[string]int64{"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1}[text[len(digits):]]
	n, err := strconv.ParseUint(digits, 10, 63)
	if !known || err != nil || n > uint64(maxInt64/unit) {
		return 0, false
	}
	return int64(n) * unit, true
}

const maxInt64 = 1<<63 - 1

// Relative reports whether the instant depends on now.
func (i Instant) Relative() bool { return i.relative }

// Resolve is the instant in nanoseconds since the Unix epoch. Calendar distances are those of the location.
func (i Instant) Resolve(nowMS int64, in *time.Location) (int64, error) {
	if !i.relative {
		return i.ns, nil
	}
	t, sign := time.UnixMilli(nowMS).In(in), 1
	if i.back {
		sign = -1
	}
	t = t.AddDate(0, sign*i.by.Months, sign*(7*i.by.Weeks+i.by.Days)).Add(time.Duration(sign) * i.by.Length)
	return frame.UnixNS(t)
}

// LoadZone finds a time zone by its name in the IANA database; "" is UTC. The zone of the server ("Local") is none of a client's business.
func LoadZone(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, errors.New("series: the zone has no name of the IANA database")
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("series: zone %.100q: %w", name, err)
	}
	return z, nil
}
