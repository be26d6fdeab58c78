package node

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Point is what a writer was told to write, and how the store must have it.
type Point struct {
	Device, Stream string
	Numbered       bool // Seq is the device's; otherwise the server's, from 1
	Seq            uint64
	Epoch          string
	Time           time.Time
	Fields         map[string]any // float64, int64, uint64, bool and string; tags that stay are strings
}

// Check reads the devices of the points back and compares all that is stored with them, value by value. Points of one device and stream
// stand in the order of their numbers.
func (n *Node) Check(t testing.TB, points []Point) {
	t.Helper()
	wanted := map[string][]Point{}
	for _, p := range points {
		wanted[p.Device] = append(wanted[p.Device], p)
	}
	for device, want := range wanted {
		slices.SortStableFunc(want, func(a, b Point) int { return strings.Compare(a.Stream, b.Stream) })
		got := n.Frames(device)
		if len(got) != len(want) {
			t.Errorf("device %s has %d frames of %d points", device, len(got), len(want))
			continue
		}
		for i := range want {
			if fault := compare(&got[i], &want[i]); fault != "" {
				t.Errorf("device %s, point %d: %s\nstored %+v\nsent   %+v", device, i, fault, got[i], want[i])
			}
		}
	}
}

// compare says how a frame differs from its point, "" when it does not.
func compare(f *Frame, p *Point) string {
	switch {
	case f.Stream != p.Stream:
		return "stream"
	case p.Numbered == slices.Contains(f.Flags, "server_seq"):
		return "who numbered it"
	case p.Numbered && f.Seq != p.Seq:
		return "number"
	case f.EpochValue != p.Epoch:
		return "epoch"
	case !f.Time.Equal(p.Time):
		return "time"
	case len(f.Fields) != len(p.Fields):
		return "number of fields"
	}
	for name, want := range p.Fields {
		got, there := f.Fields[name]
		if !there || !equal(got, want) {
			return fmt.Sprintf("field %q is %v (%T), want %v (%T)", name, got, got, want, want)
		}
	}
	return ""
}

// equal compares a value of an answer, which has floats with a point or an exponent and integers without.
func equal(got, want any) bool {
	number, _ := got.(json.Number)
	text := number.String()
	switch want := want.(type) {
	case float64:
		f, err := strconv.ParseFloat(text, 64)
		return err == nil && strings.ContainsAny(text, ".e") && math.Float64bits(f) == math.Float64bits(want)
	case int64:
		return text == strconv.FormatInt(want, 10)
	case uint64:
		return text == strconv.FormatUint(want, 10)
	default:
		return got == want
	}
}
