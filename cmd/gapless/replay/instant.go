package replay

import (
	"fmt"
	"math"
	"strings"
	"time"
	_ "time/tzdata" // zones by name also where the machine has no database of them

	"github.com/gaplessdb/gapless/frame"
)

// clock reads the device time of a row.
type clock struct {
	layout string         // of package time; "" when unit is set
	zone   *time.Location // of times that name none
	unit   int64          // nanoseconds of one unit since base
	base   int64          // nanoseconds since 1970 UTC
	shift  int64          // nanoseconds that are added to every time
}

// units are the formats of numbers.
var units = map[string]int64{"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1}

func newClock(m *Mapping) (clock, error) {
	zone, err := time.LoadLocation(m.TimeZone)
	if err != nil {
		return clock{}, fmt.Errorf("time_zone %q: %w", m.TimeZone, err)
	}
	c := clock{zone: zone, unit: units[m.TimeFormat]}
	if m.TimeShift != "" {
		shift, err := time.ParseDuration(m.TimeShift)
		if err != nil {
			return c, fmt.Errorf("time_shift: %w", err)
		}
		c.shift = int64(shift)
	}
	switch {
	case c.unit > 0:
		return c, c.setBase(m.TimeBase)
	case m.TimeBase != "":
		return c, fmt.Errorf("time_base goes with time_format s, ms, us or ns, not %q", m.TimeFormat)
	case m.TimeFormat == "rfc3339":
		c.layout = time.RFC3339Nano
	case m.TimeFormat == "datetime":
		c.layout = time.DateTime
	case !strings.Contains(m.TimeFormat, "2006") && !strings.Contains(m.TimeFormat, "06"):
		return c, fmt.Errorf("time_format %q: give rfc3339, datetime, s, ms, us, ns, or a layout such as \"02.01.2006 15:04\"", m.TimeFormat)
	default:
		c.layout = m.TimeFormat
	}
	return c, nil
}

func (c *clock) setBase(base string) error {
	if base == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, base)
	if err == nil {
		c.base, err = frame.UnixNS(t)
	}
	if err != nil {
		return fmt.Errorf("time_base: %w", err)
	}
	return nil
}

// read returns nanoseconds since 1970 UTC.
func (c *clock) read(s string) (ns int64, err error) {
	if c.unit > 0 {
		var ok bool
		if ns, ok = c.count(s); !ok {
			return 0, fmt.Errorf("%.40q is no number of a unit since 1970 (or time_base) in the years 1678 to 2261%s", s, timeHint(s))
		}
	} else if t, err := time.ParseInLocation(c.layout, s, c.zone); err != nil {
		return 0, fmt.Errorf("%.40q is not a time of the form %q%s", s, c.layout, timeHint(s))
	} else if ns, err = frame.UnixNS(t); err != nil {
		return 0, err
	}
	if c.shift == 0 {
		return ns, nil
	}
	shifted := ns + c.shift
	if (shifted > ns) != (c.shift > 0) || !inRange(shifted) {
		return 0, fmt.Errorf("%.40q shifted by time_shift is outside the years 1678 to 2261", s)
	}
	return shifted, nil
}

// inRange reports whether frames can have a time.
func inRange(ns int64) bool {
	const limit = math.MaxInt64 / int64(1e9) // whole seconds
	return ns/1e9 > -limit && ns/1e9 < limit
}

// count reads a decimal number of units; digits below a nanosecond are cut off.
func (c *clock) count(s string) (ns int64, ok bool) {
	negative := strings.HasPrefix(s, "-")
	whole, part, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if digits(whole) != len(whole) || digits(part) != len(part) || whole == "" || point && part == "" {
		return 0, false
	}
	for _, d := range []byte(whole) {
		if ns > (math.MaxInt64/c.unit-9)/10 {
			return 0, false
		}
		ns = ns*10 + int64(d-'0')
	}
	ns *= c.unit
	for unit, i := c.unit/10, 0; unit > 0 && i < len(part); unit, i = unit/10, i+1 {
		ns += int64(part[i]-'0') * unit
	}
	if ns < 0 {
		return 0, false
	}
	if negative {
		ns = -ns
	}
	sum := c.base + ns
	return sum, (sum >= c.base) == (ns >= 0) && inRange(sum)
}
