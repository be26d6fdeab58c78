package ledger

import (
	"math/bits"

	"github.com/gaplessdb/gapless/frame"
)

// firstUnseq is the number that the server gives to the first frame of an epoch without numbers.
const firstUnseq = 1

// arriveUnseq gives the next number to a frame that has none. Such an epoch has no gaps by construction, and so no proof of completeness. A frame with the
// content and device time of one of the last 64 is stored and counted as a suspected duplicate.
func (l *Ledger) arriveUnseq(s owned, g *frame.Group, it *frame.Item) Outcome {
	if len(g.Epoch) > frame.MaxEpochBytes {
		return refused(CodeBadEpoch)
	}
	e, opened := s.targetUnseq(g.Epoch), false
	if e == nil {
		source := SourceInferred
		if g.Epoch != "" {
			source = SourceDeclared
		}
		if e = l.open(s, g.Epoch, source); e == nil {
			return refused(CodeTooManyEpochs)
		}
		s.beginUnseq(e)
		opened = true
	}
	if e.next > MaxSeq {
		return refused(CodeSeqOutOfRange)
	}
	n := e.next
	suspected := e.rememberUnseq(n, it)
	e.next++
	e.cov.Add(n)
	e.stored++
	skewed := l.skewed(it)
	if skewed {
		e.more().skewed++
	} else if !it.NoTime {
		e.maxTime = max(e.maxTime, it.TimeNS)
	}
	return Outcome{Status: Stored, Epoch: e.ordinal, Seq: n, Skew: skewed, NewEpoch: opened, SuspectedDuplicate: suspected}
}

// beginUnseq makes a new epoch the current one, of frames without numbers.
func (s owned) beginUnseq(e *epoch) {
	e.unseq, e.zero = true, false
	e.begun, e.base, e.next = true, firstUnseq, firstUnseq
	s.makeCurrent(e)
}

// Renumber lets the frames without a number that come from now on begin with the first one again, whatever was said of the stream before: in a new epoch,
// beyond the limit of epochs if need be. A stream without an epoch stays as it is.
func (l *Ledger) Renumber(key frame.StreamKey) {
	id, _ := l.ID(key)
	if s := l.own(id); s.stream != nil && len(s.epochs) > 0 {
		s.beginUnseq(l.add(s, "", SourceInferred))
	}
}

// targetUnseq is the epoch that takes frames without numbers.
func (s owned) targetUnseq(value string) *epoch {
	if value == "" && s.cur != nil && s.cur.unseq {
		return s.cur
	}
	return s.line(value, true)
}

// rememberUnseq keeps a mark of content and device time, after it looked for an equal one, and reports whether there is. Without device
// time equal content proves nothing.
func (e *epoch) rememberUnseq(n uint64, it *frame.Item) (suspected bool) {
	if e.ring == nil {
		return false
	}
	slot := n % ringSize
	if it.NoTime {
		e.ringSet &^= 1 << slot
		return false
	}
	t := uint64(it.TimeNS) * 0x9e3779b97f4a7c15 // spread the time over the upper half
	mark := it.Fingerprint ^ uint32(t>>32)
	for left := e.ringSet; left != 0; left &= left - 1 {
		if e.ring[bits.TrailingZeros64(left)] == mark {
			e.more().suspected++
			suspected = true
			break
		}
	}
	e.ring[slot] = mark
	e.ringSet |= 1 << slot
	return suspected
}
