package series

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseStep(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Step
		form string // "": refused
	}{
		{"1m", Step{Length: time.Minute}, "PT1M"},
		{"1h30m", Step{Length: 90 * time.Minute}, "PT1H30M"},
		{"250ms", Step{Length: 250 * time.Millisecond}, "PT0.25S"},
		{"1ns", Step{Length: 1}, "PT0.000000001S"},
		{"PT15M", Step{Length: 15 * time.Minute}, "PT15M"},
		{"PT1H2M3.5S", Step{Length: time.Hour + 2*time.Minute + 3500*time.Millisecond}, "PT1H2M3.5S"},
		{"PT36H", Step{Length: 36 * time.Hour}, "PT36H"},
		{"P1D", Step{Days: 1}, "P1D"},
		{"P2W", Step{Weeks: 2}, "P2W"},
		{"P3M", Step{Months: 3}, "P3M"},
		{"P1Y", Step{Months: 12}, "P1Y"},
		{"P1Y6M", Step{Months: 18}, "P18M"},
		{text: ""}, {text: "0s"}, {text: "-1m"}, {text: "1d"}, {text: "P"}, {text: "PT"},
		{text: "P0D"}, {text: "P-1D"}, {text: "P1"}, {text: "P1S"}, {text: "PT1D"},
		{text: "P1D1M"}, {text: "PT1S1M"}, {text: "PT1M1M"}, {text: "P1DT12H"},
		{text: "P1M1D"}, {text: "P1.5D"}, {text: "PT1.5M"}, {text: "PT1.S2S"},
		{text: "P99999D"}, {text: "1"}, {text: "PT9999999999H"}, {text: "PTxS"}, {text: "p1d"}, {text: "P１D"},
	} {
		got, err := ParseStep(tt.text)
		if got != tt.want || (err == nil) != (tt.form != "") {
			t.Errorf("%q: %+v, %v, want %+v", tt.text, got, err, tt.want)
		}
		if err == nil && got.String() != tt.form {
			t.Errorf("%q is written %s, want %s", tt.text, got, tt.form)
		}
	}
}

// TestStepsAreReadAsTheyAreWritten reads back what String wrote.
func TestStepsAreReadAsTheyAreWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Step{Length: time.Duration(rapid.Int64Range(1, 1<<62).Draw(t, "length"))}
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			s = Step{Days: rapid.IntRange(1, maxCalendar).Draw(t, "days")}
		case 1:
			s = Step{Weeks: rapid.IntRange(1, maxCalendar).Draw(t, "weeks")}
		case 2:
			s = Step{Months: rapid.IntRange(1, maxCalendar).Draw(t, "months")}
		}
		if got, err := ParseStep(s.String()); err != nil || got != s {
			t.Fatalf("%+v is written %s and read as %+v, %v", s, s, got, err)
		}
	})
}

