package series

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Step is the length of a bucket: calendar months, weeks or days, or a length of time. The zero value is one bucket for everything.
type Step struct {
	Months, Weeks, Days int
	Length              time.Duration
}

// StepForms says what ParseStep accepts.
const StepForms = "a length such as 90s, 1m or 1h30m, or an ISO 8601 duration of one kind: PT15M, P1D, P1W, P3M, P1Y"

// maxCalendar bounds the count of calendar units of a step: they reach over all of time.
const maxCalendar = 10_000

var errStep = errors.New("series: a step is above zero, and of months, weeks, days or a length of time, not a mixture")

// ParseStep reads a duration of Go or of ISO 8601.
func ParseStep(text string) (s Step, err error) {
	if rest, ok := strings.CutPrefix(text, "P"); ok {
		s, err = parseISO(rest)
	} else {
		s.Length, err = time.ParseDuration(text)
	}
	if err != nil {
		return Step{}, fmt.Errorf("series: step %.100q: %w", text, err)
	}
	if s.kinds() != 1 || s.Months < 0 || s.Weeks < 0 || s.Days < 0 || s.Length < 0 {
		return Step{}, errStep
	}
	return s, nil
}

func (s Step) kinds() (n int) {
	for _, is := range []bool{s.Months != 0, s.Weeks != 0, s.Days != 0, s.Length != 0} {
		if is {
			n++
		}
	}
	return n
}

// Zero reports whether there is no step.
func (s Step) Zero() bool { return s == Step{} }

// parseISO reads what stands behind the P: nYnMnWnD, T, nHnMnS, each at most once and in order.
func parseISO(text string) (s Step, err error) {
	date, clock, timed := strings.Cut(text, "T")
	if text == "" || timed && clock == "" {
		return s, errors.New("a duration names an amount")
	}
	units := "YMWD"
	for date != "" {
		n, unit, rest, err := amount(date)
		at := strings.IndexByte(units, unit)
		if err != nil || at < 0 {
			return s, fmt.Errorf("%.20q is not an amount of years, months, weeks or days in this order", date)
		}
		switch unit {
		case 'Y':
			s.Months += 12 * n
		case 'M':
			s.Months += n
		case 'W':
			s.Weeks = n
		case 'D':
			s.Days = n
		}
		date, units = rest, units[at+1:]
	}
	s.Length, err = parseClock(clock)
	return s, err
}

func amount(text string) (n int, unit byte, rest string, err error) {
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end < 1 {
		return 0, 0, "", errStep
	}
	n, err = strconv.Atoi(text[:end])
	if n > maxCalendar {
		err = errStep
	}
	return n, text[end], text[end+1:], err
}

// parseClock reads nHnMnS; Go reads the same in small letters.
func parseClock(text string) (time.Duration, error) {
	units := "HMS"
	for rest := text; rest != ""; {
		end := strings.IndexAny(rest, units)
		if end < 1 || strings.Trim(rest[:end], "0123456789.") != "" || rest[end] != 'S' && strings.Contains(rest[:end], ".") {
			return 0, fmt.Errorf("%.20q is not an amount of hours, minutes or seconds in this order", rest)
		}
		units = units[strings.IndexByte(units, rest[end])+1:]
		rest = rest[end+1:]
	}
	if text == "" {
		return 0, nil
	}
	return time.ParseDuration(strings.ToLower(text))
}

// String is the ISO 8601 form.
func (s Step) String() string {
	switch {
	case s.Months > 0 && s.Months%12 == 0:
		return fmt.Sprintf("P%dY", s.Months/12)
	case s.Months > 0:
		return fmt.Sprintf("P%dM", s.Months)
	case s.Weeks > 0:
		return fmt.Sprintf("P%dW", s.Weeks)
	case s.Days > 0:
		return fmt.Sprintf("P%dD", s.Days)
	}
	b := []byte("PT")
	for _, u := range []struct {
		unit time.Duration
		name byte
	}{{time.Hour, 'H'}, {time.Minute, 'M'}} {
		if n := s.Length / u.unit; n > 0 {
			b = append(strconv.AppendInt(b, int64(n), 10), u.name)
			s.Length -= n * u.unit
		}
	}
	if s.Length > 0 || len(b) == 2 {
		b = strconv.AppendInt(b, int64(s.Length/time.Second), 10)
		if part := s.Length % time.Second; part > 0 {
			b = append(b, strings.TrimRight(fmt.Sprintf(".%09d", part), "0")...)
		}
		b = append(b, 'S')
	}
	return string(b)
}
