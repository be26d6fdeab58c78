package compact

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/segment/shelf"
)

// maxAttempts is how often a builder tries before it gives a plan up.
const maxAttempts = 3

// build merges the inputs of a plan, compares the result with them, and announces it. What was built and could not be announced is announced again.
func (w *Worker) build(ctx context.Context, p *Plan, attempts int) error {
	if w.found[p.ID] == nil {
		outputs, err := w.merge(ctx, p)
		var mismatch *segment.MismatchError
		switch {
		case errors.As(err, &mismatch):
			return w.mismatch(ctx, p, outputs, err)
		case err != nil && attempts+1 >= maxAttempts && ctx.Err() == nil && !transient(err):
			w.metrics.aborted.WithLabelValues(string(ReasonFailed)).Inc()
			w.log.Error("a merge failed and is given up", "plan", p.ID, "err", err)
			return w.propose(ctx, KindAbort, abortCommand{p.ID, w.opt.Server, ReasonFailed, detail(err)})
		case err != nil:
			return err
		}
		w.found[p.ID] = &result{outputs: outputs}
	}
	r := w.found[p.ID]
	if err := w.propose(ctx, KindBuilt, builtCommand{p.ID, w.opt.Server, filesOf(r.outputs)}); err != nil {
		return err
	}
	r.said = true
	e := extentOf(r.outputs)
	w.metrics.built.Inc()
	w.log.Info("merged segments", "plan", p.ID, "inputs", len(p.Inputs), "outputs", len(r.outputs), "frames", e.frames, "bytes", e.bytes)
	return nil
}

// transient reports whether an error goes away by itself.
func transient(err error) bool {
	return errors.Is(err, shelf.ErrNotHere) || errors.Is(err, shelf.ErrNoSpace) || errors.Is(err, shelf.ErrPulling) || errors.Is(err, shelf.ErrClosed) ||
		errors.Is(err, errNotCommitted)
}

// merge makes the result of a plan here, durable and compared with the inputs. Where they differ, it returns both.
func (w *Worker) merge(ctx context.Context, p *Plan) ([]segment.Info, error) {
	inputs, release, err := segment.OpenAll(p.Inputs, w.opt.Shelf.Open)
	defer release()
	if err != nil {
		return nil, err
	}
	size := extentOf(p.Inputs).bytes
	if err := w.opt.Shelf.Room(size); err != nil {
		return nil, err
	}
	made, err := segment.Merge(w.opt.Shelf.FS(), w.opt.Shelf.Dir(), w.options(ctx, p, inputs), inputs)
	if err != nil {
		return nil, fmt.Errorf("compact: plan %d: %w", p.ID, err)
	}
	w.metrics.readBytes.Add(float64(size))
	outputs := infosOf(made)
	w.hold(p.ID, outputs...)
	for _, info := range outputs {
		w.metrics.writtenBytes.Add(float64(info.Bytes))
		if err := w.opt.Shelf.Added(info); err != nil {
			return nil, err
		}
	}
	return outputs, w.compare(ctx, p, outputs, inputs)
}

// infosOf lists what a merge made, in the order of commands.
func infosOf(made []segment.Output) []segment.Info {
	list := make([]segment.Info, len(made))
	for i := range made {
		list[i] = made[i].Info
	}
	slices.SortFunc(list, byIndex)
	return list
}

// options are those of a merge of the inputs: cluster, partition and history are theirs.
func (w *Worker) options(ctx context.Context, p *Plan, inputs []*segment.Reader) segment.MergeOptions {
	return segment.MergeOptions{Options: inputs[0].Options(), WindowNS: p.WindowNS, Limit: func(n int) error { return w.limit.wait(ctx, n) }}
}

// mismatch ends a plan whose result is not what this node's inputs say. The files are put aside: they are evidence.
func (w *Worker) mismatch(ctx context.Context, p *Plan, outputs []segment.Info, cause error) error {
	w.metrics.mismatches.Inc()
	w.metrics.aborted.WithLabelValues(string(ReasonMismatch)).Inc()
	w.log.Error("the result of a merge differs from its inputs on this node: this node or the builder is sick", "plan", p.ID, "builder", p.Builder, "err", cause)
	for i := range outputs {
		w.opt.Shelf.Reject(outputs[i].Name, cause)
	}
	return w.propose(ctx, KindAbort, abortCommand{p.ID, w.opt.Server, ReasonMismatch, detail(cause)})
}

// detail is an error in a command.
func detail(err error) string {
	text := []rune(err.Error())
	for len(string(text)) > maxDetail {
		text = text[:len(text)-1]
	}
	return string(text)
}
