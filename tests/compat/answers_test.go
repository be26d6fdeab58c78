package compat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/tests/cluster"
)

// answersFile lies in an archive beside the nodes' directories.
const answersFile = "answers.json"

// answers are what a node said: path and query, and the JSON that came.
type answers map[string]any

// Questions about the whole cluster; questions about a device.
var (
	fleetQuestions  = []string{"/v1/devices?system=true", "/v1/latest?system=true", "/v1/gaps?system=true", "/v1/ledger?", "/v1/policy?"}
	deviceQuestions = []string{"/v1/frames?limit=10000&device=%s", "/v1/devices/%s/gaps?", "/v1/devices/%s/coverage?"}
)

// passing are the members of answers that need not stay: when and where it was asked, and where frames lie.
var passing = []string{"as_of", "stats", "B", "C", "D"}

// ask puts every question to a node.
func ask(t *testing.T, node string) answers {
	t.Helper()
	a := answers{}
	for _, q := range fleetQuestions {
		a[q] = question(t, node+q)
	}
	devices, _ := a[fleetQuestions[0]].(map[string]any)["devices"].([]any)
	for _, d := range devices {
		name := d.(map[string]any)["device"].(string)
		for _, q := range deviceQuestions {
			q = fmt.Sprintf(q, url.QueryEscape(name))
			a[q] = question(t, node+q)
		}
	}
	return a
}

// question asks until the cluster can answer for certain. Policy has no consistency; it changes only by command.
func question(t *testing.T, at string) (answer any) {
	t.Helper()
	if !bytes.HasSuffix([]byte(at), []byte("/v1/policy?")) {
		at += "&consistency=linearizable"
	}
	var last string
	cluster.Eventually(t, patience, func() bool {
		status, b, err := cluster.Send(http.DefaultClient, http.MethodGet, at, "", "")
		last = fmt.Sprintf("%d %s", status, b)
		if err != nil || status != http.StatusOK {
			last = fmt.Sprint(last, err)
			return false
		}
		answer, err = decode(b)
		last = fmt.Sprint(err)
		return err == nil
	}, func() string { return at + ": " + last })
	return answer
}

// decode reads JSON with every digit of its numbers.
func decode(b []byte) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if dec.More() {
		return nil, errors.New("something follows the answer")
	}
	return v, nil
}

// UnmarshalJSON keeps every digit, as decode does.
func (a *answers) UnmarshalJSON(b []byte) error {
	v, err := decode(b)
	if err != nil {
		return err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return errors.New("compat: answers are not an object")
	}
	*a = m
	return nil
}

// compare reports what a node answers otherwise than was answered before.
func compare(t *testing.T, node string, before, now answers) {
	t.Helper()
	for _, q := range slices.Sorted(maps.Keys(before)) {
		for _, d := range differences(q, before[q], now[q]) {
			t.Errorf("%s: %s", node, d)
		}
	}
	if len(now) != len(before) {
		t.Errorf("%s: %d questions could be asked, %d before", node, len(now), len(before))
	}
}

// compareFrames reports stored frames of before that are not there now, byte for byte. There may be more now.
func compareFrames(t *testing.T, before, now answers) {
	t.Helper()
	for q := range before {
		if !strings.HasPrefix(q, "/v1/frames?") {
			continue
		}
		stored := map[string]any{}
		for _, f := range framesOf(now[q]) {
			stored[frameKey(f)] = f
		}
		for _, f := range framesOf(before[q]) {
			for _, d := range differences(q+" "+frameKey(f), f, stored[frameKey(f)]) {
				t.Error(d)
			}
		}
	}
}

func framesOf(answer any) []any {
	frames, _ := answer.(map[string]any)["frames"].([]any)
	return frames
}

func frameKey(f any) string {
	m := f.(map[string]any)
	return fmt.Sprintf("%v epoch %v seq %v", m["stream"], m["epoch"], m["seq"])
}

// differences lists, up to three, where now lacks what before had, or has it otherwise. Members that before did not have are new features.
func differences(at string, before, now any) (list []string) {
	switch b := before.(type) {
	case map[string]any:
		n, ok := now.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: %v, before %v", at, now, before)}
		}
		for _, name := range slices.Sorted(maps.Keys(b)) {
			if !slices.Contains(passing, name) {
				list = append(list, differences(at+" "+name, b[name], n[name])...)
			}
		}
	case []any:
		n, ok := now.([]any)
		if !ok || len(n) != len(b) {
			return []string{fmt.Sprintf("%s: %d elements, before %d", at, len(n), len(b))}
		}
		for i := range b {
			list = append(list, differences(fmt.Sprintf("%s[%d]", at, i), b[i], n[i])...)
		}
	default:
		if before != now {
			return []string{fmt.Sprintf("%s: %v, before %v", at, now, before)}
		}
	}
	return list[:min(len(list), 3)]
}
