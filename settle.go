package gapless

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/raftfsm"
)

// maxVerdicts bounds the verdicts of one request that are committed side by side.
const maxVerdicts = 16

// comparison is a run of old duplicates of one epoch, neighbours by number, that turned out alike.
type comparison struct {
	key       frame.StreamKey
	identical bool
	frames    []raftfsm.Unsettled // of one stream and epoch, numbers in a row
}

// settle compares duplicates that apply could not, because their fingerprints were forgotten, with what is stored, and commits what it
// finds. The answer's counts move from unverified to duplicate or conflict; what cannot be settled now stays unverified.
func (n *Node) settle(ctx context.Context, r *raftfsm.PartResult) {
	if r.Replayed || len(r.Unsettled) == 0 {
		return
	}
	var mu sync.Mutex // protects r
	var committing sync.WaitGroup
	slots := make(chan struct{}, maxVerdicts)
	for _, run := range n.compare(ctx, r.Unsettled) {
		if ctx.Err() != nil {
			break
		}
		slots <- struct{}{}
		committing.Go(func() {
			defer func() { <-slots }()
			settled, err := n.settleRun(ctx, &run)
			if err != nil {
				n.log.Info("duplicates not settled", "device", run.key.Device, "seq", run.frames[0].Seq, "frames", len(run.frames), "err", err)
			}
			mu.Lock()
			defer mu.Unlock()
			r.Unverified -= settled
			if run.identical {
				r.Duplicate += settled
			} else {
				r.Conflict += settled
			}
		})
	}
	committing.Wait()
	r.Unsettled = nil
}

// compare looks up the stored frames and groups neighbours that turned out alike. What cannot be read now stays unsettled.
func (n *Node) compare(ctx context.Context, list []raftfsm.Unsettled) (runs []comparison) {
	for i, old := range n.lookUp(ctx, list) {
		if old == nil {
			continue
		}
		u := &list[i]
		var f frame.Frame
		u.Item.Decode(&f)
		identical := bytes.Equal(canonical(old.key, u, &old.frame), canonical(old.key, u, &f))
		if i := len(runs) - 1; i >= 0 && runs[i].identical == identical && follows(runs[i].frames, u) {
			runs[i].frames = append(runs[i].frames, *u)
			continue
		}
		runs = append(runs, comparison{old.key, identical, []raftfsm.Unsettled{*u}})
	}
	return runs
}

func follows(run []raftfsm.Unsettled, u *raftfsm.Unsettled) bool {
	last := &run[len(run)-1]
	return last.Stream == u.Stream && last.Epoch == u.Epoch && last.Seq+1 == u.Seq
}

func canonical(key frame.StreamKey, u *raftfsm.Unsettled, f *frame.Frame) []byte {
	return frame.AppendCanonical(nil, key, u.Epoch, u.Seq, f)
}

// settleRun commits the verdict on a run, and before it the evidence of a conflict. It returns how many duplicates were settled.
func (n *Node) settleRun(ctx context.Context, run *comparison) (int, error) {
	if !run.identical {
		if err := n.keepEvidence(ctx, run); err != nil {
			return 0, err
		}
	}
	first, last := &run.frames[0], &run.frames[len(run.frames)-1]
	v := ledger.Verdict{
		Subject: ledger.Subject{ID: first.Stream, Key: run.key}, Ordinal: first.Epoch, From: first.Seq, To: last.Seq, Identical: run.identical,
	}
	answer, err := n.commandHere(ledger.KindVerdict, ledger.CommandVersion, v.Append(nil))
	if err != nil {
		return 0, err
	}
	var result ledger.VerdictResult
	if err := json.Unmarshal(answer.Result, &result); err != nil {
		return 0, err
	}
	return int(result.Settled), nil
}

// keepEvidence commits the conflicting frames of a run as evidence, a batch each: none is larger than one frame.
func (n *Node) keepEvidence(ctx context.Context, run *comparison) error {
	for i := range run.frames {
		var b frame.Builder
		b.Reset(frame.Header{ReceiveMS: n.cfg.Clock().UnixMilli(), Node: n.cfg.Node, Listener: "settle"})
		if err := raftfsm.AddConflict(&b, run.key, &run.frames[i]); err != nil {
			return err
		}
		batch, err := b.Finish(nil)
		if err != nil {
			return err
		}
		if _, err := n.proposer.Propose(ctx, &raftfsm.Part{Batch: batch}); err != nil {
			return err
		}
	}
	return nil
}
