package series

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func ns(t testing.TB, text string) int64 {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixNano()
}

// TestGrid holds bucket edges against what a calendar on the wall says, on days when clocks are put forward or back.
func TestGrid(t *testing.T) {
	for _, tt := range []struct {
		name, step, zone, from, to string   // to is not inside
		want                       []string // wall clock of the zone
	}{
		{"minutes", "1m", "", "2026-11-21T10:00:30Z", "2026-11-21T10:02:00Z", []string{"2026-11-21T10:00:30Z", "2026-11-21T10:01:00Z"}},
		{"one bucket", "", "", "2026-11-21T10:00:30Z", "2026-11-21T10:02:00Z", []string{"2026-11-21T10:00:30Z"}},
		{"before 1970", "1h", "", "1969-12-31T22:30:00Z", "1970-01-01T00:30:00Z",
			[]string{"1969-12-31T22:30:00Z", "1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z"}},
		{"hours where they begin at half past", "1h", "Asia/Kolkata", "2026-11-21T10:00:00Z", "2026-11-21T12:00:00Z",
			[]string{"2026-11-21T15:30:00+05:30", "2026-11-21T16:00:00+05:30", "2026-11-21T17:00:00+05:30"}},
		{"half a day of the wall clock", "12h", "Asia/Tokyo", "2026-11-21T00:00:00+09:00", "2026-11-22T00:00:00+09:00",
			[]string{"2026-11-21T00:00:00+09:00", "2026-11-21T12:00:00+09:00"}},
		{"six hours over a change are six hours", "6h", "Europe/Paris", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00",
			[]string{"2026-03-29T00:00:00+01:00", "2026-03-29T07:00:00+02:00", "2026-03-29T13:00:00+02:00", "2026-03-29T19:00:00+02:00"}},
		{"days of 23 hours", "P1D", "Europe/Paris", "2026-03-28T12:00:00+01:00", "2026-03-31T00:00:00+02:00",
			[]string{"2026-03-28T12:00:00+01:00", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"}},
		{"days of 25 hours", "P1D", "Europe/Paris", "2026-10-24T00:00:00+02:00", "2026-10-27T00:00:00+01:00",
			[]string{"2026-10-24T00:00:00+02:00", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"}},
		{"no midnight", "P1D", "America/Sao_Paulo", "2018-11-03T00:00:00-03:00", "2018-11-06T00:00:00-02:00",
			[]string{"2018-11-03T00:00:00-03:00", "2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"}},
		{"midnight twice", "P1D", "America/Havana", "2026-10-31T00:00:00-04:00", "2026-11-03T00:00:00-05:00",
			[]string{"2026-10-31T00:00:00-04:00", "2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00"}},
		{"back over midnight", "P1D", "America/Sao_Paulo", "2018-02-17T00:00:00-02:00", "2018-02-19T00:00:00-03:00",
			[]string{"2018-02-17T00:00:00-02:00", "2018-02-18T00:00:00-03:00"}},
		{"back a minute after midnight", "P1D", "America/St_Johns", "2006-10-28T00:00:00-02:30", "2006-10-31T00:00:00-03:30",
			[]string{"2006-10-28T00:00:00-02:30", "2006-10-29T00:00:00-02:30", "2006-10-30T00:00:00-03:30"}},
		{"a day that was left out", "P1D", "Pacific/Apia", "2011-12-29T00:00:00-10:00", "2012-01-01T00:00:00+14:00",
			[]string{"2011-12-29T00:00:00-10:00", "2011-12-31T00:00:00+14:00"}},
		{"half an hour", "P1D", "Australia/Lord_Howe", "2026-04-04T00:00:00+11:00", "2026-04-07T00:00:00+10:30",
			[]string{"2026-04-04T00:00:00+11:00", "2026-04-05T00:00:00+11:00", "2026-04-06T00:00:00+10:30"}},
		{"two days at once count from 1970", "P2D", "", "2026-01-02T00:00:00Z", "2026-01-06T00:00:00Z",
			[]string{"2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-05T00:00:00Z"}},
		{"weeks begin on Monday", "P1W", "Europe/Paris", "2026-03-25T00:00:00+01:00", "2026-04-08T00:00:00+02:00",
			[]string{"2026-03-25T00:00:00+01:00", "2026-03-30T00:00:00+02:00", "2026-04-06T00:00:00+02:00"}},
		{"months", "P1M", "Europe/Paris", "2026-01-31T00:00:00+01:00", "2026-04-02T00:00:00+02:00",
			[]string{"2026-01-31T00:00:00+01:00", "2026-02-01T00:00:00+01:00", "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00"}},
		{"quarters", "P3M", "", "2025-12-01T00:00:00Z", "2026-07-02T00:00:00Z",
			[]string{"2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-07-01T00:00:00Z"}},
		{"years", "P1Y", "Asia/Tokyo", "1968-06-01T00:00:00+09:00", "1971-01-01T00:00:00+09:00",
			[]string{"1968-06-01T00:00:00+09:00", "1969-01-01T00:00:00+09:00", "1970-01-01T00:00:00+09:00"}},
	} {
		step := Step{}
		if tt.step != "" {
			var err error
			if step, err = ParseStep(tt.step); err != nil {
				t.Fatal(err)
			}
		}
		z := zone(t, tt.zone)
		g, err := NewGrid(step, z, ns(t, tt.from), ns(t, tt.to)-1, 100)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var got []string
		for _, at := range g.Starts {
			got = append(got, time.Unix(0, at).In(z).Format(time.RFC3339Nano))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestDaysBeginWhenTheyAreFirstShown walks over days minute by minute, in zones that do odd things.
func TestDaysBeginWhenTheyAreFirstShown(t *testing.T) {
	zones := []string{"Europe/Paris", "America/Sao_Paulo", "America/Havana", "America/St_Johns", "Pacific/Apia", "Africa/Cairo", "Asia/Beirut",
		"Australia/Lord_Howe", "Asia/Kathmandu", "America/Scoresbysund", "Antarctica/Troll", "Pacific/Kwajalein", "Asia/Gaza", "Africa/Casablanca"}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(zones).Draw(t, "zone")
		z, err := LoadZone(name)
		if err != nil {
			t.Fatal(err)
		}
		day := time.Date(1975, 1, 1+rapid.IntRange(0, 180*365).Draw(t, "day"), 0, 0, 0, 0, time.UTC)
		want := time.Time{}
		for at := day.Add(-27 * time.Hour); want.IsZero(); at = at.Add(time.Minute) {
			y, m, d := at.In(z).Date()
			if !time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Before(day) {
				want = at
			}
		}
		if got := firstShown(day, z); !got.Equal(want) {
			t.Fatalf("%s in %s begins at %s, want %s", day.Format(time.DateOnly), name, got, want.In(z))
		}
	})
}

// TestLastDayOfLeapYears: beyond the tables of zones, package time lets a leap year end a day early, and a walk from bound to bound stood still there.
func TestLastDayOfLeapYears(t *testing.T) {
	for _, name := range []string{"Europe/Paris", "America/Havana", "Australia/Sydney", "America/Nuuk"} {
		z := zone(t, name)
		for year := 2036; year <= 2240; year += 4 {
			for _, day := range []int{30, 31, 32, 33} {
				want := time.Date(year, 12, day, 0, 0, 0, 0, z)
				if got := firstShown(time.Date(year, 12, day, 0, 0, 0, 0, time.UTC), z); !got.Equal(want) {
					t.Fatalf("%s in %s begins at %s", want.Format(time.DateOnly), name, got.In(z))
				}
			}
		}
	}
}

// TestGridsCoverTheirRange makes sure that every time of a range lies in one bucket, and that every way to find it finds that one.
func TestGridsCoverTheirRange(t *testing.T) {
	steps := []string{"1ns", "7s", "1m", "1h", "36h", "P1D", "P3D", "P1W", "P2W", "P1M", "P5M", "P1Y"}
	rapid.Check(t, func(t *rapid.T) {
		step, err := ParseStep(rapid.SampledFrom(steps).Draw(t, "step"))
		if err != nil {
			t.Fatal(err)
		}
		z, err := LoadZone(rapid.SampledFrom([]string{"", "Europe/Paris", "America/Havana", "Pacific/Apia"}).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		first := rapid.Int64Range(math.MinInt64/2, math.MaxInt64/2).Draw(t, "first")
		span := rapid.SampledFrom([]time.Duration{50, time.Hour, 1000 * time.Hour, 100_000 * time.Hour}).Draw(t, "span")
		last := first + rapid.Int64Range(0, int64(span)).Draw(t, "length")
		g, err := NewGrid(step, z, first, last, 500)
		if errors.Is(err, ErrTooMany) {
			return
		}
		if err != nil || g.Starts[0] != first || !slices.IsSorted(g.Starts) || len(slices.Compact(slices.Clone(g.Starts))) != g.Len() || g.Len() > 500 {
			t.Fatalf("%v: %v", err, g)
		}
		at, hint := rapid.Int64Range(first, last).Draw(t, "time"), rapid.IntRange(-1, g.Len()-1).Draw(t, "hint")
		b := g.Find(at)
		if b < 0 || at < g.Starts[b] || at > g.End(b) || g.FindFrom(hint, at) != b {
			t.Fatalf("%d lies in bucket %d or %d of %v", at, b, g.FindFrom(hint, at), g)
		}
		if g.Find(first-1) != -1 || g.Find(last+1) != -1 {
			t.Fatalf("a time outside of %d to %d is found", first, last)
		}
	})
}

func TestGridLimit(t *testing.T) {
	for _, step := range []string{"1s", "P1D", "P1M"} {
		s, err := ParseStep(step)
		if err != nil {
			t.Fatal(err)
		}
		last := map[string]int64{"1s": 9e9, "P1D": 9 * 86400e9, "P1M": ns(t, "1970-10-01T00:00:00Z")}[step]
		for _, tt := range []struct {
			max int
			err error
		}{{10, nil}, {9, ErrTooMany}} {
			if g, err := NewGrid(s, time.UTC, 0, last, tt.max); !errors.Is(err, tt.err) || err == nil && g.Len() != 10 {
				t.Errorf("%s, at most %d: %v, %v", step, tt.max, g, err)
			}
		}
	}
	if _, err := NewGrid(Step{Length: 1}, time.UTC, math.MinInt64, math.MaxInt64, 1000); !errors.Is(err, ErrTooMany) {
		t.Error(err)
	}
	g, err := NewGrid(Step{}, time.UTC, math.MinInt64, math.MaxInt64, 1)
	if front, back := g.Open(); err != nil || !front || !back || g.Find(0) != 0 || g.Find(math.MinInt64) != 0 || g.Find(math.MaxInt64) != 0 {
		t.Error(g, err)
	}
}
