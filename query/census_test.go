package query

import (
	"errors"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/segment"
)

// TestCensusCountsOnce asks for the balances again when a segment that was counted cannot be opened any more, and after the manifest has lost
// it: what is counted is remembered, no longer than it is named.
func TestCensusCountsOnce(t *testing.T) {
	s := threeSegments(t)
	api := newAPI(t, s, Options{})
	ask := func() string {
		body, err := api.ask(question{"ledger", "", ""}, "t")
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	if body := ask(); !strings.Contains(body, `"D":{"stored":12,"head":2,"segments":10,"balance":0}`) {
		t.Error(body)
	}
	list := s.view.Manifest.Segments()
	for _, i := range list {
		s.broken[i.Name] = errors.New("gone")
	}
	ask()
	s.view.Manifest = new(segment.Manifest).With(list[:2]...)
	if body := ask(); !strings.Contains(body, `"segments":7,"balance":3}`) {
		t.Error(body)
	}
	if n := len(api.census.counted); n != 2 {
		t.Errorf("%d segments are remembered, the manifest names 2", n)
	}
	other, err := api.ask(question{"ledger", "", ""}, "nobody")
	if err != nil || !strings.Contains(other, `"D":{"stored":0,"head":0,"segments":0,"balance":0}`) {
		t.Error(other, err)
	}
}
