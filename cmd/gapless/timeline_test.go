package main

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func symbols(cells []mark) string {
	var b strings.Builder
	for _, m := range cells {
		b.WriteString(marks[m].symbol)
	}
	return b.String()
}

func TestLane(t *testing.T) {
	lost := func(from, to uint64) gap { return gap{From: from, To: to, State: "FINAL", Cause: "never_arrived"} }
	tests := []struct {
		name        string
		first, last uint64
		gaps        []gap
		width       int
		want        string
	}{
		{"all there", 0, 99, nil, 5, "█████"},
		{"fewer numbers than cells", 7, 9, []gap{lost(8, 8)}, 60, "█x█"},
		{"one number", 7, 7, []gap{lost(7, 7)}, 60, "x"},
		{"one of many", 0, 999_999, []gap{lost(500_000, 500_000)}, 4, "██x█"},
		{"first and last", 0, 99, []gap{lost(0, 0), lost(99, 99)}, 4, "x██x"},
		{"worst wins", 0, 99, []gap{{From: 10, To: 10, State: "OPEN"}, lost(11, 11), {From: 12, To: 12, State: "FINAL", Cause: "declared_lost"}}, 2, "x█"},
		{"closed is stored", 0, 9, []gap{{From: 3, To: 3, State: "CLOSED", Cause: "never_arrived"}}, 10, "██████████"},
		{"every number there is", 0, math.MaxUint64, []gap{lost(1<<63, 1<<63)}, 4, "██x█"},
		{"the end of numbers", math.MaxUint64 - 1, math.MaxUint64, []gap{lost(math.MaxUint64, math.MaxUint64)}, 4, "█x"},
		{"a gap from elsewhere", 10, 19, []gap{lost(0, 9), lost(20, 29)}, 5, "█████"},
		{"a gap across the end", 10, 19, []gap{lost(18, 29)}, 5, "████x"},
		{"inferred causes are losses", 0, 1, []gap{{From: 0, To: 0, State: "FINAL", Cause: "link_down"}, {From: 1, To: 1, State: "FINAL", Cause: "kernel_drop"}}, 2, "xx"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := symbols(lane(tt.first, tt.last, tt.gaps, tt.width)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// However large the range and however narrow the lane, a gap shows at its place, and a lane without gaps shows none.
func TestLaneNeverHidesAGap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.Uint64().Draw(t, "first")
		last := rapid.Uint64Range(first, math.MaxUint64).Draw(t, "last")
		from := rapid.Uint64Range(first, last).Draw(t, "from")
		to := rapid.Uint64Range(from, last).Draw(t, "to")
		width := rapid.IntRange(1, 200).Draw(t, "width")
		cells := lane(first, last, []gap{{From: from, To: to, State: "FINAL"}}, width)
		shown := strings.Count(symbols(cells), "x")
		if shown == 0 {
			t.Fatalf("lane of %d..%d in %d cells hides %d..%d", first, last, width, from, to)
		}
		if from == first && cells[0] != markLost || to == last && cells[len(cells)-1] != markLost {
			t.Fatalf("gap %d..%d of %d..%d is not at its end of %s", from, to, first, last, symbols(cells))
		}
		if share := float64(to-from+1) / (float64(last-first) + 1); float64(shown) > share*float64(len(cells))+2 {
			t.Fatalf("gap %d..%d of %d..%d takes %d of %d cells", from, to, first, last, shown, len(cells))
		}
	})
}

func TestPercentRoundsDown(t *testing.T) {
	tests := []struct {
		stored, expected uint64
		want             string
	}{
		{0, 0, "-"}, {0, 5, "0.00%"}, {5, 5, "100.00%"}, {999_999, 1_000_000, "99.99%"}, {1, 3, "33.33%"},
		{math.MaxUint64 - 1, math.MaxUint64, "99.99%"}, {math.MaxUint64, math.MaxUint64, "100.00%"}, {6, 5, "-"},
	}
	for _, tt := range tests {
		if got := percent(tt.stored, tt.expected); got != tt.want {
			t.Errorf("percent(%d, %d) = %s, want %s", tt.stored, tt.expected, got, tt.want)
		}
	}
}
