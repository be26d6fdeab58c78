package query

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/gaplessdb/gapless/ledger"
)

// TestFleetCadence sums up devices with a cadence, by group, and lists those that miss something.
func TestFleetCadence(t *testing.T) {
	s := newStore(ledger.Policy{})
	for i, device := range []string{"a", "b", "c", "free"} {
		for n := range int64(20) {
			if n%int64(i+5) != 4 || i == 0 {
				s.put(t, unnumberedAt(device, startMS*ms+n*second))
			}
		}
	}
	s.register(t, "t", `{"device":"a","cadence_ms":1000,"labels":{"site":"x"}}`, `{"device":"b","cadence_ms":1000,"labels":{"site":"x"}}`,
		`{"device":"c","cadence_ms":1000}`, `{"device":"never","cadence_ms":1000,"labels":{"site":"y"}}`,
		`{"device":"free","labels":{"site":"x"}}`)
	s.commitMS = startMS + 3_600_000
	s.settle()
	srv := newServer(t, s, Options{})
	status, body := srv.get("t", "/v1/gaps", "cadence", "registered", "group", "site", "from", secondText(0), "to", secondText(19))
	var a struct {
		Silent  int
		Cadence struct {
			Sum        answerCadence
			Incomplete int
			Devices    []answerCadence
		}
		Groups []struct {
			Group   map[string]string
			Devices int
			Silent  int
			Cadence answerCadence
		}
	}
	if err := json.Unmarshal([]byte(body), &a); status != 200 || err != nil {
		t.Fatalf("%d %s %v", status, body, err)
	}
	var listed []string
	for _, d := range a.Cadence.Devices {
		listed = append(listed, fmt.Sprintf("%s %d+%d+%d of %d", d.Device, d.Missing, d.Edge.Before, d.Edge.After, d.Expected))
	}
	want := []string{"b 3+0+0 of 20", "c 3+0+0 of 20", "never 0+19+0 of 19"}
	if !slices.Equal(listed, want) || a.Cadence.Incomplete != 3 || a.Silent != 1 || string(a.Cadence.Sum.Devices) != "4" {
		t.Errorf("%q, want %q: %s", listed, want, body)
	}
	var groups []string
	for _, g := range a.Groups {
		groups = append(groups, fmt.Sprintf("%s: %d devices, %d silent, %s with a cadence, %d missing",
			g.Group["site"], g.Devices, g.Silent, g.Cadence.Devices, g.Cadence.Expected-g.Cadence.Stored))
	}
	want = []string{": 1 devices, 0 silent, 1 with a cadence, 3 missing", "x: 3 devices, 0 silent, 2 with a cadence, 3 missing",
		"y: 1 devices, 1 silent, 1 with a cadence, 19 missing"}
	if !slices.Equal(groups, want) {
		t.Errorf("%q, want %q", groups, want)
	}
}

// TestOverdue asks which devices are late, of devices with device times, with none, and without any frame, wherever their frames lie.
func TestOverdue(t *testing.T) {
	s := newStore(ledger.Policy{})
	s.register(t, "t", `{"device":"late","cadence_ms":10000}`, `{"device":"on time","cadence_ms":60000}`,
		`{"device":"clockless","cadence_ms":10000}`,
		`{"device":"never","cadence_ms":60000}`, `{"device":"free"}`)
	s.put(t, unnumberedAt("late", startMS*ms), unnumberedAt("on time", startMS*ms), unnumberedAt("free", startMS*ms),
		unnumberedAt("clockless", 0))
	srv := newServer(t, s, Options{})
	check := func(where string) {
		t.Helper()
		var names []string
		next := ""
		for {
			pairs := []string{"overdue", "true", "limit", "1"}
			if next != "" {
				pairs = append(pairs, "cursor", next)
			}
			a := srv.ok(t, "t", "/v1/devices", pairs...)
			for _, d := range a.Devices {
				var one struct {
					Device    string
					Silent    bool
					LastTime  *string `json:"last_time"`
					OverdueMS *int64  `json:"overdue_ms"`
				}
				if err := json.Unmarshal(d, &one); err != nil {
					t.Fatal(err)
				}
				late := "?"
				if one.OverdueMS != nil {
					late = strconv.FormatInt(*one.OverdueMS, 10)
				}
				names = append(names, one.Device+" "+late)
				if one.Silent != (one.LastTime == nil) {
					t.Errorf("%s: %s", where, d)
				}
			}
			if a.Next == nil {
				break
			}
			next = *a.Next
		}
		if want := []string{"clockless 5001", "late 5001", "never ?"}; !slices.Equal(names, want) {
			t.Errorf("%s: %q, want %q", where, names, want)
		}
	}
	s.commitMS += 15_001 // more than half a step after the next frame was due
	s.change(func(*ledger.Ledger) {})
	check("in the head")
	s.seal()
	check("in a sealed head")
	s.flush(t)
	check("in a segment")
	s.commitMS--
	s.change(func(*ledger.Ledger) {})
	if a := srv.ok(t, "t", "/v1/devices", "overdue", "true"); len(a.Devices) != 1 {
		t.Errorf("a moment before: %s", a.Devices)
	}
}
