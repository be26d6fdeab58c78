package floor

import (
	"bytes"
	"errors"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

func TestHold(t *testing.T) {
	m := vfs.NewMem()
	s := mustOpen(t, m, Options{})
	mustPublish(t, s, 100, 200)
	calls := 0
	must(t, s.Hold("ledger", func(contents [][]byte) error {
		calls++
		if len(contents) != 2 || !bytes.Equal(contents[0], sample(200*7, 1500)) || !bytes.Equal(contents[1], sample(100*7, 1500)) {
			t.Errorf("%d parts, not those of floors 200 and 100", len(contents))
		}
		if s.naming.TryLock() {
			t.Error("a floor can be placed meanwhile")
		}
		return nil
	}))
	mine := errors.New("mine")
	if err := s.Hold("manifest", func([][]byte) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("%v", err)
	}
	if err := s.Hold("nothing", func([][]byte) error { calls++; return nil }); err == nil || errors.Is(err, ErrCorrupt) {
		t.Errorf("a part that no floor has: %v", err)
	}
	must(t, s.Hold("empty", func(contents [][]byte) error {
		if len(contents) != 2 || len(contents[0]) != 0 {
			t.Errorf("%v", contents)
		}
		return nil
	}))
	if calls != 1 {
		t.Errorf("called %d times", calls)
	}
}

// What a damaged floor lists is not known, so nothing may be removed; the floor is put aside.
func TestHoldMeetsDamage(t *testing.T) {
	m := vfs.NewMem()
	s := mustOpen(t, m, Options{})
	mustPublish(t, s, 100, 200)
	flip(t, m, local100, 500) // in its manifest
	called := func([][]byte) error { t.Error("called although a floor cannot be read"); return nil }
	if err := s.Hold("manifest", called); !errors.Is(err, ErrCorrupt) {
		t.Errorf("%v", err)
	}
	wantFloors(t, s, want{index: 200})
	wantDir(t, m, local200, local100+damagedSuffix)
	if got := s.Damaged(); got != 100 {
		t.Errorf("the highest damaged floor is %d", got)
	}
	mustPublish(t, s, 300, 400)
	if got := s.Damaged(); got != 0 {
		t.Errorf("damaged floor %d is still counted after two newer ones", got)
	}
}
