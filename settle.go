package gapless

import (
	"bytes"
	"context"
	"sync"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/segment"
)

// maxVerdicts bounds the verdicts of one request that are committed side by side.
const maxVerdicts = 16

// comparison is a run of old duplicates of one epoch that turned out alike.
type comparison struct {
	key       frame.StreamKey
	id        frame.StreamID
	epoch     uint32
	from, to  uint64
	identical bool
}

// settle compares duplicates that apply could not, because their fingerprints were forgotten, with what is stored, and commits what it
// finds. The answer's counts move from unverified to duplicate or conflict; what cannot be settled now stays unverified.
func (n *Node) settle(ctx context.Context, r *raftfsm.PartResult) {
	if len(r.Unsettled) == 0 {
		return
	}
	runs := n.compare(r.Unsettled)
	if !n.keepEvidence(ctx, r.Unsettled, runs) {
		return
	}
	var mu sync.Mutex // protects r
	var committing sync.WaitGroup
	slots := make(chan struct{}, maxVerdicts)
	for _, run := range runs {
		slots <- struct{}{}
		committing.Go(func() {
			defer func() { <-slots }()
			v := ledger.Verdict{
				Subject: ledger.Subject{ID: run.id, Key: run.key}, Ordinal: run.epoch, From: run.from, To: run.to, Identical: run.identical,
			}
			if _, err := n.commandHere(ledger.KindVerdict, ledger.CommandVersion, v.Append(nil)); err != nil {
				n.log.Info("duplicate not settled", "device", run.key.Device, "epoch", run.epoch, "from", run.from, "to", run.to, "err", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			count := int(run.to - run.from + 1)
			r.Unverified -= count
			if run.identical {
				r.Duplicate += count
			} else {
				r.Conflict += count
			}
		})
	}
	committing.Wait()
	r.Unsettled = nil
}

// compare looks up the stored frames and groups neighbours that turned out alike.
func (n *Node) compare(list []raftfsm.Unsettled) (runs []comparison) {
	n.state.View(func(v raftfsm.View) {
		for _, u := range list {
			key, ok := v.Ledger.Key(u.Stream)
			row, stored := v.Head.Get(u.Stream, u.Epoch, u.Seq)
			if !ok || !stored {
				continue
			}
			old := frame.Item{TimeNS: row.TimeNS, NoTime: row.Flags&segment.FlagNoTime != 0, Class: row.Class, Body: row.Body}
			identical := row.Fingerprint == u.Item.Fingerprint && bytes.Equal(canonical(key, &u, &old), canonical(key, &u, &u.Item))
			if last := len(runs) - 1; last >= 0 && runs[last].id == u.Stream && runs[last].epoch == u.Epoch &&
				runs[last].to+1 == u.Seq && runs[last].identical == identical {
				runs[last].to = u.Seq
				continue
			}
			runs = append(runs, comparison{key, u.Stream, u.Epoch, u.Seq, u.Seq, identical})
		}
	})
	return runs
}

func canonical(key frame.StreamKey, u *raftfsm.Unsettled, it *frame.Item) []byte {
	var f frame.Frame
	it.Decode(&f)
	return frame.AppendCanonical(nil, key, u.Epoch, u.Seq, &f)
}

// keepEvidence commits the conflicting frames as evidence before any verdict says that they were kept.
func (n *Node) keepEvidence(ctx context.Context, list []raftfsm.Unsettled, runs []comparison) bool {
	var b frame.Builder
	b.Reset(frame.Header{ReceiveMS: n.cfg.Clock().UnixMilli(), Node: n.cfg.Node, Listener: "settle"})
	for _, run := range runs {
		if run.identical {
			continue
		}
		for i := range list {
			if u := &list[i]; u.Stream == run.id && u.Epoch == run.epoch && u.Seq >= run.from && u.Seq <= run.to {
				if err := raftfsm.AddConflict(&b, run.key, u); err != nil {
					n.log.Warn("evidence of a conflict not kept", "device", run.key.Device, "seq", u.Seq, "err", err)
					return false
				}
			}
		}
	}
	if b.Frames() == 0 {
		return true
	}
	batch, err := b.Finish(nil)
	if err == nil {
		_, err = n.proposer.Propose(ctx, &raftfsm.Part{Batch: batch})
	}
	if err != nil {
		n.log.Warn("evidence of conflicts not kept", "frames", b.Frames(), "err", err)
	}
	return err == nil
}
