package query

import (
	"sync/atomic"

	"github.com/gaplessdb/gapless/segment"
)

// seriesMeter counts what a question costs. It is for any number of goroutines.
type seriesMeter struct {
	rows, blocks, bytes atomic.Int64 // looked at, as in reading
	statistics          atomic.Int64 // blocks whose statistics were enough
	values              atomic.Int64 // collected for percentiles
	cells               atomic.Int64 // buckets of series
	least               atomic.Int64 // bytes that the answer will have at least
}

// spend counts what a read did, and refuses to go on at a limit or after the deadline.
func (s *seriesRun) spend(done segment.Scanned) error {
	rows, blocks := s.meter.rows.Add(int64(done.Rows)), s.meter.blocks.Add(int64(done.Blocks))
	bytes := s.meter.bytes.Add(int64(done.Bytes))
	const hint = "ask for less: fewer devices, a narrower range, fewer fields"
	opt := &s.api.opt
	switch {
	case rows > int64(opt.MaxReadRows):
		return limitError("query.max_read_rows", opt.MaxReadRows, hint)
	case blocks > int64(opt.MaxReadBlocks):
		return limitError("query.max_read_blocks", opt.MaxReadBlocks, hint)
	case bytes > int64(opt.MaxReadBytes):
		return limitError("query.max_read_bytes", opt.MaxReadBytes, hint)
	}
	return s.r.expired()
}

// hold counts buckets that the answer needs.
func (s *seriesRun) hold(cells int) error { return s.allow(int(s.meter.cells.Add(int64(cells)))) }

// allow refuses more buckets than an answer may have.
func (s *seriesRun) allow(cells int) error {
	if cells > s.api.opt.MaxBuckets {
		return limitError("query.max_buckets", s.api.opt.MaxBuckets, "ask for a longer step, a shorter range, fewer series or fields")
	}
	return nil
}

// promise counts bytes that the answer will have at least. More than it may have are not computed.
func (s *seriesRun) promise(bytes int) error {
	if limit := s.api.opt.MaxAnswerBytes; s.meter.least.Add(int64(bytes)) > int64(limit) {
		return limitError("query.max_answer_bytes", limit, "ask for fewer aggregates, a longer step, a shorter range, fewer series or fields")
	}
	return nil
}

// collectValues counts values that are kept for percentiles.
func (s *seriesRun) collectValues(n int) error {
	if s.meter.values.Add(int64(n)) > int64(s.api.opt.MaxPercentileValues) {
		return limitError("query.max_percentile_values", s.api.opt.MaxPercentileValues,
			"percentiles are exact and keep every value: ask for fewer devices, fields or a shorter range")
	}
	return nil
}

// account adds what was read to what the request says of itself.
func (s *seriesRun) account() {
	g := &s.r.reading
	g.rows += int(s.meter.rows.Load())
	g.blocks += int(s.meter.blocks.Load())
	g.bytes += int(s.meter.bytes.Load())
}
