package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// frameAnswer is one frame as a node answers it.
type frameAnswer struct {
	Device string                     `json:"device"`
	Stream string                     `json:"stream"`
	Epoch  uint32                     `json:"epoch"`
	Seq    uint64                     `json:"seq"`
	Time   string                     `json:"time"`
	Class  string                     `json:"class"`
	Fields map[string]json.RawMessage `json:"fields"`
	Raw    string                     `json:"raw,omitempty"`
	Flags  []string                   `json:"flags,omitempty"`
}

// frameRow gives the cells of a frame of a known device.
func frameRow(item json.RawMessage) ([]string, error) {
	var f frameAnswer
	if err := json.Unmarshal(item, &f); err != nil {
		return nil, err
	}
	return f.cells(), nil
}

// latestRow gives the cells of a frame with its device.
func latestRow(item json.RawMessage) ([]string, error) {
	var f frameAnswer
	if err := json.Unmarshal(item, &f); err != nil {
		return nil, err
	}
	return append([]string{f.Device}, f.cells()...), nil
}

func (f *frameAnswer) cells() []string {
	return []string{f.Stream, fmt.Sprint(f.Epoch), fmt.Sprint(f.Seq), f.Time, f.Class, f.content()}
}

// content prints the fields by name, the size of the payload, and flags in brackets. Numbers are printed as the node wrote them.
func (f *frameAnswer) content() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(f.Fields)) {
		parts = append(parts, name+"="+string(f.Fields[name]))
	}
	if f.Raw != "" {
		n := base64.StdEncoding.DecodedLen(len(f.Raw)) - (len(f.Raw) - len(strings.TrimRight(f.Raw, "=")))
		parts = append(parts, fmt.Sprintf("raw=%d bytes", n))
	}
	if len(f.Flags) > 0 {
		parts = append(parts, "["+strings.Join(f.Flags, " ")+"]")
	}
	return strings.Join(parts, " ")
}

// deviceRow gives the cells of a device: sums over its streams, its newest time and its worst verdict.
func deviceRow(item json.RawMessage) ([]string, error) {
	var d struct {
		Device  string
		Streams []struct {
			Epochs, Expected, Stored, Missing uint64
			LastTime                          string `json:"last_time"`
			Verdict                           string
		}
	}
	if err := json.Unmarshal(item, &d); err != nil {
		return nil, err
	}
	var epochs, expected, stored, missing uint64
	var last, verdict string
	for _, s := range d.Streams {
		epochs += s.Epochs
		expected += s.Expected
		stored += s.Stored
		missing += s.Missing
		last = max(last, s.LastTime)
		if verdictRank(s.Verdict) >= verdictRank(verdict) {
			verdict = s.Verdict
		}
	}
	return []string{
		d.Device, fmt.Sprint(len(d.Streams)), fmt.Sprint(epochs), fmt.Sprint(expected), fmt.Sprint(stored), fmt.Sprint(missing), last, verdict,
	}, nil
}

// verdictRank orders verdicts from the best; an unknown one is worse than all.
func verdictRank(v string) int {
	order := []string{"", "COMPLETE", "COMPLETE_BETWEEN_SEEN", "EXPLAINED", "INCOMPLETE", "INDETERMINATE"}
	if i := slices.Index(order, v); i >= 0 {
		return i
	}
	return len(order)
}
