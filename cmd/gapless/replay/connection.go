package replay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// connection sends the batches of its lanes, one at a time and in order.
type connection struct {
	run   *run
	link  link
	known map[string]bool // devices whose registry entry is set
}

// serve sends what comes until the queue ends. After ctx ended it lets go of the rest, and then the run has failed, even if the file is read to
// its end.
func (c *connection) serve(ctx context.Context, queue <-chan *batch) {
	for b := range queue {
		if ctx.Err() != nil {
			c.run.fail(context.Cause(ctx))
			continue
		}
		if err := c.send(ctx, b); err != nil {
			c.run.fail(err)
		}
	}
}

func (c *connection) send(ctx context.Context, b *batch) error {
	if err := c.register(ctx, b); err != nil {
		return err
	}
	r := &request{method: "POST", path: "/v1/frames", contentType: "application/vnd.gapless.batch", body: b.body, takes: "all_rejected"}
	if b.keyed {
		r.key = c.run.key(b)
	}
	var a ack
	tries, err := c.link.do(ctx, r, &a)
	if err != nil {
		return fmt.Errorf("%s, the %d frames of lines %d to %d: %w", c.run.file.name, b.frames, b.lines[0], b.lines[len(b.lines)-1], err)
	}
	return c.run.answered(b, &a, tries)
}

// key names a batch for ever: the same file with the same settings has the same ones.
func (r *run) key(b *batch) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d\n%d", r.state.SHA256, r.state.Settings, b.lane, b.number))
	return "replay-" + hex.EncodeToString(sum[:16])
}

// fail ends the run.
func (r *run) fail(err error) {
	r.mu.Lock()
	r.failures = append(r.failures, err)
	r.mu.Unlock()
	r.stop(err)
}

// answered takes note of a batch. It is done with, whatever was refused of it: the refusal is recorded in the cluster, and sending it again
// changes nothing.
func (r *run) answered(b *batch, a *ack, tries int) error {
	counts := a.counts(b, tries)
	if known := counts.Accepted + counts.Duplicate + counts.Conflict + counts.Unverified + counts.Rejected; known != counts.Sent {
		return fmt.Errorf("replay: %d frames were sent, the answer accounts for %d", counts.Sent, known)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.Batches[b.lane] = b.number + 1
	r.state.Counts.answered(&counts)
	r.state.Position = max(r.state.Position, a.Position)
	r.now.answered(&counts)
	r.o.progress(Progress{Done: b.at, Total: r.file.size, Frames: r.now.Sent})
	if err := r.refuse(b, a); err != nil {
		return err
	}
	if r.o.State == "" || time.Since(r.saved) < saveEvery {
		return nil
	}
	r.saved = time.Now()
	return r.state.save(r.o.State)
}

// refuse takes note of frames that the cluster refused; the caller holds r.mu.
func (r *run) refuse(b *batch, a *ack) error {
	var first *BadRow
	for _, item := range a.Rejected {
		row := BadRow{Code: item.Code, Why: clip(item.Message)}
		if item.Item >= 0 && item.Item < len(b.lines) {
			row.Line = b.lines[item.Item]
		}
		if first == nil || row.Line < first.Line {
			first = &row
		}
		if len(r.refused) < maxProblems {
			r.refused = append(r.refused, row)
		}
	}
	if first == nil || r.o.SkipBad {
		return nil
	}
	return fmt.Errorf("replay: %s: the cluster refuses a frame: %w", r.file.name, first)
}
