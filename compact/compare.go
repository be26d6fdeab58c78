//go:build !bug_merge_unseen

package compact

import (
	"context"
	"fmt"

	"github.com/gaplessdb/gapless/segment"
)

// compare holds the result of a plan against this node's inputs, frame by frame.
func (w *Worker) compare(ctx context.Context, p *Plan, outputs []segment.Info, inputs []*segment.Reader) error {
	readers, release, err := segment.OpenAll(outputs, w.opt.Shelf.Open)
	defer release()
	if err != nil {
		return err
	}
	w.metrics.readBytes.Add(float64(extentOf(outputs).bytes + extentOf(p.Inputs).bytes))
	if err := segment.Compare(readers, inputs, p.WindowNS, func(n int) error { return w.limit.wait(ctx, n) }); err != nil {
		return fmt.Errorf("compact: plan %d: %w", p.ID, err)
	}
	return nil
}
