package compact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gaplessdb/gapless/segment"
)

// Worker does one node's part of merging: see the package. Run has one caller, Keep and Close any.
type Worker struct {
	opt     Options
	log     *slog.Logger
	metrics *metrics
	limit   limiter
	office  *office // owned by Run; nil while another node leads

	task   *task // owned by Run; nil: idle
	failed map[uint64]failure
	found  map[uint64]*result // owned by the task, and by Run between two of them

	mu   sync.Mutex              // protects held
	held map[segment.Name]uint64 // files that only this worker knows of, by the plan that they belong to
}

// result is what this node has made or compared of a plan.
type result struct {
	outputs []segment.Info
	said    bool // it is in the log; this node's state may not show it yet
}

// failure is what came of a plan here so far.
type failure struct {
	times int
	again time.Time // not worth another attempt before
}

// New returns a worker that does nothing before Run.
func New(opt Options) (*Worker, error) {
	opt = opt.withDefaults()
	m, err := newMetrics(opt.Metrics)
	if err != nil {
		return nil, err
	}
	return &Worker{
		opt: opt, log: opt.Logger, metrics: m, limit: limiter{rate: opt.BytesPerSecond, pressure: opt.Pressure},
		failed: map[uint64]failure{}, found: map[uint64]*result{}, held: map[segment.Name]uint64{},
	}, nil
}

// Run works until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	ticker := time.NewTicker(w.opt.Interval)
	defer ticker.Stop()
	defer w.metrics.unregister()
	for {
		look := w.opt.Catalog.Look()
		w.observe(&look)
		w.lead(ctx, &look)
		w.work(ctx, &look)
		select {
		case <-ticker.C:
		case <-w.finished():
			w.collect()
		case <-ctx.Done():
			if w.task != nil {
				<-w.task.done
			}
			return
		}
	}
}

// Step does the next thing there is to do for this node, but for what a leader does, and reports whether there was one. It is for those who drive a
// worker themselves, without Run.
func (w *Worker) Step(ctx context.Context) (bool, error) {
	look := w.opt.Catalog.Look()
	w.observe(&look)
	_, do := w.next(&look)
	if do == nil {
		return false, nil
	}
	return true, do(ctx)
}

// Keep reports whether a file must stay although no floor lists it: it is the result of a plan that is under way, or of one whose floor is not
// durable yet. What is asked first is what a file leaves first.
func (w *Worker) Keep(name segment.Name) bool {
	w.mu.Lock()
	_, held := w.held[name]
	w.mu.Unlock()
	if held {
		return true
	}
	section := w.opt.Catalog.Section()
	return section.Needs(name)
}

// hold keeps a file for as long as its plan is under way.
func (w *Worker) hold(id uint64, list ...segment.Info) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range list {
		w.held[list[i].Name] = id
	}
}

// observe forgets what belongs to plans that have ended, and ends what is being done for them.
func (w *Worker) observe(look *Look) {
	pending := map[uint64]bool{}
	for _, p := range look.Section.Plans() {
		pending[p.ID] = true
	}
	w.mu.Lock()
	for name, id := range w.held {
		if !pending[id] && (w.task == nil || w.task.id != id) {
			delete(w.held, name)
		}
	}
	w.mu.Unlock()
	for id := range w.failed {
		if !pending[id] && id != 0 {
			delete(w.failed, id)
		}
	}
	if w.task == nil {
		maps.DeleteFunc(w.found, func(id uint64, _ *result) bool { return !pending[id] })
	} else if w.task.id != 0 && !pending[w.task.id] {
		w.task.cancel()
	}
	w.metrics.plans.Set(float64(len(look.Section.Plans())))
	w.metrics.edits.Set(float64(len(look.Section.Edits())))
}

// task is what a worker is at.
type task struct {
	id     uint64 // of the plan; 0 for results that a floor will list soon
	cancel context.CancelFunc
	done   chan struct{}
	err    error // once done is closed
}

