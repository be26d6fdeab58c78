package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// TestSeriesDeadline lets the disk be slow: the deadline ends an answer between two reads, and so does the caller.
func TestSeriesDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(ledger.Policy{})
		for i := range uint64(20) {
			s.put(t, measured("d", 2*i))
			s.seal()
			s.flush(t)
		}
		s.watch = func(int64) { time.Sleep(time.Second) } // by the clock of the bubble
		api := newAPI(t, s, Options{Deadline: 3 * time.Second})
		for _, query := range []string{"agg=stddev", "agg=avg&step=10s&from=" + secondText(3) + "&to=" + secondText(30), "device=d", "agg=rate"} {
			start := time.Now()
			_, err := api.ask(question{seriesName, "", query}, "t")
			checkError(t, query, err, "deadline", "query.deadline of 3s", "narrower range")
			if took := time.Since(start); took < 3*time.Second || took > 12*time.Second {
				t.Errorf("%s ended after %s", query, took)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := api.Query(ctx, SeriesQuery{Tenant: "t", Aggregates: []string{"sum"}}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestSeriesDeadlineInTheMiddle lets the disk be slow only once blocks are read: of many streams, and of one; and ends the caller's time when
// all rows are in memory.
func TestSeriesDeadlineInTheMiddle(t *testing.T) {
	streams, blocks := newStore(ledger.Policy{}), newStore(ledger.Policy{})
	var frames []sent
	for n := range uint64(40_000) {
		if frames = append(frames, measured("d", n)); n < 20 {
			streams.put(t, measured(fmt.Sprintf("device-%02d", n), 1))
		}
	}
	blocks.put(t, frames...)
	for name, s := range map[string]*store{"streams": streams, "blocks": blocks} {
		s.seal()
		s.flush(t)
		synctest.Test(t, func(t *testing.T) {
			reads := 0
			s.watch = func(int64) {
				if reads++; reads > 6 { // the ends of the file and its index
					time.Sleep(time.Second)
				}
			}
			start := time.Now()
			api := newAPI(t, s, Options{Deadline: 3 * time.Second, SeriesWorkers: 1})
			_, err := api.Query(context.Background(), SeriesQuery{Tenant: "t", Aggregates: []string{"stddev"}})
			checkError(t, name, err, "deadline", "query.deadline of 3s", "narrower range")
			if took := time.Since(start); took > 6*time.Second {
				t.Errorf("%s: ended after %s", name, took)
			}
		})
	}
	head := newStore(ledger.Policy{})
	head.put(t, measured("d", 1))
	ctx, cancel := context.WithCancel(context.Background())
	head.between = cancel
	if _, err := newAPI(t, head, Options{}).Query(ctx, SeriesQuery{Tenant: "t", Aggregates: []string{"sum"}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestSeriesConsistency makes sure that the first look is as fresh as was asked, that later ones need not ask again, and that `after` is
// waited for.
func TestSeriesConsistency(t *testing.T) {
	s := newStore(ledger.Policy{})
	s.put(t, measured("d", 1), measured("d", 2), measured("d", 3))
	api := newAPI(t, s, Options{LockRows: 1})
	if _, err := api.Query(context.Background(), SeriesQuery{Tenant: "t", Aggregates: []string{"sum"}, Consistency: Linearizable}); err != nil {
		t.Fatal(err)
	}
	if len(s.asked) < 2 || s.asked[0] != Linearizable || slices.ContainsFunc(s.asked[1:], func(c Consistency) bool { return c != Stale }) {
		t.Errorf("asked for %v", s.asked)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	later := frame.Position{History: 1, Index: 99}
	if _, err := api.Query(ctx, SeriesQuery{Tenant: "t", Aggregates: []string{"sum"}, After: later}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	_, err := api.Query(context.Background(), SeriesQuery{Tenant: "t", Devices: []string{"d"}, Aggregates: []string{"sum"}, Require: ledger.Complete})
	checkError(t, "require", err, "incomplete", "COMPLETE_BETWEEN_SEEN", "gaps")
}

// TestSeriesSideBySide asks while rows arrive and are flushed.
func TestSeriesSideBySide(t *testing.T) {
	s := newStore(ledger.Policy{})
	s.crowded = true
	api := newAPI(t, s, Options{LockRows: 7, SeriesWorkers: 4})
	var all sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				a, err := api.Query(context.Background(), SeriesQuery{Tenant: "t", Aggregates: []string{"count", "rate", "p50", "last"}, Group: []string{"all"}})
				if err != nil {
					t.Error(err)
					return
				}
				for _, one := range a.Series {
					v, _ := one.Fields[0].Columns[0].Values[0].Int64()
					if got := one.Buckets[0]; uint64(v) != got.Stored || got.Missing() != 0 {
						t.Errorf("%d values, %+v", v, got)
					}
				}
			}
		})
	}
	for seq := range uint64(60) {
		s.put(t, measured("a", seq), measured("b", seq), measured("c", seq))
		if seq%7 == 6 {
			s.seal()
			s.flush(t)
		}
	}
	close(done)
	all.Wait()
	if s.opened != 0 {
		t.Errorf("%d segments were not given back", s.opened)
	}
}
