package segment

import (
	"errors"
	"testing"
)

// TestOpenAllGivesBack: what was opened is given back, also where one cannot be.
func TestOpenAllGivesBack(t *testing.T) {
	list := make([]Info, 4)
	for i := range list {
		list[i].Name[0] = byte(i)
	}
	gone := errors.New("gone")
	for fails := range 5 { // 4: none does
		opened, given := 0, 0
		readers, release, err := OpenAll(list, func(name Name) (*Reader, func(), error) {
			if int(name[0]) == fails {
				return nil, nil, gone
			}
			opened++
			return &Reader{}, func() { given++ }, nil
		})
		if (fails < 4) != errors.Is(err, gone) || opened != fails || given != 0 || err == nil && len(readers) != 4 {
			t.Errorf("segment %d cannot be opened: %d readers, %d opened, %d given back, %v", fails, len(readers), opened, given, err)
		}
		if release(); given != opened {
			t.Errorf("segment %d cannot be opened: %d opened, %d given back", fails, opened, given)
		}
	}
}
