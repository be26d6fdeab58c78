package census

import (
	"encoding/binary"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/ledger/canon"
)

// A leaf, version 1. Numbers are uvarints in their shortest form, text is a uvarint length and that many bytes.
//
//	leaf   = "gapless/census/v1", tenant text, device text, stream text, epochs uvarint, epochs x epoch
//	epoch  = is u8, has u8, source u8, head u8, tail u8, value text,
//	         [tail's time, ms: zigzag varint]            unless the tail is last_seen
//	         base, expected,
//	         [last of the seal] [count of the seal]      has: sealed, counted
//	         [epoch it was split from] [link's delta]    has: after, linked
//	         [offset] [least wraps, greatest wraps]      has: offset, wraps
//	         [7 counters]                                has: counters
//	         pieces, ascending, until they are expected numbers
//	piece  = kind u8, numbers uvarint, [reason text]     kind: 1 stored, 2 OPEN, 3 REQUESTED, 16+cause final; +128 with a reason
const (
	magic = "gapless/census/v1"

	kindStored    = 1
	kindOpen      = 2
	kindRequested = 3
	kindCause     = 16
	kindReason    = 128
)

// Append appends the bytes of a leaf that Walk or Parse made.
func (l *Leaf) Append(dst []byte) []byte {
	dst = append(dst, magic...)
	dst = canon.AppendText(dst, l.Key.Tenant)
	dst = canon.AppendText(dst, l.Key.Device)
	dst = canon.AppendText(dst, l.Key.Stream)
	dst = binary.AppendUvarint(dst, uint64(len(l.Epochs)))
	for i := range l.Epochs {
		dst = l.Epochs[i].append(dst)
	}
	return dst
}

func (e *Epoch) append(dst []byte) []byte {
	offset, wraps, counters := e.Offset > 0, e.Wraps[1] > 0, e.counted()
	dst = canon.AppendFlags(dst, e.Begun, e.Unnumbered, e.Probation, e.Ambiguous)
	dst = canon.AppendFlags(dst, e.Sealed, e.Counted, e.After > 0, e.Linked, offset, wraps, counters)
	dst = append(dst, byte(e.Source), byte(e.Head), byte(e.Tail))
	dst = canon.AppendText(dst, e.Value)
	if e.Tail != TailLastSeen {
		dst = binary.AppendVarint(dst, e.TailMS)
	}
	dst = binary.AppendUvarint(dst, e.Base)
	dst = binary.AppendUvarint(dst, e.Expected())
	for _, f := range []struct {
		has bool
		n   uint64
	}{
		{e.Sealed, e.SealLast}, {e.Counted, e.SealCount}, {e.After > 0, uint64(e.After)}, {e.Linked, e.LinkDelta},
		{offset, e.Offset}, {wraps, e.Wraps[0]}, {wraps, e.Wraps[1]},
	} {
		if f.has {
			dst = binary.AppendUvarint(dst, f.n)
		}
	}
	if counters {
		for _, c := range e.counters() {
			dst = binary.AppendUvarint(dst, *c)
		}
	}
	return e.appendPieces(dst)
}

// counted reports whether any counter is not zero.
func (e *Epoch) counted() bool {
	any := uint64(0)
	for _, c := range e.counters() {
		any |= *c
	}
	return any != 0
}

// appendPieces lays runs and gaps one behind the other.
func (e *Epoch) appendPieces(dst []byte) []byte {
	runs, gaps := e.Runs, e.Gaps
	for len(runs)+len(gaps) > 0 {
		if len(gaps) == 0 || len(runs) > 0 && runs[0].First < gaps[0].First {
			dst = binary.AppendUvarint(append(dst, kindStored), runs[0].Last-runs[0].First+1)
			runs = runs[1:]
			continue
		}
		dst = gaps[0].append(dst)
		gaps = gaps[1:]
	}
	return dst
}

func (g *Gap) append(dst []byte) []byte {
	kind := g.kind()
	dst = binary.AppendUvarint(append(dst, kind), g.Count())
	if kind&kindReason != 0 {
		dst = canon.AppendText(dst, g.Reason)
	}
	return dst
}

func (g *Gap) kind() byte {
	switch {
	case g.State == ledger.StateRequested:
		return kindRequested
	case g.Cause == 0:
		return kindOpen
	case g.Reason != "":
		return kindCause + byte(g.Cause) | kindReason
	}
	return kindCause + byte(g.Cause)
}

// gapOf is a gap of a kind without its numbers, false for a kind that there is not.
func gapOf(kind byte) (g Gap, ok bool) {
	switch kind {
	case kindOpen:
		return Gap{State: ledger.StateOpen}, true
	case kindRequested:
		return Gap{State: ledger.StateRequested}, true
	}
	cause := frame.Cause(kind&^kindReason - kindCause)
	return Gap{State: stateOf(cause), Cause: cause}, known(cause)
}

// known reports whether numbers of a leaf can be missing for a cause.
func known(cause frame.Cause) bool { return cause.Exact() || cause == frame.CauseNeverArrived }

// stateOf is the state of numbers that are missing for good.
func stateOf(cause frame.Cause) ledger.State {
	if cause == frame.CauseExpired || cause == frame.CauseErased {
		return ledger.StateExpired
	}
	return ledger.StateFinal
}
