package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestGapsByTimeComeInPieces reads gaps of a time range, whose page ends where a piece of the ledger's listing ends: never beyond its limit,
// without a gap twice or missing, and an empty page goes on.
func TestGapsByTimeComeInPieces(t *testing.T) {
	p := plant{"a": strings.Repeat("S-", 300) + "S", "b": "S-S"}
	s := p.build(t)
	s.seal()
	s.flush(t)
	srv := newServer(t, s, Options{})
	for _, tt := range []struct {
		from, to, want int
		limit, most    int
		pages          int
	}{
		{0, 700, 301, 10_000, 100_000, 1},
		{0, 700, 301, 250, 100_000, 2}, // 200 and 101
		{0, 700, 301, 250, 100, 4},     // 100, 100, 100, 1
		{100, 102, 3, 250, 100, 4},     // of the 100, 100, 100 and 1 looked at
		{100, 102, 3, 1, 100_000, 3},   // pieces of one
		{100, 102, 3, 10_000, 100_000, 1},
		{5000, 5001, 0, 10_000, 100_000, 1},
	} {
		srv.api.maxListed = tt.most
		args := []string{"from", secondText(int64(tt.from)), "to", secondText(int64(tt.to)), "limit", strconv.Itoa(tt.limit)}
		got, pages := map[string]bool{}, 0
		for next := args; ; pages++ {
			a := srv.ok(t, "t", "/v1/gaps", next...)
			for _, g := range a.Gaps {
				if key := fmt.Sprint(g.Device, g.From); got[key] {
					t.Fatalf("%+v: %s came twice", tt, key)
				} else {
					got[key] = true
				}
			}
			if len(a.Gaps) > tt.limit || a.Totals.Gaps != uint64(tt.want) {
				t.Fatalf("%+v: a page of %d gaps of %d", tt, len(a.Gaps), a.Totals.Gaps)
			}
			if a.Next == nil {
				break
			}
			next = append(slices.Clone(args), "cursor", *a.Next)
		}
		if len(got) != tt.want || pages+1 != tt.pages {
			t.Errorf("%+v: %d gaps on %d pages", tt, len(got), pages+1)
		}
	}
}