func TestParseInstant(t *testing.T) {
	paris := zone(t, "Europe/Paris")
	now := time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC) // the day on which clocks go forward
	for _, tt := range []struct{ text, want string }{
		{"now", "2026-03-29T12:00:00Z"},
		{"-1h", "2026-03-29T11:00:00Z"},
		{"now-90s", "2026-03-29T11:58:30Z"},
		{"now+1h", "2026-03-29T13:00:00Z"},
		{"-PT15M", "2026-03-29T11:45:00Z"},
		{"-P1D", "2026-03-28T13:00:00Z"}, // the same wall clock: 23 hours
		{"-P1W", "2026-03-22T13:00:00Z"},
		{"now-P1M", "2026-03-01T13:00:00Z"}, // there is no 29 February
		{"2026-11-21T10:00:00.5+01:00", "2026-11-21T09:00:00.5Z"},
		{"1795255200s", "2026-11-21T10:00:00Z"},
		{"1795255200123ms", "2026-11-21T10:00:00.123Z"},
		{"1795255200000123us", "2026-11-21T10:00:00.000123Z"},
		{"1795255200000000123ns", "2026-11-21T10:00:00.000000123Z"},
		{"0s", "1970-01-01T00:00:00Z"},
		{"", ""}, {"1795255200", ""}, {"yesterday", ""}, {"+1h", ""}, {"now1h", ""}, {"now-", ""}, {"-1d", ""}, {"nowish", ""}, {"--1h", ""},
		{"1e3s", ""}, {"9999999999999s", ""}, {"3000-01-01T00:00:00Z", ""}, {"5h", ""}, {"1ms2s", ""}, {"-P10000Y", ""},
	} {
		i, err := ParseInstant(tt.text)
		ns := int64(0)
		if err == nil {
			ns, err = i.Resolve(now.UnixMilli(), paris)
		}
		got := ""
		if err == nil {
			got = time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
		}
		if got != tt.want {
			t.Errorf("%q: %s (%v), want %s", tt.text, got, err, tt.want)
		}
		if relative := err == nil && (strings.HasPrefix(tt.text, "now") || tt.text[0] == '-'); relative != i.Relative() && err == nil {
			t.Errorf("%q: relative is %t", tt.text, i.Relative())
		}
	}
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := LoadZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestLoadZone(t *testing.T) {
	if z := zone(t, ""); z != time.UTC {
		t.Errorf("no zone is %s", z)
	}
	for _, name := range []string{"Local", "../etc/passwd", "Mars/Olympus", "/etc/localtime", strings.Repeat("x", 5000)} {
		if z, err := LoadZone(name); err == nil || len(err.Error()) > 1000 {
			t.Errorf("%.50s: %v, %v", name, z, err)
		}
	}
}

// FuzzTexts makes sure that no text of a request makes a parser panic, and that what is taken has a form that is taken.
func FuzzTexts(f *testing.F) {
	for _, s := range []string{"1m", "PT1H", "P1M", "now-P1D", "-1h", "1795255200ms", "p99.9", "avg", "2026-11-21T10:00:00Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := ParseStep(text); err == nil {
			if again, err := ParseStep(s.String()); err != nil || again != s {
				t.Errorf("%q is %s, which is %v, %v", text, s, again, err)
			}
			if _, err := NewGrid(s, time.UTC, 0, 1e18, 100); err != nil && err != ErrTooMany {
				t.Error(err)
			}
		}
		if i, err := ParseInstant(text); err == nil {
			_, _ = i.Resolve(1795255200000, time.UTC)
		}
		if list, err := ParseAggs([]string{text}); err == nil && list[0].Name != text {
			t.Errorf("%q is %q", text, list[0].Name)
		}
		_, _ = LoadZone(text)
	})
}

func TestParseAggs(t *testing.T) {
	good := strings.Fields("count nan min max sum avg first last stddev rate delta p0 p5 p50 p99.9 p99.999999 p100 p100.0 p007")
	list, err := ParseAggs(append(good, "avg"))
	if err != nil || len(list) != len(good) {
		t.Errorf("%d of %d: %v", len(list), len(good), err)
	}
	for _, name := range []string{"", "mean", "AVG", "p", "p101", "p100.1", "p-1", "p+5", "p1e1", "p.5", "p5.", "p99.9999999", "p1000", "p0x1", "pp5"} {
		if list, err := ParseAggs([]string{name}); err == nil {
			t.Errorf("%q is taken: %+v", name, list)
		}
	}
	for _, tt := range []struct {
		names            string
		decodes, ordered bool
		ends, collects   bool
	}{
		{"count avg sum min max nan", false, false, false, false}, {"first", false, false, true, false}, {"delta", false, false, true, false},
		{"stddev", true, false, false, false}, {"p50", true, false, false, true}, {"rate", true, true, false, false},
	} {
		list, err := ParseAggs(strings.Fields(tt.names))
		n := NeedOf(list)
		if err != nil || n.Decodes() != tt.decodes || n.Ordered() != tt.ordered || n.Ends() != tt.ends || n.Collects() != tt.collects {
			t.Errorf("%s: %v %+v", tt.names, err, fmt.Sprintf("%b", n))
		}
	}
}
