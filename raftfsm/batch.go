package raftfsm

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// maxUnsettled bounds the old duplicates of one part whose bytes are compared; the count is always complete.
const maxUnsettled = 1000

// batchApply is the place of the part being applied.
type batchApply struct {
	*FSM
	index   uint64
	ordinal uint32 // of the next frame in the entry
	fault   error  // ledger and head disagree

	undefined map[frame.StreamID]bool // numbers in the part that stay without a stream, for the name of its device; nil nearly always
}

// applyBatch applies the parts of one batch command in order.
func (f *FSM) applyBatch(l *raft.Log, cmd Command) (any, error) {
	n, size := binary.Uvarint(cmd.Body)
	if size <= 0 || n > uint64(len(cmd.Body)) {
		return nil, fmt.Errorf("%w: batch command claims %d parts in %d bytes", ErrHalt, n, len(cmd.Body))
	}
	rest := cmd.Body[size:]
	a := batchApply{FSM: f, index: l.Index}
	results := make([]PartResult, n)
	for i := range results {
		var part Part
		var err error
		if part, rest, err = parsePart(rest); err != nil {
			return nil, fmt.Errorf("%w: part %d of %d: %w", ErrHalt, i, n, err)
		}
		if cmd.Term != l.Term {
			results[i] = PartResult{Err: ErrStale}
			continue
		}
		if results[i], err = a.applyPart(&part); err != nil {
			return nil, fmt.Errorf("%w: part %d of %d: %w", ErrHalt, i, n, err)
		}
	}
	return results, nil
}

// applyPart applies one request, unless its key was answered before.
func (a *batchApply) applyPart(p *Part) (PartResult, error) {
	s := a.state
	if p.Key != "" {
		if first, ok := s.keys.seen(p); ok {
			if first.Sum != p.Sum {
				return PartResult{Err: ErrKeyMismatch}, nil
			}
			result := first.Result
			result.Replayed = true
			return result, nil
		}
	}
	result, err := a.applyFrames(p.Batch)
	if err != nil {
		return result, err
	}
	if result.Err != nil {
		return result, nil
	}
	result.Position = frame.Position{History: s.members.History(), Index: a.index, Ordinal: max(a.ordinal, 1) - 1}
	if p.Key != "" {
		kept := result
		kept.Unsettled = nil
		s.keys.record(p, kept, s.policy.policy.IdempotencyKeys)
	}
	return result, nil
}

// applyFrames shows every frame of a batch to the ledger and keeps those it accepts in the head.
func (a *batchApply) applyFrames(batch []byte) (PartResult, error) {
	var result PartResult
	rd := &a.reader
	if err := rd.Reset(batch); err != nil {
		return result, err
	}
	if !a.current(rd) {
		return PartResult{Err: ErrStale}, nil
	}
	a.undefined = nil
	for def := range rd.Defs() {
		if err := a.define(def); err != nil {
			return result, err
		}
	}
	rd.Rewind()
	receiveMS := rd.Header().ReceiveMS
	var g frame.Group
	var it frame.Item
	for n := uint32(0); rd.NextGroup(&g); {
		reserved := a.reserved(&g)
		for rd.Next(&it) {
			if reserved {
				result.refuse(n, ledger.CodeNameReserved)
			} else {
				a.applyFrame(&result, n, receiveMS, &g, &it)
			}
			n++
		}
	}
	for rej := range rd.Rejects() {
		a.applyReject(&result, receiveMS, &rej)
	}
	return result, a.fault
}

// current reports whether the numbers in a part still fit the ledger. They may not when a heartbeat made the same stream in the
// meantime, or when the entry that was to define a number never came into the log; the leader then numbers the part again.
func (a *batchApply) current(rd *frame.Reader) bool {
	l := a.state.ledger
	defined := map[frame.StreamID]bool{}
	for def := range rd.Defs() {
		id, known := l.ID(def.Key)
		_, taken := l.Key(def.ID)
		if (known && id != def.ID) || (taken && !known) {
			return false
		}
		defined[def.ID] = true
	}
	knows := func(id frame.StreamID) bool {
		_, ok := l.Key(id)
		return ok || defined[id]
	}
	var g frame.Group
	for rd.NextGroup(&g) {
		if !knows(g.Stream) {
			return false
		}
	}
	for rej := range rd.Rejects() {
		if !knows(rej.Group.Stream) {
			return false
		}
	}
	return true
}

// define gives a stream the number its leader assigned. At a limit, or where only apply may write, the stream stays unknown and its frames are refused;
// any other contradiction was ruled out by current.
func (a *batchApply) define(def frame.Def) error {
	if a.state.guardsStream(def.Key, true) {
		if a.undefined == nil {
			a.undefined = map[frame.StreamID]bool{}
		}
		a.undefined[def.ID] = true
		return nil
	}
	define := a.state.ledger.Define
	if a.state.ownDevice(def.Key.Device) {
		define = a.state.ledger.DefineOwn
	}
	err := define(def.ID, def.Key)
	var refused *ledger.CommandError
	if errors.As(err, &refused) && (refused.Code == ledger.CodeTooManyStreams || refused.Code == ledger.CodeIDOutOfRange) {
		return nil
	}
	return err
}

func (a *batchApply) applyFrame(result *PartResult, n uint32, receiveMS int64, g *frame.Group, it *frame.Item) {
	s := a.state
	out := s.ledger.Arrive(g, receiveMS, s.clock.NowMS, it)
	switch out.Status {
	case ledger.Stored:
		a.store(g, receiveMS, &out, it)
		result.Accepted++
		if g.Unseq {
			result.Unnumbered++
		}
	case ledger.Duplicate:
		result.Duplicate++
	case ledger.Conflict:
		result.Conflict++
		a.recordConflict(g.Stream, receiveMS, &out, it)
	case ledger.Unverified:
		result.Unverified++
		if len(result.Unsettled) < maxUnsettled {
			result.Unsettled = append(result.Unsettled, Unsettled{Stream: g.Stream, Epoch: out.Epoch, Seq: out.Seq, Item: *it})
		}
	default:
		result.refuse(n, out.Code)
	}
}

// store keeps an accepted frame at the next ordinal of this entry.
func (a *batchApply) store(g *frame.Group, receiveMS int64, out *ledger.Outcome, it *frame.Item) {
	fresh := a.state.head.Append(g.Stream, out.Epoch, segment.Row{
		Seq: out.Seq, TimeNS: it.TimeNS, ReceiveMS: receiveMS, Class: it.Class, Flags: rowFlags(out, g, it),
		Index: a.index, Ordinal: a.ordinal, Fingerprint: it.Fingerprint, Seal: a.state.ordinal, Body: it.Body,
	})
	if !fresh {
		a.fault = fmt.Errorf("stream %d epoch %d seq %d: new to the ledger, but the head has it", g.Stream, out.Epoch, out.Seq)
	}
	a.ordinal++
}

func (a *batchApply) applyReject(result *PartResult, receiveMS int64, rej *frame.Reject) {
	s := a.state
	result.Rejected++
	if a.reserved(&rej.Group) {
		return
	}
	epoch, seq, known := s.ledger.Reject(&rej.Group, rej.Seq, receiveMS, s.clock.NowMS, rej.Cause)
	if known {
		a.recordDeadLetter(receiveMS, rej, epoch, seq)
	}
}
