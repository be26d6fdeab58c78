package query

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// TestNewest reads a stream backwards through head, sealed heads and segments, late rows and an older epoch among them, and stops when it is told to.
func TestNewest(t *testing.T) {
	key := frame.StreamKey{Tenant: "t", Device: "d", Stream: "0"}
	for _, lockRows := range []int{1, 3, 1000} {
		s := newStore(ledger.Policy{})
		api := newAPI(t, s, Options{LockRows: lockRows})
		read := func(limit int) (seqs []uint64) {
			t.Helper()
			err := api.Newest(t.Context(), key, func(f *frame.Frame) bool {
				if f.Fields[0].Value.Num != f.Seq || f.TimeNS != int64(f.Seq)+1 || string(f.Raw) != fmt.Sprint(f.Seq) {
					t.Errorf("frame %d: %+v", f.Seq, f)
				}
				seqs = append(seqs, f.Seq)
				return len(seqs) < limit
			})
			if err != nil {
				t.Fatal(err)
			}
			return seqs
		}
		if got := read(9); got != nil {
			t.Errorf("an unknown stream has the frames %v", got)
		}
		put := func(epoch string, seqs ...uint64) {
			for _, seq := range seqs {
				s.put(t, sent{tenant: "t", device: "d", stream: "0", epoch: epoch, seq: seq, Frame: frame.Frame{
					TimeNS: int64(seq) + 1, Fields: []frame.Field{{Name: "n", Value: frame.Int(int64(seq))}}, Raw: fmt.Append(nil, seq)}})
			}
		}
		put("old", 1, 2, 3)
		put("new", 0, 1, 5, 7)
		s.seal()
		s.flush(t)
		put("new", 3, 8, 9)
		s.seal()
		s.flush(t)
		put("new", 2, 10, 13)
		s.seal()
		put("new", 4, 11, 12, 14, 15)
		want := []uint64{15, 14, 13, 12, 11, 10, 9, 8, 7, 5, 4, 3, 2, 1, 0}
		for limit := 1; limit <= len(want)+1; limit++ {
			if got := read(limit); !slices.Equal(got, want[:min(limit, len(want))]) {
				t.Errorf("lock_rows %d: the newest %d are %v", lockRows, limit, got)
			}
		}
		s.flush(t)
		s.seal()
		s.flush(t)
		if got := read(100); !slices.Equal(got, want) {
			t.Errorf("all in segments: %v", got)
		}
	}
}

// TestNewestIsLimited: it reads no more than any question may.
func TestNewestIsLimited(t *testing.T) {
	s := newStore(ledger.Policy{})
	for i := range uint64(20) {
		s.put(t, measured("d", i))
		s.seal()
		s.flush(t)
	}
	api := newAPI(t, s, Options{MaxReadBlocks: 5})
	read := 0
	err := api.Newest(t.Context(), frame.StreamKey{Tenant: "t", Device: "d", Stream: "0"}, func(*frame.Frame) bool { read++; return true })
	if read != 5 || err == nil || err.(*Error).Code != "limit_exceeded" {
		t.Errorf("%d frames: %v", read, err)
	}
}
