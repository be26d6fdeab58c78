package query

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// groupCount is a group as the oracle counts it.
type groupCount struct {
	Group                    map[string]string
	Devices, Silent, Streams int
	Totals                   ledger.GapTotals
}

// answerGroup is a group of an answer.
type answerGroup struct {
	Group                    map[string]string
	Devices, Silent, Streams int
	ledger.GapTotals
	Verdict      string
	Completeness answerCompleteness
}

// TestGroupsAgainstCounting compares totals, groups and the listing of GET /v1/gaps with counting letters and labels, in pages.
func TestGroupsAgainstCounting(t *testing.T) {
	srv := newServer(t, newStore(ledger.Policy{}), Options{})
	rapid.Check(t, func(t *rapid.T) {
		p, l := drawPlant(t), drawLabels(t)
		s := p.build(t)
		l.register(t, s)
		srv.use(s, Options{})
		match, takes, known := drawMatch(t, l)
		f := gapFilter{device: func(d string) bool { return d[0] != '_' }, takes: func(plant, plantGap) bool { return true }}
		if f = drawFilter(t); len(match) > 0 && slices.Contains(f.pairs, "device") {
			match, takes, known = nil, func(string) bool { return true }, true
		}
		if selects := f.device; len(match) > 0 {
			f.device = func(d string) bool { return selects(d) && takes(d) }
		}
		pairs := append(f.pairs, match...)
		label := rapid.SampledFrom([]string{"", "site", "line"}).Draw(t, "group")
		if label != "" {
			pairs = append(pairs, "group", label)
			known = known && l.inUse(label)
		}
		if !known {
			status, body := srv.get("t", "/v1/gaps", pairs...)
			if a := decode(t, body); status != 404 || a.Error.Code != "unknown_label" {
				t.Fatalf("%v of %v: %d %s", pairs, l, status, body)
			}
			return
		}
		want, list := p.countGroups(l, f, label)
		compareGroups(t, srv, pairs, want, list, label, p)
	})
}

// countGroups is the groups that a filter leaves, "" for all without a label, and the gaps that it takes.
func (p plant) countGroups(l labelled, f gapFilter, label string) (list []groupCount, gaps []plantGap) {
	groups := map[string]*groupCount{}
	of := func(device string) *groupCount {
		value := ""
		if label != "" {
			value = l[device][label]
		}
		if groups[value] == nil {
			groups[value] = &groupCount{Group: map[string]string{label: value}}
		}
		return groups[value]
	}
	for device, letters := range p {
		if f.device(device) {
			g := of(device)
			g.Devices++
			g.Streams++
			count(&g.Totals, letters)
		}
	}
	for device := range l {
		if _, speaks := p[device]; !speaks && f.device(device) {
			g := of(device)
			g.Devices++
			g.Silent++
		}
	}
	for _, g := range p.gaps() {
		if f.device(g.device) && f.takes(p, g) {
			of(g.device).Totals.Gaps++
			gaps = append(gaps, g)
		}
	}
	for _, value := range slices.Sorted(maps.Keys(groups)) {
		list = append(list, *groups[value])
	}
	return list, gaps
}

// compareGroups reads all pages: each has the same sums, and together they have the gaps.
func compareGroups(t *rapid.T, srv *server, pairs []string, want []groupCount, list []plantGap, label string, p plant) {
	var all groupCount
	for i := range want {
		all.Silent += want[i].Silent
		all.Streams += want[i].Streams
		addTotals(&all.Totals, &want[i].Totals)
	}
	limit := strconv.Itoa(rapid.IntRange(1, 9).Draw(t, "limit"))
	var got []plantGap
	for args := append(slices.Clone(pairs), "limit", limit); ; {
		status, body := srv.get("t", "/v1/gaps", args...)
		var a struct {
			Totals          ledger.GapTotals
			Streams, Silent int
			Groups          []answerGroup
			Gaps            []ledger.GapRow
			Completeness    answerCompleteness
			Next            *string
		}
		if err := json.Unmarshal([]byte(body), &a); status != 200 || err != nil {
			t.Fatalf("%v: %d %s %v", args, status, body, err)
		}
		if d := cmp.Diff(all, groupCount{Silent: a.Silent, Streams: a.Streams, Totals: a.Totals}); d != "" {
			t.Fatalf("%v: %s", args, d)
		}
		if label != "" {
			var groups []groupCount
			for _, g := range a.Groups {
				groups = append(groups, groupCount{g.Group, g.Devices, g.Silent, g.Streams, g.GapTotals})
				checkVerdict(t, g.Verdict, g.Silent, g.Streams, &g.GapTotals)
				if g.Completeness.Verdict != g.Verdict || g.Completeness.Missing != g.Missing {
					t.Fatalf("%+v", g)
				}
			}
			if d := cmp.Diff(want, groups); d != "" {
				t.Fatalf("%v: %s", args, d)
			}
		}
		checkVerdict(t, a.Completeness.Verdict, a.Silent, a.Streams, &a.Totals)
		for _, g := range a.Gaps {
			got = append(got, p.read(t, g))
		}
		if a.Next == nil {
			break
		}
		args = append(slices.Clone(pairs), "limit", limit, "cursor", *a.Next)
	}
	if d := cmp.Diff(list, got, cmp.AllowUnexported(plantGap{})); d != "" {
		t.Fatalf("%v of %v: %s", pairs, p, d)
	}
}

