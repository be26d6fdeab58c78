package query

import (
	"context"
	"slices"
	"strconv"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/tests/recordings"
)

// TestSeriesOfRadio finds in the counters of real radio, under the rule for restarts that is stated there, what was counted by other means.
func TestSeriesOfRadio(t *testing.T) {
	s, values := radio(t)
	api := newAPI(t, s, Options{})
	for _, q := range []SeriesQuery{
		{Tenant: "t", Aggregates: []string{"count", "min", "max"}},
		{Tenant: "t", Aggregates: []string{"count", "p50"}, From: "2000-01-01T00:00:00Z", Step: "P100Y"},
	} {
		got, err := api.Query(context.Background(), q)
		if err != nil || len(got.Series) != 2 {
			t.Fatal(got, err)
		}
		for i, want := range []struct {
			device          string
			stored, missing uint64
		}{{"d1d1e80000000032", 19_519, 17_314}, {"d1d1e80000000033", 13_768, 86}} {
			one := got.Series[i]
			if one.Device != want.device || len(one.Buckets) != 1 || one.Buckets[0].Stored != want.stored || one.Buckets[0].Missing() != want.missing {
				t.Errorf("%s: %+v, want %+v", one.Device, one.Buckets, want)
			}
			n, _ := one.Fields[0].Columns[0].Values[0].Int64()
			if distinct := len(values[want.device]); int(n) != distinct && int(n) != distinct-1 { // one frame came twice
				t.Errorf("%s: %d values of %d", one.Device, n, distinct)
			}
			if q.Step == "" {
				low, high := one.Fields[0].Columns[1].Values[0].Float64(), one.Fields[0].Columns[2].Values[0].Float64()
				if low != slices.Min(values[want.device]) || high != slices.Max(values[want.device]) {
					t.Errorf("%s: %v to %v", one.Device, low, high)
				}
			}
		}
		if got.Completeness.Missing() != 17_314+86 {
			t.Errorf("%+v", got.Completeness)
		}
	}
}

// radio stores the uplinks of two devices, and lists the signal strengths of each.
func radio(t *testing.T) (*store, map[string][]float64) {
	t.Helper()
	_, lines := recordings.Read(t, "lorawan_saint_eynard.csv.gz")
	s := recordingStore(ledger.Policy{RestartBelow: 10, RestartDrop: 500})
	values := map[string][]float64{}
	s.commitMS = 0
	for n, line := range lines {
		seq, err := strconv.ParseUint(line[1], 10, 64)
		if err != nil {
			continue // no uplink
		}
		at, err := strconv.ParseInt(line[2], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		s.commitMS = max(s.commitMS, at) // the network's time: the device sends none
		fr := sent{tenant: "t", device: line[0], stream: "0", seq: seq, group: frame.Group{Bits: 32}}
		if x, err := strconv.ParseFloat(line[7], 64); err == nil {
			fr.Fields = []frame.Field{{Name: "rssi", Value: frame.Float(x)}}
			values[line[0]] = append(values[line[0]], x)
		}
		if s.put(t, fr); n%5000 == 4999 {
			s.seal()
			s.flush(t)
		}
	}
	s.settle()
	return s, values
}
