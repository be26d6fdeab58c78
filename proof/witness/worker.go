package witness

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/proof/sign"
)

// Log is the log whose checkpoints witnesses cosign, as this node has it. It is called from several goroutines.
type Log interface {
	// Look is the log at one moment.
	Look() Look
	// Hashes are those of the records that this node has read, and how many these are.
	Hashes() (tlog.HashReader, int64)
	// Cosigned makes the lines that a witness signed part of the checkpoint. One that is not the newest any more needs them no more: no error.
	Cosigned(ctx context.Context, c sign.Checkpoint, lines []string) error
}

// Look is the log at one moment.
type Look struct {
	Leads   bool   // this node asks the witnesses
	Note    string // of the newest checkpoint, with the lines of those that cosigned it; "" before there is one
	Records int64  // that the log has, signed or not
}

// WorkerOptions are what a Worker works with. Log and Witnesses are required.
type WorkerOptions struct {
	Log       Log
	Witnesses []sign.Outside
	Client    Options

	Interval time.Duration // between two looks, and before the second attempt; default 1 s
	MaxWait  time.Duration // between two attempts; default 5 min
	Logger   *slog.Logger  // default: nobody hears
	Metrics  prometheus.Registerer
}

// Worker shows each new checkpoint to the outside witnesses and hands in what they sign. Each of them has a goroutine: nobody waits for a witness,
// and no witness for another one. What is asked about is always the newest checkpoint; one that came and went meanwhile is not missed.
type Worker struct {
	opt     WorkerOptions
	targets []*target
	metrics *metrics
}

// target is a witness, of the goroutine that asks it.
type target struct {
	key      sign.VerifierKey
	client   *Client
	log      *slog.Logger
	failures int    // in a row
	ahead    int    // how many of them said that it is ahead of this log
	done     string // the note in which its cosignature was found
}

// aheadLimit is how many times in a row a witness has to say that it cosigned more than this log has until that is an alarm: a leader that has
// lost its office without knowing hears it once or twice.
const aheadLimit = 5

// NewWorker checks the witnesses. No network is touched before Run.
func NewWorker(opt WorkerOptions) (*Worker, error) {
	if opt.Interval <= 0 {
		opt.Interval = time.Second
	}
	if opt.MaxWait <= 0 {
		opt.MaxWait = 5 * time.Minute
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	w := &Worker{opt: opt}
	for _, o := range opt.Witnesses {
		client, err := New(o.URL, []string{o.Key}, opt.Client)
		if err != nil {
			return nil, err
		}
		w.targets = append(w.targets, &target{key: client.keys[0], client: client, log: opt.Logger.With("witness", client.keys[0].Name, "url", o.URL)})
	}
	var err error
	w.metrics, err = newMetrics(opt.Metrics, w.targets)
	return w, err
}

// Run asks until ctx ends.
func (w *Worker) Run(ctx context.Context) {
	var asking sync.WaitGroup
	for _, t := range w.targets {
		asking.Go(func() {
			defer t.client.Close()
			for ctx.Err() == nil {
				select {
				case <-time.After(w.step(ctx, t)):
				case <-ctx.Done():
				}
			}
		})
	}
	asking.Wait()
	w.metrics.unregister()
}

// step asks a witness if there is something to ask, and says how long to wait before the next step.
func (w *Worker) step(ctx context.Context, t *target) time.Duration {
	look := w.opt.Log.Look()
	if !look.Leads || look.Note == "" {
		w.rest(t)
		return w.opt.Interval
	}
	if look.Note == t.done {
		return w.opt.Interval
	}
	c, lines, err := parseNote(look.Note)
	if err != nil {
		t.log.Error("the newest checkpoint is none", "err", err)
		return w.opt.MaxWait
	}
	if _, err := sign.Verified(c, lines, t.key); err == nil {
		w.metrics.records.WithLabelValues(t.key.Name).Set(float64(c.Size))
		w.rest(t)
		t.done = look.Note
		return w.opt.Interval
	}
	hashes, have := w.opt.Log.Hashes()
	if have < c.Size {
		return w.opt.Interval // this node has yet to read what the others signed
	}
	w.metrics.asked.WithLabelValues(t.key.Name).Inc()
	if err := w.ask(ctx, t, c, look.Note, hashes); err != nil {
		return w.failed(ctx, t, &look, err)
	}
	w.metrics.cosigned.WithLabelValues(t.key.Name).Inc()
	t.log.Info("checkpoint cosigned", "records", c.Size)
	t.failures, t.ahead = 0, 0
	return w.opt.Interval
}

// ask has a witness cosign a checkpoint and hands in its lines.
func (w *Worker) ask(ctx context.Context, t *target, c sign.Checkpoint, note string, hashes tlog.HashReader) error {
	sigs, err := t.client.Add(ctx, []byte(note), hashes)
	if err != nil {
		return err
	}
	var lines []string
	for _, s := range sigs {
		lines = append(lines, strings.TrimSuffix(strings.TrimPrefix(s.Line, "— "), "\n"))
	}
	if err := w.opt.Log.Cosigned(ctx, c, lines); err != nil {
		return fmt.Errorf("%w: %w", errNotHandedIn, err)
	}
	return nil
}

// errNotHandedIn says that a witness signed, and the cluster did not take it.
var errNotHandedIn = errors.New("witness: the cosignature is not part of the checkpoint yet")

// rest forgets failures: the witness has what it should have, or another node asks.
func (w *Worker) rest(t *target) {
	t.failures, t.ahead = 0, 0
	w.metrics.alarm.WithLabelValues(t.key.Name).Set(0)
}

// failed tells about a failure and says how long to leave the witness alone.
func (w *Worker) failed(ctx context.Context, t *target, look *Look, err error) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	reason := reasonOf(err)
	w.metrics.refused.WithLabelValues(t.key.Name, reason).Inc()
	wait := min(w.opt.Interval<<min(t.failures, 30), w.opt.MaxWait)
	t.failures++
	if refused := (*RefusedError)(nil); errors.As(err, &refused) {
		wait = max(wait, refused.RetryAfter)
	}
	if ahead := (*AheadError)(nil); errors.As(err, &ahead) && ahead.Size > look.Records {
		t.ahead++
	} else {
		t.ahead = 0
	}
	if reason == reasonHistory || t.ahead >= aheadLimit {
		w.metrics.alarm.WithLabelValues(t.key.Name).Set(1)
		t.log.Error("a witness has seen another history of this log: it is broken, or records were taken away or rewritten",
			"records", look.Records, "err", err)
	} else {
		t.log.Warn("the checkpoint is not cosigned", "reason", reason, "next", wait, "err", err)
	}
	return wait + time.Duration(rand.Int64N(int64(wait)/4+1))
}

func parseNote(note string) (c sign.Checkpoint, lines []byte, err error) {
	text, lines, err := sign.Split([]byte(note))
	if err == nil {
		c, err = sign.ParseCheckpoint(text)
	}
	return c, lines, err
}
