package certificate

import (
	"fmt"
	"strings"
	"testing"
)

// TestAbout: the scope in one line says everything that is in it, in bounded length, and no two names look like one.
func TestAbout(t *testing.T) {
	text := func(s string) *string { return &s }
	many := Scope{Tenant: "default", Match: make([]string, 50)}
	for i := range 1000 {
		many.Devices = append(many.Devices, fmt.Sprintf("mill-%04d%s", i, strings.Repeat("x", 240)))
		many.Epochs = append(many.Epochs, uint32(i+1))
	}
	for _, tt := range []struct {
		scope Scope
		want  string
	}{
		{Scope{Tenant: "default", Devices: []string{"mill-07"}}, "tenant default; devices mill-07"},
		{Scope{Tenant: "a b", Devices: []string{"mill-07", "mill-08, mill-09"}}, `tenant "a b"; devices mill-07, "mill-08, mill-09"`},
		{Scope{Tenant: "default", Devices: []string{"d (exit code 0)\u202e"}}, `tenant default; devices "d (exit code 0)\u202e"`},
		{Scope{Tenant: "default", Devices: []string{"a", "b", "c"}, Match: []string{"hall=3"}}, "tenant default; devices a, b, c; chosen by hall=3"},
		{Scope{Tenant: "default", Devices: []string{"a", "b", "c", "d", "e"}}, "tenant default; devices a, b, c, and 2 more"},
		{Scope{Tenant: "default", Prefix: text("")}, "tenant default; devices all of the tenant"},
		{Scope{Tenant: "default", Prefix: text("mill 0"), Stream: text("spindle")}, `tenant default; devices all whose name begins with "mill 0"; stream spindle`},
		{Scope{Tenant: "default", Devices: []string{"d"}, Epochs: []uint32{1, 2}, Seq: []uint64{22, 98}}, "tenant default; devices d; epochs 1 2; numbers 22 to 98"},
		{Scope{Tenant: "default", Devices: []string{"d"}, Time: []string{"2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"}},
			"tenant default; devices d; device time 2026-11-01T00:00:00Z up to 2026-12-01T00:00:00Z"},
	} {
		if got := tt.scope.About(); got != tt.want {
			t.Errorf("got\n%s\nwant\n%s", got, tt.want)
		}
	}
	got := many.About()
	if len(got) > 3000 || !strings.Contains(got, ", and 997 more; chosen by ") || !strings.HasSuffix(got, "; epochs 1 2 3 4 5 6 7 8 and 992 more") {
		t.Errorf("%d bytes: %s", len(got), got)
	}
	if len(many.Epochs) != 1000 || len(many.Devices) != 1000 || many.Devices[0][:9] != "mill-0000" {
		t.Error("the scope was changed")
	}
}
