package ingest

import (
	"math"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

func TestNumbersAreExact(t *testing.T) {
	d := newDoor(t, doorOptions{})
	decimal := func(m int64, s uint8) frame.Value { v, _ := frame.DecimalFloat(m, s); return v }
	for _, test := range []struct {
		text string
		want frame.Value
	}{
		{"0", frame.Int(0)},
		{"9223372036854775807", frame.Int(math.MaxInt64)},
		{"-9223372036854775808", frame.Int(math.MinInt64)},
		{"9223372036854775808", frame.Uint(1 << 63)},
		{"18446744073709551615", frame.Uint(math.MaxUint64)},
		{"-0", frame.Float(math.Copysign(0, -1))},
		{"-0.0", frame.Float(math.Copysign(0, -1))},
		{"-0e5", frame.Float(math.Copysign(0, -1))},
		{"0.0", decimal(0, 0)},
		{"1.10", decimal(110, 2)},
		{"-1.10", decimal(-110, 2)},
		{"5.0", decimal(50, 1)},
		{"1e5", decimal(100000, 0)},
		{"1E-05", decimal(1, 5)},
		{"1.5e+3", decimal(1500, 0)},
		{"9007199254740991.0", frame.Float(9007199254740991)}, // 17 digits
		{"900719925474099.1", decimal(9007199254740991, 1)},
		{"0.30000000000000004", frame.Float(0.30000000000000004)},
		{"1e22", frame.Float(1e22)},
		{"1e308", frame.Float(1e308)},
		{"1.7976931348623157e308", frame.Float(math.MaxFloat64)},
		{"5e-324", frame.Float(5e-324)},
		{"1e-400", frame.Float(0)}, // the nearest there is
	} {
		got := d.json(`{"device":"n","fields":{"x":` + test.text + `}}`)
		if got.status != 200 {
			t.Errorf("%s: %d %s", test.text, got.status, got.body)
			continue
		}
		v := d.proposer.last().frames[0].frame.Fields[0].Value
		if !v.Equal(test.want) || v.Decimal != test.want.Decimal || v.Mantissa != test.want.Mantissa || v.Scale != test.want.Scale {
			t.Errorf("%s came out as %+v, want %+v", test.text, v, test.want)
		}
	}
	for _, bad := range []string{"18446744073709551616", "-9223372036854775809", "1e400", "-1e309", "1e99999999999999999999"} {
		if got := d.json(`{"device":"n","fields":{"x":` + bad + `}}`); got.status != 422 || got.answer.Rejected[0].Code != "number_out_of_range" {
			t.Errorf("%s: %d %s", bad, got.status, got.body)
		}
	}
}

func TestTimes(t *testing.T) {
	d := newDoor(t, doorOptions{})
	for _, test := range []struct {
		members string
		want    int64
		code    string
	}{
		{`"time_ns":1700000000000000001`, 1700000000000000001, ""},
		{`"time_ns":-1`, -1, ""},
		{`"time_us":1700000000000001`, 1700000000000001000, ""},
		{`"time_ms":1700000000001`, 1700000000001000000, ""},
		{`"time":"1969-12-31T23:59:59.5Z"`, -500000000, ""},
		{`"time_ms":9223372036855`, 0, "time_out_of_range"},
		{`"time_ns":9223372036854775808`, 0, "time_out_of_range"},
		{`"time":"0001-01-01T00:00:00Z"`, 0, "time_out_of_range"},
		{`"time":"2300-01-01T00:00:00Z"`, 0, "time_out_of_range"},
		{`"time_ns":1.5`, 0, "bad_time"},
		{`"time_ns":"5"`, 0, "bad_time"},
		{`"time":5`, 0, "bad_time"},
		{`"time":"yesterday"`, 0, "bad_time"},
		{`"time":"2026-11-21T10:00:00"`, 0, "bad_time"},
		{`"time":null`, 0, "bad_time"},
		{`"time_ns":1,"time_ms":1`, 0, "bad_time"},
	} {
		got := d.json(`{"device":"t",` + test.members + `}`)
		switch {
		case test.code != "":
			if got.status != 422 || got.answer.Rejected[0].Code != test.code {
				t.Errorf("%s: %d %s", test.members, got.status, got.body)
			}
		case got.status != 200:
			t.Errorf("%s: %d %s", test.members, got.status, got.body)
		default:
			if f := d.proposer.last().frames[0].frame; f.TimeNS != test.want || f.NoTime {
				t.Errorf("%s: %d, no time %v", test.members, f.TimeNS, f.NoTime)
			}
		}
	}
}
