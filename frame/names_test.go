package frame

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestClientNames(t *testing.T) {
	tests := map[string]string{"mill-07": "", "a_b": "", "hall/2/überdruck": "", "_audit": "name_reserved", "_": "name_reserved", "": "name_empty",
		"a\x00b": "name_control", "\x7f": "name_control", strings.Repeat("é", 129): "name_too_long"}
	for name, want := range tests {
		if err := ValidateClientName("device", name); want == "" && err != nil || want != "" && code(err) != want {
			t.Errorf("%q: %v, want code %q", name, err, want)
		}
	}
	if err := ValidateName("device", "_audit"); err != nil {
		t.Errorf("the store's own names are valid: %v", err)
	}
}

func TestUnixNS(t *testing.T) {
	for _, at := range []time.Time{time.Unix(0, 0), time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2261, 12, 31, 23, 59, 59, 999999999, time.UTC)} {
		if ns, err := UnixNS(at); err != nil || !time.Unix(0, ns).Equal(at) {
			t.Errorf("%v: %d, %v", at, ns, err)
		}
	}
	for _, at := range []time.Time{{}, time.Date(1677, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2263, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if _, err := UnixNS(at); code(err) != "time_out_of_range" {
			t.Errorf("%v: %v", at, err)
		}
	}
}

func TestCauses(t *testing.T) {
	for c := range Cause(255) {
		got, ok := ParseCause(c.String())
		if ok != c.Valid() || ok && got != c {
			t.Errorf("cause %d is %q, which is read as %d", c, c, got)
		}
		if class := c.Rejected() || c.Shed(); class && !c.Exact() {
			t.Errorf("%s is a fact of a door and must be exact", c)
		}
	}
	for _, c := range []Cause{CauseNeverArrived, CauseLinkDown, CauseKernelDrop} {
		if c.Exact() {
			t.Errorf("%s is not known for each number", c)
		}
	}
}

func TestClassText(t *testing.T) {
	for _, c := range []Class{ClassEvent, ClassSnapshot} {
		if got, ok := ParseClass(c.String()); !ok || got != c {
			t.Errorf("%v", c)
		}
	}
	if _, ok := ParseClass("invalid"); ok {
		t.Error("invalid is a class")
	}
}

func TestPositionText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gen := rapid.Custom(func(t *rapid.T) Position {
			return Position{rapid.Uint64().Draw(t, "history"), rapid.Uint64().Draw(t, "index"), rapid.Uint32().Draw(t, "ordinal")}
		})
		p, q := gen.Draw(t, "p"), gen.Draw(t, "q")
		if got, err := ParsePosition(p.String()); err != nil || got != p {
			t.Fatalf("%v: %v, %v", p, got, err)
		}
		if p.Compare(q) != strings.Compare(p.String(), q.String()) || p.Compare(q) != -q.Compare(p) {
			t.Fatal("text and positions are ordered differently")
		}
	})
	for _, s := range []string{"", "0", strings.Repeat("z", 32), strings.Repeat("0", 33), strings.ToUpper(Position{1, 2, 1 << 31}.String())} {
		if p, err := ParsePosition(s); code(err) != "bad_position" && !(err == nil && p.String() == s) {
			t.Errorf("%q: %v, %v", s, p, err)
		}
	}
}
