package query

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options are the settings of the room. The zero value of a field means its default. Every limit is named in the error that it
// causes and counted in gapless_query_limited_total.
type Options struct {
	Deadline       time.Duration // query.deadline: how long one answer may take (default 10 s)
	PageRows       int           // query.page_rows: rows of a page when the client names no limit (default 1,000)
	MaxPageRows    int           // query.max_page_rows: the largest limit a client may name (default 10,000)
	MaxAnswerBytes int           // query.max_answer_bytes: a page of frames ends where it reaches this, with a cursor (default 16 MiB)
	MaxStreams     int           // query.max_streams: streams one answer may sum up (default 250,000)
	MaxGaps        int           // query.max_gaps: gaps one answer may look at to filter or list them (default 1,000,000)
	LockRows       int           // query.lock_rows: rows looked at before the read lock is given back for a moment (default 65,536)
	MaxReadBlocks  int           // query.max_read_blocks: blocks of segments one answer may look into (default 100,000)
	MaxReadBytes   int           // query.max_read_bytes: bytes one answer may read from segment files (default 1 GiB)

	MaxRanges  int           // query.max_ranges: parts of epochs in segments that one answer asks about a range of times (default 100,000)
	MaxGroups  int           // query.max_groups: groups of one answer (default 10,000)
	MaxExports int           // query.max_exports: frames that stream at the same time (default 4)
	MaxColumns int           // query.max_columns: fields of an export as CSV or Arrow (default 10,000)
	Stall      time.Duration // query.stall: how long a client that gets a stream may take nothing (default 30 s)

	MaxSeries           int // query.max_series: epochs of streams that one answer of /v1/query reads (default 10,000)
	MaxBuckets          int // query.max_buckets: buckets of all series and fields of one answer (default 500,000)
	MaxPercentileValues int // query.max_percentile_values: values that one answer keeps for percentiles, 8 bytes each (default 4,000,000)
	MaxReadRows         int // query.max_read_rows: rows that one answer of /v1/query may look at (default 100,000,000)
	MaxBodyBytes        int // query.max_body_bytes: the body of a POST /v1/query (default 1 MiB)
	SeriesWorkers       int // query.series_workers: goroutines of one answer of /v1/query, and no more than there are processors (default 4)

	MaxTraceFrames   int // query.max_trace_frames: frames of each of the store's own devices that a trace looks at (default 100,000)
	MaxTraceEvidence int // query.max_trace_evidence: frames of each of them, and other epochs, that a trace lists (default 20)

	Prover   Prover                // proves stored frames; nil: nothing is sealed
	BalanceB func() any            // balance B, which is kept by node and listener: encoded as JSON as it is; nil: no listeners
	Metrics  prometheus.Registerer // nil: metrics are kept but not shown
}

// withDefaults fills in the defaults.
func (o Options) withDefaults() Options {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	if o.Deadline == 0 {
		o.Deadline = 10 * time.Second
	}
	def(&o.PageRows, 1000)
	def(&o.MaxPageRows, 10_000)
	def(&o.MaxAnswerBytes, 16<<20)
	def(&o.MaxStreams, 250_000)
	def(&o.MaxGaps, 1_000_000)
	def(&o.LockRows, 1<<16)
	def(&o.MaxReadBlocks, 100_000)
	def(&o.MaxReadBytes, 1<<30)
	def(&o.MaxRanges, 100_000)
	def(&o.MaxGroups, 10_000)
	def(&o.MaxExports, 4)
	def(&o.MaxSeries, 10_000)
	def(&o.MaxBuckets, 500_000)
	def(&o.MaxPercentileValues, 4_000_000)
	def(&o.MaxReadRows, 100_000_000)
	def(&o.SeriesWorkers, 4)
	def(&o.MaxBodyBytes, 1<<20)
	def(&o.MaxColumns, 10_000)
	def(&o.MaxTraceFrames, 100_000)
	def(&o.MaxTraceEvidence, 20)
	if o.Stall == 0 {
		o.Stall = 30 * time.Second
	}
	return o
}

// validate refuses what cannot work, naming the setting.
func (o Options) validate() error {
	var errs []error
	positive := func(name string, v int64) {
		if v <= 0 {
			errs = append(errs, fmt.Errorf("query: %s is %d, must be above 0", name, v))
		}
	}
	positive("query.deadline", int64(o.Deadline))
	positive("query.page_rows", int64(o.PageRows))
	positive("query.max_page_rows", int64(o.MaxPageRows))
	positive("query.max_answer_bytes", int64(o.MaxAnswerBytes))
	positive("query.max_streams", int64(o.MaxStreams))
	positive("query.max_gaps", int64(o.MaxGaps))
	positive("query.lock_rows", int64(o.LockRows))
	positive("query.max_read_blocks", int64(o.MaxReadBlocks))
	positive("query.max_read_bytes", int64(o.MaxReadBytes))
	positive("query.max_ranges", int64(o.MaxRanges))
	positive("query.max_groups", int64(o.MaxGroups))
	positive("query.max_exports", int64(o.MaxExports))
	positive("query.max_columns", int64(o.MaxColumns))
	positive("query.stall", int64(o.Stall))
	positive("query.max_series", int64(o.MaxSeries))
	positive("query.max_buckets", int64(o.MaxBuckets))
	positive("query.max_percentile_values", int64(o.MaxPercentileValues))
	positive("query.max_read_rows", int64(o.MaxReadRows))
	positive("query.series_workers", int64(o.SeriesWorkers))
	positive("query.max_body_bytes", int64(o.MaxBodyBytes))
	positive("query.max_trace_frames", int64(o.MaxTraceFrames))
	positive("query.max_trace_evidence", int64(o.MaxTraceEvidence))
	if o.PageRows > o.MaxPageRows {
		errs = append(errs, fmt.Errorf("query: query.page_rows %d is above query.max_page_rows %d", o.PageRows, o.MaxPageRows))
	}
	return errors.Join(errs...)
}
