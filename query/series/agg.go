package series

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Agg is an aggregate: what is to be known of the values of a bucket.
type Agg struct {
	Name string // as it was asked for, such as "avg" or "p99.9"

	op  op
	num uint64 // of a percentile: num/den, den a power of ten times 100
	den uint64
}

type op uint8

const (
	opCount op = iota + 1
	opNaN
	opMin
	opMax
	opSum
	opAvg
	opFirst
	opLast
	opStddev
	opRate
	opDelta
	opPercentile
)

var opNames = map[string]op{
	"count": opCount, "nan": opNaN, "min": opMin, "max": opMax, "sum": opSum, "avg": opAvg,
	"first": opFirst, "last": opLast, "stddev": opStddev, "rate": opRate, "delta": opDelta,
}

// CountNaN is how many values are not a number.
var CountNaN = Agg{Name: "nan", op: opNaN}

// AggNames says what ParseAggs accepts.
const AggNames = "count, nan, min, max, sum, avg, first, last, stddev, rate, delta, p0 to p100 with up to 6 decimals (p50, p99.9)"

// percentileDecimals is how many decimals a percentile may have.
const percentileDecimals = 6

// ParseAggs reads names of aggregates. One that comes twice is taken once.
func ParseAggs(names []string) ([]Agg, error) {
	var list []Agg
	for _, name := range names {
		a, ok := parseAgg(name)
		if !ok {
			return nil, fmt.Errorf("series: %.100q is not an aggregate", name)
		}
		if !slices.ContainsFunc(list, func(there Agg) bool { return there.Name == name }) {
			list = append(list, a)
		}
	}
	return list, nil
}

func parseAgg(name string) (Agg, bool) {
	if op, ok := opNames[name]; ok {
		return Agg{Name: name, op: op}, true
	}
	digits, ok := strings.CutPrefix(name, "p")
	if !ok {
		return Agg{}, false
	}
	whole, decimals, point := strings.Cut(digits, ".")
	if len(whole) < 1 || len(whole) > 3 || point && len(decimals) < 1 || len(decimals) > percentileDecimals {
		return Agg{}, false
	}
	a := Agg{Name: name, op: opPercentile, den: 100}
	for range decimals {
		a.den *= 10
	}
	var err error
	a.num, err = strconv.ParseUint(whole+decimals, 10, 64) // no sign: ParseUint takes none
	return a, err == nil && a.num <= a.den
}

// Textual reports whether texts and bytes have the aggregate, too.
func (a Agg) Textual() bool {
	return a.op == opCount || a.op == opFirst || a.op == opLast || a.op == opNaN
}

// Need is what cells have to keep for some aggregates.
type Need uint8

const (
	needBounds Need = 1 << iota
	needEnds
	needSpread
	needValues
	needRise
	needDelta
)

// NeedOf is what the aggregates need.
func NeedOf(list []Agg) (n Need) {
	for _, a := range list {
		switch a.op {
		case opMin, opMax:
			n |= needBounds
		case opFirst, opLast:
			n |= needEnds
		case opDelta:
			n |= needDelta
		case opStddev:
			n |= needSpread
		case opPercentile:
			n |= needValues
		case opRate:
			n |= needRise
		}
	}
	return n
}

// Decodes reports whether the values themselves are needed: what blocks know of theirs is not enough.
func (n Need) Decodes() bool { return n&(needSpread|needValues|needRise) != 0 }

// Ordered reports whether every value must come after the one with the next lower number, of all layers together.
func (n Need) Ordered() bool { return n&needRise != 0 }

// Collects reports whether every number is kept.
func (n Need) Collects() bool { return n&needValues != 0 }

// Ends reports whether it matters which value is the first and which the last.
func (n Need) Ends() bool { return n&(needEnds|needDelta) != 0 }