// checkVerdict holds a verdict against the counts that it is of.
func checkVerdict(t *rapid.T, verdict string, silent, streams int, c *ledger.GapTotals) {
	want := "COMPLETE"
	switch {
	case silent > 0 || streams == 0:
		want = "INDETERMINATE"
	case c.Lost+c.Open > 0:
		want = "INCOMPLETE"
	case c.Missing > 0:
		want = "EXPLAINED"
	}
	if verdict != want {
		t.Fatalf("%s, want %s: %d silent, %d streams, %+v", verdict, want, silent, streams, c)
	}
}

// TestDevicesInGroups walks the pages of GET /v1/devices with labels: every device that matches comes once, silent ones too, and every page
// has the groups of all of them.
func TestDevicesInGroups(t *testing.T) {
	srv := newServer(t, newStore(ledger.Policy{}), Options{})
	rapid.Check(t, func(t *rapid.T) {
		p, l := drawPlant(t), drawLabels(t)
		s := p.build(t)
		l.register(t, s)
		srv.use(s, Options{})
		pairs, takes, known := drawMatch(t, l)
		if !known || !l.inUse("site") {
			return
		}
		f := gapFilter{device: func(d string) bool { return d[0] != '_' && takes(d) }, takes: func(plant, plantGap) bool { return false }}
		want, _ := p.countGroups(l, f, "site")
		pairs = append(pairs, "group", "site", "limit", strconv.Itoa(rapid.IntRange(1, 5).Draw(t, "limit")))
		var names, wantNames []string
		for _, device := range []string{"a", "aa", "ab", "b", "z"} {
			_, registered := l[device]
			if _, speaks := p[device]; (speaks || registered) && takes(device) {
				wantNames = append(wantNames, device)
			}
		}
		for args := pairs; ; {
			status, body := srv.get("t", "/v1/devices", args...)
			var a struct {
				Devices []struct {
					Device   string
					Silent   bool
					Streams  []struct{}
					Registry *struct{ Labels map[string]string }
				}
				Groups []answerGroup
				Next   *string
			}
			if err := json.Unmarshal([]byte(body), &a); status != 200 || err != nil {
				t.Fatalf("%v: %d %s %v", args, status, body, err)
			}
			for _, d := range a.Devices {
				names = append(names, d.Device)
				_, speaks := p[d.Device]
				labels, registered := l[d.Device]
				if d.Silent == speaks || len(d.Streams) > 0 != speaks || (d.Registry != nil) != registered ||
					registered && !maps.Equal(d.Registry.Labels, labels) {
					t.Fatalf("%+v with labels %v", d, labels)
				}
			}
			var groups []groupCount
			for _, g := range a.Groups {
				groups = append(groups, groupCount{g.Group, g.Devices, g.Silent, g.Streams, g.GapTotals})
			}
			if d := cmp.Diff(want, groups); d != "" {
				t.Fatalf("%v: %s", args, d)
			}
			if a.Next == nil {
				break
			}
			args = append(slices.Clone(pairs), "cursor", *a.Next)
		}
		if !slices.Equal(names, wantNames) {
			t.Fatalf("%v lists %q, want %q", pairs, names, wantNames)
		}
	})
}

// TestGroupLimit reaches the limit of groups.
func TestGroupLimit(t *testing.T) {
	s := newStore(ledger.Policy{})
	for n := range 3 {
		s.register(t, "t", fmt.Sprintf(`{"device":"d%d","labels":{"serial":"%d"}}`, n, n))
		s.put(t, sent{tenant: "t", device: fmt.Sprintf("d%d", n), stream: "0", Frame: frame.Frame{TimeNS: 1}})
	}
	srv := newServer(t, s, Options{MaxGroups: 2})
	for _, path := range []string{"/v1/devices", "/v1/gaps"} {
		status, body := srv.get("t", path, "group", "serial")
		if a := decode(t, body); status != 400 || a.Error.Code != "limit_exceeded" || !strings.Contains(a.Error.Message, "query.max_groups of 2") {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}
