package replay

import (
	"testing"
	"time"
)

func TestTimes(t *testing.T) {
	tests := []struct {
		format, zone, base, text string
		want                     string // "": refused
	}{
		{"rfc3339", "", "", "2026-11-21T10:00:00.25Z", "2026-11-21T10:00:00.25Z"},
		{"rfc3339", "", "", "2026-11-21T10:00:00+02:00", "2026-11-21T08:00:00Z"},
		{"rfc3339", "", "", "2026-11-21 10:00:00", ""},
		{"rfc3339", "", "", "9999-11-21T10:00:00Z", ""},
		{"datetime", "UTC", "", "2016-07-01 00:00:00", "2016-07-01T00:00:00Z"},
		{"datetime", "UTC", "", "2016-07-01 00:00:00.125", "2016-07-01T00:00:00.125Z"},
		{"datetime", "Europe/Paris", "", "2016-07-01 00:00:00", "2016-06-30T22:00:00Z"},
		{"02.01.2006 15:04", "Europe/Paris", "", "31.12.2020 23:30", "2020-12-31T22:30:00Z"},
		{"s", "", "", "1687511428", "2023-06-23T09:10:28Z"},
		{"s", "", "", "1687511428.8969999991", "2023-06-23T09:10:28.896999999Z"},
		{"ms", "", "", "1687511428896", "2023-06-23T09:10:28.896Z"},
		{"ms", "", "", "1687511428896.5", "2023-06-23T09:10:28.8965Z"},
		{"us", "", "2026-11-20T09:00:00Z", "112614307", "2026-11-20T09:01:52.614307Z"},
		{"us", "", "2026-11-20T09:00:00Z", "0", "2026-11-20T09:00:00Z"},
		{"us", "", "2026-11-20T09:00:00Z", "-1", "2026-11-20T08:59:59.999999Z"},
		{"ns", "", "", "-1", "1969-12-31T23:59:59.999999999Z"},
		{"ns", "", "", "9223372036854775807", ""},
		{"ns", "", "", "9223372036854775808", ""},
		{"ns", "", "", "9200000000000000000", "2261-07-15T11:33:20Z"},
		{"s", "", "", "9223372037", ""},
		{"s", "", "2200-01-01T00:00:00Z", "8000000000", ""},
		{"s", "", "", "99999999999999999999", ""},
		{"s", "", "", "1e9", ""},
		{"s", "", "", "1.", ""},
		{"s", "", "", ".5", ""},
		{"s", "", "", "-", ""},
	}
	for _, tt := range tests {
		c, err := newClock(&Mapping{TimeFormat: tt.format, TimeZone: tt.zone, TimeBase: tt.base})
		if err != nil {
			t.Errorf("%s %s %s: %v", tt.format, tt.zone, tt.base, err)
			continue
		}
		ns, err := c.read(tt.text)
		got := ""
		if err == nil {
			got = time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
		}
		if got != tt.want {
			t.Errorf("%s %s %s %q: got %q (%v), want %q", tt.format, tt.zone, tt.base, tt.text, got, err, tt.want)
		}
	}
}

func TestClocksThatMakeNoSense(t *testing.T) {
	for _, m := range []Mapping{
		{TimeFormat: "epoch"},
		{TimeFormat: ""},
		{TimeFormat: "rfc3339", TimeZone: "Mars/Olympus"},
		{TimeFormat: "datetime", TimeBase: "2026-01-01T00:00:00Z"},
		{TimeFormat: "ms", TimeBase: "yesterday"},
		{TimeFormat: "ms", TimeBase: "9999-01-01T00:00:00Z"},
		{TimeFormat: "ms", TimeShift: "10 years"},
	} {
		if _, err := newClock(&m); err == nil {
			t.Errorf("%+v is taken", m)
		}
	}
}

func TestShiftedTimes(t *testing.T) {
	for text, want := range map[string]string{
		"2016-07-01T00:00:00Z": "2016-07-01T01:30:00Z", "2262-04-11T22:30:00Z": "", "yesterday": "",
	} {
		c, err := newClock(&Mapping{TimeFormat: "rfc3339", TimeShift: "90m"})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if ns, err := c.read(text); err == nil {
			got = time.Unix(0, ns).UTC().Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
