package fleet

import (
	"strings"
	"testing"
)

// TestBadTruth: a truth file that is cut, foreign or contradicts itself is refused, with the place.
func TestBadTruth(t *testing.T) {
	const (
		head  = `{"t":"fleet","version":1,"seed":7}`
		life  = `{"t":"life","device":"demo/a","stream":"0","epoch":"1","bits":64,"first":1,"last":4,"head":"declared","tail":"seal"}`
		acked = `{"t":"acked","device":"demo/a","stream":"0","epoch":"1","seq":[1,2],"sum":["a","b"]}`
		lost  = `{"t":"lost","device":"demo/a","stream":"0","epoch":"1","from":3,"to":4}`
		end   = `{"t":"end","position":"p1"}`
	)
	for _, tc := range []struct{ name, want, text string }{
		{"good", "", head + "\n" + life + "\n" + lost + "\n" + acked + "\n" + end},
		{"empty", "no end", ""},
		{"cut", "no end", head + "\n" + life + "\n" + lost},
		{"broken line", "line 2", head + "\n{"},
		{"no head", "line 1", life},
		{"two heads", "line 2", head + "\n" + head},
		{"other version", "version 2", `{"t":"fleet","version":2}`},
		{"behind the end", "line 3", head + "\n" + end + "\n" + life},
		{"unknown life", "has no life", head + "\n" + acked},
		{"unknown record", "unknown record", head + "\n" + life + "\n" + `{"t":"rumour","device":"demo/a","stream":"0","epoch":"1"}`},
		{"life twice", "again", head + "\n" + life + "\n" + life},
		{"acked twice", "number 1", head + "\n" + life + "\n" + acked + "\n" + acked},
		{"sums missing", "1 sums", head + "\n" + life + "\n" + `{"t":"acked","device":"demo/a","stream":"0","epoch":"1","seq":[1,2],"sum":["a"]}`},
		{"bad sum", "invalid syntax", head + "\n" + life + "\n" + `{"t":"acked","device":"demo/a","stream":"0","epoch":"1","seq":[1],"sum":["z"]}`},
		{"unaccounted", "2 of 4", head + "\n" + life + "\n" + acked + "\n" + end},
		{"lost and acked", "calls 2 lost", head + "\n" + life + "\n" + acked + "\n" + strings.ReplaceAll(lost, `"from":3,"to":4`, `"from":2,"to":3`) + "\n" + end},
		{"outside", "calls 5 lost", head + "\n" + life + "\n" + acked + "\n" + strings.ReplaceAll(lost, `"from":3,"to":4`, `"from":4,"to":5`) + "\n" + end},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := readTruth(strings.NewReader(tc.text))
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
