package query

import (
	"math/bits"
	"strconv"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/query/series"
)

// SeriesQuery asks for series: aggregates of buckets of time, or, without aggregates, the points themselves. Texts are as in the parameters of
// GET /v1/query (docs/http-api.md); the zero value of a field is that of a parameter that is not given.
type SeriesQuery struct {
	Tenant string // required

	Devices []string // these; or
	Prefix  string   // all that start so; or all
	Match   []string // of these, those that have every label=value
	System  bool     // the store's own devices, too
	Streams []string // "0" where there is none; "*" is all

	Fields     []string // all where there is none
	From, To   string   // from is inside of the range, to is not
	Step       string
	Zone       string   // of calendar steps, UTC where it is ""
	Aggregates []string // avg, p99, ...; none: points
	Group      []string // device, stream, all, or labels
	FillNull   bool     // list buckets in which nothing was expected, too

	Limit  int    // of points
	Cursor string // of the page of points before

	Consistency Consistency    // Leader where it is ""
	After       frame.Position // wait for this
	Require     ledger.Grade   // refuse an answer that is worse

	csv bool // the answer will be written as lines, which repeat names
}

// Completeness says how much of what was expected is stored.
type Completeness struct {
	Expected, Stored uint64
	Verdict          ledger.Grade
}

// Missing is what is expected and not stored.
func (c Completeness) Missing() uint64 { return c.Expected - min(c.Stored, c.Expected) }

func (c Completeness) inner() *completeness {
	return &completeness{verdict: c.Verdict, expected: c.Expected, stored: c.Stored}
}

// add takes in another part; that of nothing is the zero value.
func (c *Completeness) add(o Completeness) {
	c.Expected, c.Stored = saturate(c.Expected, o.Expected), saturate(c.Stored, o.Stored)
	if c.Verdict == 0 || o.Verdict != 0 && o.Verdict < c.Verdict {
		c.Verdict = o.Verdict
	}
}

// SeriesAnswer is the answer to a SeriesQuery.
type SeriesAnswer struct {
	AsOf             AsOf
	FirstNS, LastNS  int64 // the range, both inclusive
	Step, Zone       string
	Series           []Series // ordered by names
	Completeness     Completeness
	Next             string // cursor of the next page of points, "" on the last one
	Segments         int    // that were looked at,
	Blocks, Bytes    int    // blocks of them that were read, and bytes
	Rows             int    // of heads and blocks that were looked at
	StatisticsBlocks int    // blocks whose statistics were enough

	whole  completeness
	points bool
	labels []string // that groups are named by
	aggs   []series.Agg
}

// Series is what is known of one device, stream or group, as columns of equal length: an entry for each bucket, or for each point.
type Series struct {
	Device, Stream string   // "" where the series is of several
	Epoch          uint32   // of points: the server's ordinal
	Labels         []string // the values of the labels that were grouped by, in that order
	Devices        int      // how many the series is of,
	Silent         int      // and of these, how many never said anything

	StartNS []int64  // where the buckets begin, or the device times of the points
	Seq     []uint64 // of points: their numbers
	Fields  []SeriesField
	Buckets []Completeness // of each bucket
}

// SeriesField is the values of one field.
type SeriesField struct {
	Name    string
	kinds   uint8
	Columns []SeriesColumn // the aggregates,
	Points  []frame.Value  // or the values as they are stored; the zero Value where a point has none
}

// Kinds are the kinds of the values that went in, ascending.
func (f *SeriesField) Kinds() []frame.Kind {
	var list []frame.Kind
	for rest := f.kinds; rest != 0; rest &= rest - 1 {
		list = append(list, frame.Kind(bits.TrailingZeros8(rest)))
	}
	return list
}

// SeriesColumn is one aggregate.
type SeriesColumn struct {
	Aggregate string
	Values    []series.Value
}

// digest is a checksum of what the question selects: a cursor belongs to one selection.
func (q *SeriesQuery) digest() uint32 {
	p := params{"device": q.Devices, "match": q.Match, "stream": q.Streams, "fields": q.Fields}
	for name, value := range map[string]string{
		"prefix": q.Prefix, "system": strconv.FormatBool(q.System), "from": q.From, "to": q.To, "tz": q.Zone,
	} {
		p[name] = []string{value}
	}
	return p.digest(q.Tenant, seriesName, "")
}
