package compact

import (
	"testing"

	"github.com/gaplessdb/gapless/segment"
)

func TestSpread(t *testing.T) {
	for _, tt := range []struct {
		name string
		list []segment.Info
		mean float64
		most int
	}{
		{"nothing", nil, 0, 0},
		{"one window", []segment.Info{sized(0, 2, 1, 2), sized(1, 2, 3, 9)}, 2, 2},
		{"one each", []segment.Info{sized(0, 2, 1, 2), sized(1, 2, 11, 12), sized(2, 2, 91, 92)}, 1, 1},
		{"a straddling one", []segment.Info{sized(0, 2, 1, 32), sized(1, 2, 11, 12)}, 1.25, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if mean, most := Spread((*segment.Manifest)(nil).With(tt.list...), small); mean != tt.mean || most != tt.most {
				t.Errorf("%v on average, %d at most; want %v and %d", mean, most, tt.mean, tt.most)
			}
		})
	}
}