// finished is closed when there is a task to collect; nil: there is none.
func (w *Worker) finished() <-chan struct{} {
	if w.task == nil {
		return nil
	}
	return w.task.done
}

// collect takes note of what came of a task.
func (w *Worker) collect() {
	t := w.task
	w.task = nil
	if t.err == nil || errors.Is(t.err, context.Canceled) {
		delete(w.failed, t.id)
		return
	}
	f := w.failed[t.id]
	if !transient(t.err) {
		f.times++
	}
	f.again = time.Now().Add(w.opt.Interval << min(f.times, 6))
	w.failed[t.id] = f
	w.log.Info("a merge waits", "plan", t.id, "again_in", time.Until(f.again).Round(time.Millisecond), "err", t.err)
}

// work begins the next task, if there is one and none is under way.
func (w *Worker) work(ctx context.Context, look *Look) {
	if w.task != nil {
		return
	}
	id, do := w.next(look)
	if do == nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	t := &task{id: id, cancel: cancel, done: make(chan struct{})}
	w.task = t
	go func() {
		defer close(t.done)
		defer cancel()
		start := time.Now()
		t.err = do(ctx)
		w.metrics.seconds.Add(time.Since(start).Seconds())
	}()
}

// next chooses what to do: first what is done and will be missed soon, then the oldest plan.
func (w *Worker) next(look *Look) (id uint64, do func(context.Context) error) {
	now := time.Now()
	rests := func(id uint64) bool { return w.failed[id].again.After(now) }
	if missing := w.missing(look); len(missing) > 0 && !rests(0) {
		return 0, func(ctx context.Context) error { return w.obtain(ctx, missing, look.Live) }
	}
	for _, p := range look.Section.Plans() {
		own := slices.Contains(p.Verified, w.opt.Server) || w.found[p.ID] != nil && w.found[p.ID].said
		switch {
		case own || rests(p.ID):
		case p.Builder == w.opt.Server && p.Outputs == nil:
			attempts := w.failed[p.ID].times
			return p.ID, func(ctx context.Context) error { return w.build(ctx, p, attempts) }
		case p.Outputs != nil:
			return p.ID, func(ctx context.Context) error { return w.verify(ctx, p, look.Live) }
		}
	}
	return 0, nil
}

// missing lists the results of the edits that wait for a floor, as far as they are not here.
func (w *Worker) missing(look *Look) (list []segment.Info) {
	edits := look.Section.Edits()
	for i := range edits {
		for _, out := range edits[i].Add {
			if !w.opt.Shelf.Has(out) {
				list = append(list, out)
			}
		}
	}
	return list
}

// obtain brings files that are needed here, from whoever has them.
func (w *Worker) obtain(ctx context.Context, list []segment.Info, live []string) error {
	for _, info := range list {
		if err := w.opt.Shelf.Obtain(ctx, info, w.opt.Fetch, w.others("", live)); err != nil {
			return err
		}
	}
	return nil
}

// others lists the servers to ask for a file: who made it first.
func (w *Worker) others(builder string, live []string) func() []string {
	list := slices.DeleteFunc(slices.Clone(live), func(s string) bool { return s == w.opt.Server || s == builder })
	if builder != "" && builder != w.opt.Server {
		list = slices.Insert(list, 0, builder)
	}
	return func() []string { return list }
}

// errNotCommitted says that a command did not get into the log, or that nobody knows.
var errNotCommitted = errors.New("compact: not committed")

// propose commits a command.
func (w *Worker) propose(ctx context.Context, kind uint16, command any) error {
	body, err := json.Marshal(command)
	if err != nil {
		return fmt.Errorf("compact: command %d: %w", kind, err)
	}
	if err := w.opt.Catalog.Propose(ctx, kind, CommandVersion, body); err != nil {
		return fmt.Errorf("%w: command %d: %w", errNotCommitted, kind, err)
	}
	return nil
}
