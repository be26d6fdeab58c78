package compact

import (
	"cmp"
	"slices"

	"github.com/gaplessdb/gapless/segment"
)

// Spread tells how many segments a query of one window has to look at, on average and at most: what merging keeps low. A segment that straddles counts
// in every window between its first and its last time.
func Spread(m *segment.Manifest, p Policy) (mean float64, most int) {
	p = p.WithDefaults()
	type edge struct {
		window int64
		change int
	}
	var edges []edge
	for _, s := range m.Segments() {
		first, last := windowsOf(&s, p.WindowNS)
		edges = append(edges, edge{first, +1}, edge{last + 1, -1})
	}
	slices.SortFunc(edges, func(a, b edge) int { return cmp.Or(cmp.Compare(a.window, b.window), cmp.Compare(a.change, b.change)) })
	windows, looked, here := 0.0, 0.0, 0
	for i, e := range edges {
		if i > 0 && here > 0 {
			wide := float64(e.window - edges[i-1].window)
			windows += wide
			looked += wide * float64(here)
		}
		here += e.change
		most = max(most, here)
	}
	if windows == 0 {
		return 0, 0
	}
	return looked / windows, most
}
