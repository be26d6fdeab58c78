package query

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// labelledScenario is the plant of scenario with words of an operator: labels, a cadence, and a device that never spoke.
func labelledScenario(t testing.TB) *store {
	s := scenario(t)
	s.register(t, "t1",
		`{"device":"mill-07","labels":{"site":"berlin","line":"a"},"type":"mill","cadence_ms":1000,"class":"event",`+
			`"first":0,"rule":{"restart_below":10}}`,
		`{"device":"scale","labels":{"site":"berlin"}}`,
		`{"device":"pump-1","labels":{"site":"bonn"},"type":"pump","cadence_ms":60000}`)
	s.register(t, "t2", `{"device":"mill-07","labels":{"site":"köln","owner":"t2"}}`)
	return s
}

// TestFleetAnswers holds what answers say of registered devices, labels, groups, cadences and exports against testdata/fleet.txt.
func TestFleetAnswers(t *testing.T) {
	srv := newServer(t, labelledScenario(t), Options{})
	var got strings.Builder
	for _, q := range []struct{ tenant, path, query string }{
		{"t1", "/v1/devices", "match=site%3Dberlin&match=type%3Dmill"},
		{"t1", "/v1/devices", "group=site&limit=1"},
		{"t1", "/v1/devices", "overdue=true"},
		{"t1", "/v1/devices/pump-1", ""},
		{"t1", "/v1/devices/pump-1/gaps", "from=2026-11-21T10:00:00Z&to=2026-11-21T10:05:00Z"},
		{"t1", "/v1/devices/pump-1/coverage", ""},
		{"t1", "/v1/devices/mill-07/gaps", "epoch=1&to=2026-11-21T10:00:10Z"},
		{"t1", "/v1/latest", "match=site%3Dberlin"},
		{"t1", "/v1/gaps", "match=site%3Dberlin&cause=never_arrived"},
		{"t1", "/v1/gaps", "group=site&cadence=registered&limit=1"},
		{"t1", "/v1/gaps", "match=colour%3Dred"},
		{"t1", "/v1/gaps", "group=colour"},
		{"t2", "/v1/gaps", "group=owner&limit=1"},
		{"t3", "/v1/gaps", "match=site%3Dberlin"},
	} {
		status, kind, body := srv.do(q.tenant, q.path, q.query, "")
		fmt.Fprintf(&got, "%s: GET %s?%s\n%d %s\n%s\n\n", q.tenant, q.path, q.query, status, kind, indented(t, body))
	}
	for _, q := range []string{
		"format=ndjson&progress=2&device=mill-07&device=scale&fields=rpm", "format=csv", "format=csv&match=site%3Dberlin&fields=rpm,none&raw=true",
	} {
		status, kind, body := srv.do("t1", "/v1/frames", q, "")
		fmt.Fprintf(&got, "t1: GET /v1/frames?%s\n%d %s\n%s\n", q, status, kind, body)
	}
	golden(t, "testdata/fleet.txt", got.String())
}

// labelled is an oracle: the labels of registered devices. Devices that a plant does not have are silent.
type labelled map[string]map[string]string

func drawLabels(t *rapid.T) labelled {
	l := labelled{}
	for _, device := range []string{"a", "aa", "ab", "b", "z"} {
		if rapid.IntRange(0, 4).Draw(t, "registered") == 0 {
			continue
		}
		l[device] = map[string]string{}
		for _, name := range []string{"site", "line"} {
			if v := rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, name); v != "" {
				l[device][name] = v
			}
		}
	}
	return l
}

func (l labelled) register(t tester, s *store) {
	for _, device := range slices.Sorted(maps.Keys(l)) {
		labels, err := json.Marshal(l[device])
		if err != nil {
			t.Fatal(err)
		}
		s.register(t, "t", fmt.Sprintf(`{"device":%q,"labels":%s}`, device, labels))
		s.register(t, "u", fmt.Sprintf(`{"device":%q,"labels":{"site":"x","line":"x","alien":"x"}}`, device+"u"))
	}
}

// inUse reports whether a device has the label.
func (l labelled) inUse(name string) bool {
	for _, labels := range l {
		if labels[name] != "" {
			return true
		}
	}
	return false
}

// drawMatch selects devices by label, and says what that means.
func drawMatch(t *rapid.T, l labelled) (pairs []string, takes func(device string) bool, known bool) {
	takes, known = func(string) bool { return true }, true
	matched := 0
	for range rapid.IntRange(0, 2).Draw(t, "matchers") {
		name, value := rapid.SampledFrom([]string{"site", "line"}).Draw(t, "name"), rapid.SampledFrom([]string{"x", "y", "w"}).Draw(t, "value")
		before := takes
		takes = func(device string) bool { return before(device) && l[device][name] == value }
		pairs = append(pairs, "match", name+"="+value)
		known = known && l.inUse(name)
		matched++
	}
	for device := range l { // a label that nobody has is refused only where nothing is found
		known = known || matched > 0 && takes(device)
	}
	return pairs, takes, known
}

// TestMatchedCursors holds that a cursor belongs to one selection of labels and one grouping.
func TestMatchedCursors(t *testing.T) {
	srv := newServer(t, labelledScenario(t), Options{})
	for _, path := range []string{"/v1/devices", "/v1/gaps", "/v1/latest"} {
		next := srv.ok(t, "t1", path, "match", "site=berlin", "limit", "1").Next
		if next == nil {
			t.Fatalf("%s has one page", path)
		}
		for _, pairs := range [][]string{{"match", "site=bonn"}, {}, {"match", "site=berlin", "match", "type=mill"}} {
			status, body := srv.get("t1", path, append(pairs, "limit", "1", "cursor", *next)...)
			if a := decode(t, body); status != 400 || a.Error.Code != "foreign_cursor" {
				t.Errorf("%s with %v: %d %s", path, pairs, status, body)
			}
		}
		if path != "/v1/latest" {
			status, body := srv.get("t1", path, "match", "site=berlin", "group", "type", "cursor", *next)
			if a := decode(t, body); status != 400 || a.Error.Code != "foreign_cursor" {
				t.Errorf("%s in groups: %d %s", path, status, body)
			}
		}
	}
}
