package query

import (
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// TestTenantsAreApart gives two tenants the same device and checks that no answer of one holds a trace of the other.
func TestTenantsAreApart(t *testing.T) {
	s := newStore(ledger.Policy{})
	for _, tenant := range []string{"a", "b"} {
		for n := range uint64(3) {
			s.put(t, sent{tenant: tenant, device: "d-" + tenant, stream: "0", seq: 7 * n, Frame: frame.Frame{TimeNS: 1}},
				sent{tenant: tenant, device: "both", stream: tenant, seq: n, Frame: frame.Frame{TimeNS: 1,
					Fields: []frame.Field{{Name: "of-" + tenant, Value: frame.Int(1)}}}})
		}
	}
	srv := newServer(t, s, Options{BalanceB: func() any { return "of every tenant" }})
	alone := newStore(ledger.Policy{})
	for n := range uint64(3) {
		alone.put(t, sent{tenant: "a", device: "d-a", stream: "0", seq: 7 * n, Frame: frame.Frame{TimeNS: 1}},
			sent{tenant: "a", device: "both", stream: "a", seq: n, Frame: frame.Frame{TimeNS: 1,
				Fields: []frame.Field{{Name: "of-a", Value: frame.Int(1)}}}})
	}
	other := newServer(t, alone, Options{})
	cursor := *srv.ok(t, "b", "/v1/devices", "limit", "1").Next
	for _, path := range []string{"/v1/devices", "/v1/latest", "/v1/frames?device=both", "/v1/gaps", "/v1/devices/both",
		"/v1/devices/both/gaps", "/v1/devices/both/coverage", "/v1/ledger"} {
		path, query, _ := strings.Cut(path, "?")
		status, _, body := srv.do("a", path, query, "")
		_, _, want := other.do("a", path, query, "")
		// Apart from as_of and positions, the answer is the one of a store that has only this tenant.
		if status != 200 || anonymous(body) != anonymous(want) {
			t.Errorf("%s: %d %s\nalone: %s", path, status, body, want)
		}
	}
	for _, path := range []string{"/v1/devices/d-b", "/v1/devices/d-b/gaps", "/v1/devices/d-b/coverage",
		"/v1/frames?device=d-b", "/v1/latest?device=d-b", "/v1/gaps?device=d-b", "/v1/frames?device=both&stream=b"} {
		path, query, _ := strings.Cut(path, "?")
		if status, _, body := srv.do("a", path, query, ""); status != 404 {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	status, body := srv.get("a", "/v1/devices", "limit", "1", "cursor", cursor)
	if status != 400 || decode(t, body).Error.Code != "foreign_cursor" {
		t.Errorf("a cursor of another tenant: %d %s", status, body)
	}
}

// anonymous takes out of an answer what depends on the whole partition by design.
func anonymous(body string) string {
	for _, key := range []string{`"as_of":[`, `"position":"`, `"digest":"`, `"received":"`} {
		for {
			before, rest, found := strings.Cut(body, key)
			if !found {
				break
			}
			end := strings.IndexAny(rest, `]"`)
			if key == `"as_of":[` {
				end = strings.IndexByte(rest, ']')
			}
			body = before + rest[end+1:]
		}
	}
	return body
}

// TestSystemDevices checks that the store's own devices are read by name and listed only on demand.
func TestSystemDevices(t *testing.T) {
	srv := newServer(t, scenario(t), Options{})
	for _, tt := range []struct {
		path, query string
		want        int // frames or devices
	}{
		{"/v1/devices", "", 3},
		{"/v1/devices", "system=true", 4},
		{"/v1/devices", "prefix=_", 0},
		{"/v1/devices", "prefix=_&system=true", 1},
		{"/v1/latest", "", 3},
		{"/v1/latest", "system=true", 4},
		{"/v1/latest", "device=_audit", 1},
		{"/v1/frames", "device=_audit", 1},
	} {
		_, _, body := srv.do("t1", tt.path, tt.query, "")
		if a := decode(t, body); len(a.Frames)+len(a.Devices) != tt.want {
			t.Errorf("%s?%s: %s, want %d", tt.path, tt.query, body, tt.want)
		}
	}
}
