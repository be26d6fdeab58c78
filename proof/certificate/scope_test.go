package certificate

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/leaves"
)

func TestScopeCheck(t *testing.T) {
	p, bad, long := "a", "a\x00", strings.Repeat("a", 257)
	for what, s := range map[string]Scope{
		"no tenant":             {Devices: []string{"d"}},
		"no devices":            {Tenant: "t"},
		"devices and prefix":    {Tenant: "t", Devices: []string{"d"}, Prefix: &p},
		"not sorted":            {Tenant: "t", Devices: []string{"e", "d"}},
		"twice":                 {Tenant: "t", Devices: []string{"d", "d"}},
		"no name":               {Tenant: "t", Devices: []string{""}},
		"a bad name":            {Tenant: "t", Devices: []string{bad}},
		"a bad prefix":          {Tenant: "t", Prefix: &bad},
		"a long prefix":         {Tenant: "t", Prefix: &long},
		"labels and prefix":     {Tenant: "t", Prefix: &p, Match: []string{"a=b"}},
		"a bad stream":          {Tenant: "t", Prefix: &p, Stream: &bad},
		"epoch 0":               {Tenant: "t", Prefix: &p, Epochs: []uint32{0}},
		"epochs not sorted":     {Tenant: "t", Prefix: &p, Epochs: []uint32{2, 1}},
		"one number":            {Tenant: "t", Prefix: &p, Seq: []uint64{1}},
		"numbers the other way": {Tenant: "t", Prefix: &p, Seq: []uint64{2, 1}},
		"numbers and time":      {Tenant: "t", Prefix: &p, Seq: []uint64{1, 2}, Time: []string{"2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"}},
		"one time":              {Tenant: "t", Prefix: &p, Time: []string{"2026-01-01T00:00:00Z"}},
		"no time":               {Tenant: "t", Prefix: &p, Time: []string{"yesterday", "2026-01-02T00:00:00Z"}},
		"time the other way":    {Tenant: "t", Prefix: &p, Time: []string{"2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"}},
		"counts of a time":      {Tenant: "t", Prefix: &p, Time: []string{"2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"}, CountsOnly: true},
		"a time out of range":   {Tenant: "t", Prefix: &p, Time: []string{"0001-01-01T00:00:00Z", "2026-01-01T00:00:00Z"}},
	} {
		if err := s.check(); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if err := (&Scope{Tenant: "t", Devices: []string{"d", "e"}, Match: []string{"a=b"}, Stream: &p, Epochs: []uint32{1, 3}, Seq: []uint64{0, 0}}).check(); err != nil {
		t.Error(err)
	}
}

// TestTiming cuts epochs by time where numbers are missing, times are, and times jump.
func TestTiming(t *testing.T) {
	for what, tt := range map[string]struct {
		base, next uint64
		moments    []Moment
		from, to   int64
		want       []uint64
	}{
		"no frame at all":          {5, 9, nil, 0, 10, []uint64{5, 8}},
		"nothing expected":         {5, 5, nil, 0, 10, nil},
		"in the middle":            {1, 5, []Moment{{1, 10}, {2, 20}, {3, 30}, {4, 40}}, 20, 40, []uint64{2, 3}},
		"before all":               {1, 5, []Moment{{1, 10}, {2, 20}, {3, 30}, {4, 40}}, 0, 10, nil},
		"behind all":               {1, 5, []Moment{{1, 10}, {2, 20}, {3, 30}, {4, 40}}, 41, 50, nil},
		"behind all, a tail open":  {1, 9, []Moment{{1, 10}, {2, 20}}, 41, 50, []uint64{3, 8}},
		"before all, a head open":  {1, 9, []Moment{{5, 50}, {8, 80}}, 10, 20, []uint64{1, 4}},
		"inside of an outage":      {1, 9, []Moment{{1, 10}, {8, 80}}, 30, 40, []uint64{2, 7}},
		"an outage at both edges":  {1, 9, []Moment{{1, 10}, {5, 50}, {8, 80}}, 40, 60, []uint64{2, 7}},
		"a frame without a time":   {1, 4, []Moment{{1, 10}, {3, 30}}, 15, 16, []uint64{2, 2}},
		"a clock that jumped back": {1, 5, []Moment{{1, 10}, {2, 90}, {3, 15}, {4, 40}}, 10, 20, []uint64{1, 3}},
		"the end is excluded":      {1, 3, []Moment{{1, 10}, {2, 20}}, 10, 20, []uint64{1, 1}},
	} {
		timing := Timing{From: tt.from, To: tt.to, Base: tt.base, Next: tt.next}
		for _, m := range tt.moments {
			if err := timing.Add(m); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		got := timing.Range()
		if len(got) != len(tt.want) || len(got) == 2 && (got[0] != tt.want[0] || got[1] != tt.want[1]) {
			t.Errorf("%s: %v, want %v", what, got, tt.want)
		}
	}
}

// TestTimingOrder: a number that is not behind the one before would cut another range out of the epoch, and is refused.
func TestTimingOrder(t *testing.T) {
	key := leaves.Key{StreamKey: frame.StreamKey{Tenant: "t", Device: "d", Stream: "0"}, Epoch: 3}
	for _, next := range []uint64{0, 1, 4, 5} {
		timing := Timing{Key: key, From: 10, To: 50, Base: 1, Next: 9}
		for _, m := range []Moment{{2, 20}, {5, 50}} {
			if err := timing.Add(m); err != nil {
				t.Fatal(err)
			}
		}
		before := timing
		if err := timing.Add(Moment{next, 20}); !errors.Is(err, ErrOrder) || !strings.Contains(err.Error(), fmt.Sprintf("number %d of %s comes after 5", next, key)) {
			t.Errorf("number %d behind 5: %v", next, err)
		}
		if timing != before {
			t.Errorf("number %d was taken: %+v", next, timing)
		}
	}
	zero := Timing{From: 10, To: 50, Next: 9}
	if err := errors.Join(zero.Add(Moment{0, 20}), zero.Add(Moment{1, 20})); err != nil {
		t.Error(err)
	}
	if err := zero.Add(Moment{1, 30}); !errors.Is(err, ErrOrder) {
		t.Error(err)
	}
}
