package fleet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Fleet is a plan and its execution.
type Fleet struct {
	opt     Options
	sources []*source
	frames  int64 // that the plan will have acknowledged

	acked    atomic.Int64
	requests atomic.Int64
	client   atomic.Pointer[client]
	killed   atomic.Int64 // wall clock of Killed, ns
	recovery atomic.Int64 // ns from Killed to the first answer to a request sent after it
}

// Progress is a moment of a run.
type Progress struct {
	Frames   int64         // to be acknowledged in all, repeats included
	Acked    int64         // so far
	Requests int64         // acknowledged
	Retries  int64         // tries beyond the first
	Recovery time.Duration // from Killed to the first acknowledgement of a request sent after it, 0: not yet
}

// New draws a fleet.
func New(o Options) (*Fleet, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	f := &Fleet{opt: o, sources: plan(&o)}
	if err := lie(f.sources, o.Break); err != nil {
		return nil, err
	}
	for _, s := range f.sources {
		for _, p := range s.ops {
			f.frames += int64(len(p.frames))
		}
	}
	return f, nil
}

// Devices returns how many devices the fleet has.
func (f *Fleet) Devices() int { return f.opt.Devices }

// Progress may be called at any time from anywhere.
func (f *Fleet) Progress() Progress {
	p := Progress{Frames: f.frames, Acked: f.acked.Load(), Requests: f.requests.Load(), Recovery: time.Duration(f.recovery.Load())}
	if c := f.client.Load(); c != nil {
		p.Retries = c.retries.Load()
	}
	return p
}

// Killed tells the fleet that the cluster lost a node just now, so that it can measure how long nothing was acknowledged.
func (f *Fleet) Killed() { f.killed.Store(time.Now().UnixNano()) }

// Run sends the whole plan to the servers (base addresses such as http://127.0.0.1:7401) and writes the truth file. It returns when
// everything is acknowledged, or with the first request that was refused or could not be delivered in time.
func (f *Fleet) Run(ctx context.Context, servers []string, truth io.Writer) error {
	if len(servers) == 0 {
		return errors.New("fleet: no servers")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := newClient(servers, &f.opt)
	defer c.http.CloseIdleConnections()
	f.client.Store(c)
	rec := newRecorder(truth)
	if err := f.prologue(rec); err != nil {
		return err
	}
	f.work(ctx, cancel, c, rec)
	if err := context.Cause(ctx); err != nil {
		return err
	}
	position, err := f.last(ctx, c, rec)
	if err != nil {
		return err
	}
	if err := rec.put(record{Type: recEnd, Position: position}); err != nil {
		return err
	}
	return rec.flush()
}

func (f *Fleet) prologue(rec *recorder) error {
	if err := rec.put(record{Type: recFleet, Version: truthVersion, Seed: f.opt.Seed}); err != nil {
		return err
	}
	for _, s := range f.sources {
		if err := rec.put(s.planned()...); err != nil {
			return err
		}
	}
	return nil
}

// work runs every source but for the first one's last request, and ends ctx at the first failure.
func (f *Fleet) work(ctx context.Context, fail context.CancelCauseFunc, c *client, rec *recorder) {
	lanes := make([][]*errand, min(f.opt.Workers, len(f.sources)))
	rng := rand.New(rand.NewPCG(f.opt.Seed, 1))
	begin := time.Now()
	for i, s := range f.sources {
		e := &errand{source: s, begin: begin, span: max(f.opt.Duration, 0), phase: rng.Float64(), end: len(s.ops)}
		if i == 0 {
			e.end--
		}
		lanes[i%len(lanes)] = append(lanes[i%len(lanes)], e)
	}
	var wg sync.WaitGroup
	for _, lane := range lanes {
		wg.Go(func() {
			if err := f.walk(ctx, lane, c, rec); err != nil {
				fail(err)
			}
		})
	}
	wg.Wait()
}

// last sends the first source's last request when all others are acknowledged: its position is behind everything.
func (f *Fleet) last(ctx context.Context, c *client, rec *recorder) (string, error) {
	s := f.sources[0]
	return f.send(ctx, s, &s.ops[len(s.ops)-1], c, rec)
}

// errand is a source on its way through its requests.
type errand struct {
	source    *source
	begin     time.Time
	span      time.Duration
	phase     float64 // fraction of a step that this source runs late by, so that sources do not beat together
	next, end int     // requests
}

// due returns when the next request is to be sent.
func (e *errand) due() time.Time {
	return e.begin.Add(time.Duration(float64(e.span) * (float64(e.next) + e.phase) / float64(len(e.source.ops))))
}

// walk sends the requests of several sources, each in its order, whichever is due first.
func (f *Fleet) walk(ctx context.Context, lane []*errand, c *client, rec *recorder) error {
	for {
		var e *errand
		for _, other := range lane {
			if other.next < other.end && (e == nil || other.due().Before(e.due())) {
				e = other
			}
		}
		if e == nil {
			return nil
		}
		if err := sleep(ctx, time.Until(e.due())); err != nil {
			return err
		}
		if _, err := f.send(ctx, e.source, &e.source.ops[e.next], c, rec); err != nil {
			return err
		}
		e.next++
	}
}

// send delivers one request and records what that made true.
func (f *Fleet) send(ctx context.Context, s *source, o *op, c *client, rec *recorder) (position string, err error) {
	var d delivered
	if !o.withheld {
		r, err := s.request(o)
		if err != nil {
			return "", err
		}
		if d, err = c.deliver(ctx, r); err != nil {
			return "", err
		}
		f.mark(d.begun)
		if note := odd(r, &d); note != "" {
			line := s.at(recOdd, o.life)
			line.Note = note
			if err := rec.put(line); err != nil {
				return "", err
			}
		}
	}
	f.requests.Add(1)
	f.acked.Add(int64(len(o.frames)))
	return d.Position, rec.put(s.acked(o, d.unknown)...)
}

// mark measures the recovery after Killed.
func (f *Fleet) mark(begun time.Time) {
	killed := f.killed.Load()
	if killed != 0 && begun.UnixNano() >= killed && f.recovery.Load() == 0 {
		f.recovery.CompareAndSwap(0, max(time.Now().UnixNano()-killed, 1))
	}
}

// odd returns what is wrong with an acknowledgement, "" when nothing is.
func odd(r *request, d *delivered) string {
	total := r.fresh + r.repeats + r.conflicts
	switch {
	case total == 0:
		return ""
	case len(d.Rejected) > 0:
		first := d.Rejected[0]
		return fmt.Sprintf("%d of %d frames rejected, item %d: %s %s", len(d.Rejected), total, first.Item, first.Code, first.Message)
	case d.Delivery != "exactly_once":
		return fmt.Sprintf("delivery %q of numbered frames", d.Delivery)
	case d.Accepted+d.Duplicate+d.Conflict+d.Unverified != total:
		return fmt.Sprintf("answer counts %d+%d+%d+%d frames of %d", d.Accepted, d.Duplicate, d.Conflict, d.Unverified, total)
	case d.unknown == 0 && (d.Accepted != r.fresh || d.Conflict > r.conflicts || d.Duplicate > r.repeats):
		return fmt.Sprintf("answer: %d new, %d repeated, %d in conflict; sent: %d, %d, %d",
			d.Accepted, d.Duplicate, d.Conflict, r.fresh, r.repeats, r.conflicts)
	}
	return ""
}
