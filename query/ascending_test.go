package query

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// TestAscendingOpensNoOlderSegments: each of four segments has ten numbers, and the newest head five. Which ones are opened is seen by those that
// cannot be.
func TestAscendingOpensNoOlderSegments(t *testing.T) {
	s := newStore(ledger.Policy{})
	put := func(first, last uint64) {
		for seq := first; seq <= last; seq++ {
			s.put(t, sent{tenant: "t", device: "log", stream: "0", seq: seq})
		}
	}
	for first := uint64(1); first <= 31; first += 10 {
		put(first, first+9)
		s.seal()
		s.flush(t)
	}
	put(41, 45)
	api, err := New(s, s, Options{})
	if err != nil {
		t.Fatal(err)
	}
	list := s.view.Manifest.Segments()
	for _, tt := range []struct {
		first  uint64
		limit  int
		got    int
		opened []int // of the segments, the oldest is 0
	}{
		{41, 5, 5, nil}, {41, 6, 5, []int{3}}, {40, 6, 6, []int{3}}, {35, 100, 11, []int{3}}, {31, 1, 1, []int{3}},
		{30, 2, 2, []int{3, 2}}, {25, 1, 1, []int{3, 2}}, {1, 45, 45, []int{3, 2, 1, 0}}, {46, 1, 0, []int{3}},
	} {
		ask := func() (seqs []uint64, err error) {
			key := frame.StreamKey{Tenant: "t", Device: "log", Stream: "0"}
			err = api.Ascending(context.Background(), key, tt.first, tt.limit, func(f *frame.Frame) error {
				seqs = append(seqs, f.Seq)
				return nil
			})
			return seqs, err
		}
		got, err := ask()
		if err != nil || len(got) != tt.got || len(got) > 0 && (got[0] != tt.first || got[len(got)-1] != tt.first+uint64(tt.got)-1) {
			t.Errorf("%d from %d on: %v %v", tt.limit, tt.first, got, err)
		}
		for i := range list {
			s.broken[list[i].Name] = errors.New("opened")
			_, err := ask()
			delete(s.broken, list[i].Name)
			if wanted := slices.Contains(tt.opened, i); (err != nil) != wanted {
				t.Errorf("%d from %d on: segment %d was opened: %v, want %v", tt.limit, tt.first, i, err != nil, wanted)
			}
		}
	}
}
