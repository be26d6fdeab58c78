package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// A flush for which there was no room is tried again after minFlushWait, then after twice as long each time, up to maxFlushWait: each
// attempt writes the whole segment.
const (
	minFlushWait = time.Second
	maxFlushWait = 30 * time.Second

	roomShare = 8 // an attempt is worth its while before that when a share of 1/8 of the head's bytes became free
)

// survives deals with a failed flush. It reports false when the node cannot go on.
func (f *Flusher) survives(ctx context.Context, sealed *Sealed, err error) bool {
	f.opt.Metrics.FlushErrors.Inc()
	if f.opt.State.oldest() != sealed {
		f.wait = 0
		return true // a floor was installed meanwhile: this head is of a state that is gone
	}
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		f.opt.Fatal(fmt.Errorf("raftfsm: flush at %d: %w", sealed.Index, err))
		return false
	}
	f.wait = min(max(2*f.wait, minFlushWait), maxFlushWait)
	f.opt.Logger.Error("flush failed: make room on the disk", "floor", sealed.Index, "again_within", f.wait, "err", err)
	f.awaitRoom(ctx, sealed)
	return true
}

// awaitRoom returns when the next attempt is due: the wait is over, the disk has more room than now, or the head is of a state that is gone.
func (f *Flusher) awaitRoom(ctx context.Context, sealed *Sealed) {
	before, unknown := f.opt.FS.Free()
	due := time.NewTimer(f.wait)
	defer due.Stop()
	look := time.NewTicker(minFlushWait)
	defer look.Stop()
	for {
		f.opt.Stuck()
		select {
		case <-ctx.Done():
			return
		case <-due.C:
			return
		case <-look.C:
		}
		free, err := f.opt.FS.Free()
		roomier := unknown == nil && err == nil && free-before > sealed.Head.Bytes()/roomShare
		if roomier || f.opt.State.oldest() != sealed {
			return
		}
	}
}
