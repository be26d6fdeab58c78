package slowreader

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// Account is a leaf of a census: what is claimed of one stream (docs/format/census.md).
type Account struct {
	Key    Key // without an epoch
	Epochs []EpochAccount
}

// EpochAccount is the account of one epoch.
type EpochAccount struct {
	Ordinal            uint32
	Is, Has            byte
	Source, Head, Tail byte
	Value              string
	TailMS             int64
	Base, Next         uint64 // expected are Base to Next-1
	SealLast           uint64
	SealCount          uint64
	SplitFrom          uint64
	LinkDelta          uint64
	Offset             uint64
	Wraps              [2]uint64
	Counters           [7]uint64
	Pieces             []Piece
}

// Piece is consecutive numbers, both inclusive, of which the same became.
type Piece struct {
	First, Last uint64
	Kind        byte // 1 stored, 2 OPEN, 3 REQUESTED, 16 + cause
	Reason      string
}

const (
	accountMagic = "gapless/census/v1"

	isBegun      = 1
	isUnnumbered = 2
	isProbation  = 4
	isAmbiguous  = 8

	hasSeal     = 1
	hasCount    = 2
	hasSplit    = 4
	hasLink     = 8
	hasOffset   = 16
	hasWraps    = 32
	hasCounters = 64

	headFirstSeen    = 1
	headProtocolZero = 2
	headDeclared     = 3

	tailLastSeen  = 1
	tailWatermark = 2
	tailSuccessor = 3
	tailSeal      = 4

	pieceStored    = 1
	pieceOpen      = 2
	pieceRequested = 3
	pieceLost      = 16 // and the cause
	pieceReason    = 128

	causeNeverArrived = 11

	maxNext   = 1 << 63
	maxValue  = 64
	maxReason = 256
)

// ParseAccount reads a leaf of a census, and refuses every form but the one that it has.
func ParseAccount(b []byte) (*Account, error) {
	in := &input{rest: b}
	version := in.fixed(len(accountMagic))
	if in.err == nil && string(version) != accountMagic {
		if last := len(version) - 1; string(version[:last]) == accountMagic[:last] {
			return nil, ErrVersion
		}
		in.fail("a leaf begins with %q", version)
	}
	a := &Account{Key: in.streamKey()}
	epochs := in.shortest()
	for i := uint64(1); i <= epochs && in.err == nil; i++ {
		e := EpochAccount{Ordinal: uint32(i)}
		e.read(in)
		if in.err == nil {
			if err := e.check(); err != nil {
				return nil, fmt.Errorf("epoch %d: %w", i, err)
			}
		}
		a.Epochs = append(a.Epochs, e)
	}
	return a, in.end()
}

// streamKey reads three names.
func (in *input) streamKey() (k Key) {
	k.Tenant = in.name(in.shortest())
	k.Device = in.name(in.shortest())
	k.Stream = in.name(in.shortest())
	return k
}

func (e *EpochAccount) read(in *input) {
	e.Is, e.Has, e.Source, e.Head, e.Tail = in.u8(), in.u8(), in.u8(), in.u8(), in.u8()
	e.Value = string(in.take(in.shortest()))
	if e.Tail != tailLastSeen {
		e.TailMS = unzigzag(in.shortest())
	}
	e.Base = in.shortest()
	expected := in.shortest()
	if in.err == nil && (e.Base > maxNext || expected > maxNext-e.Base) {
		in.fail("%d numbers from %d", expected, e.Base)
		return
	}
	e.Next = e.Base + expected
	for _, optional := range []struct {
		bit byte
		to  []*uint64
	}{
		{hasSeal, []*uint64{&e.SealLast}}, {hasCount, []*uint64{&e.SealCount}}, {hasSplit, []*uint64{&e.SplitFrom}},
		{hasLink, []*uint64{&e.LinkDelta}}, {hasOffset, []*uint64{&e.Offset}}, {hasWraps, []*uint64{&e.Wraps[0], &e.Wraps[1]}},
	} {
		for _, to := range optional.to {
			if e.Has&optional.bit != 0 {
				*to = in.shortest()
			}
		}
	}
	for i := range e.Counters {
		if e.Has&hasCounters != 0 {
			e.Counters[i] = in.shortest()
		}
	}
	e.readPieces(in)
}

func (e *EpochAccount) readPieces(in *input) {
	for next := e.Base; next < e.Next && in.err == nil; {
		p := Piece{First: next, Kind: in.u8()}
		numbers := in.shortest()
		if in.err == nil && (numbers == 0 || numbers > e.Next-next) {
			in.fail("a piece of %d numbers from %d, %d are left", numbers, next, e.Next-next)
			return
		}
		next += numbers
		p.Last = next - 1
		if p.Kind >= pieceReason {
			p.Kind -= pieceReason
			p.Reason = string(in.take(in.shortest()))
			bad := p.Reason == "" || len(p.Reason) > maxReason || !utf8.ValidString(p.Reason)
			if in.err == nil && (bad || p.Kind < pieceLost || p.cause() == causeNeverArrived) {
				in.fail("kind %d with the reason %q", p.Kind, p.Reason)
			}
		}
		if cause := p.cause(); in.err == nil && (p.Kind < pieceStored || p.Kind > pieceRequested) && (cause < 1 || cause > causeNeverArrived) {
			in.fail("a piece of kind %d", p.Kind)
		}
		if n := len(e.Pieces); in.err == nil && n > 0 && e.Pieces[n-1].Kind == p.Kind && e.Pieces[n-1].Reason == p.Reason {
			in.fail("two pieces of kind %d at %d", p.Kind, p.First)
		}
		e.Pieces = append(e.Pieces, p)
	}
}

// cause is why the numbers of a piece are missing for good, 0 where they are not.
func (p Piece) cause() int { return max(0, int(p.Kind)-pieceLost) }

// has says whether a bit is there.
func (e *EpochAccount) has(bit byte) bool { return e.Has&bit != 0 }

// check holds an epoch against the rules of its one form.
func (e *EpochAccount) check() error {
	for _, rule := range []struct {
		broken bool
		what   string
	}{
		{e.Is > 15 || e.Has > 127, "a bit that means nothing"},
		{e.Source < 1 || e.Source > 3 || e.Head < 1 || e.Head > 3 || e.Tail < 1 || e.Tail > 4, "source, head or tail"},
		{len(e.Value) > maxValue || e.Value != "" && !isName(e.Value), "its value"},
		{e.has(hasOffset) && e.Offset == 0, "no offset"},
		{e.has(hasWraps) && (e.Wraps[1] == 0 || e.Wraps[0] > e.Wraps[1]), "wraps"},
		{e.has(hasCounters) && slices.Max(e.Counters[:]) == 0, "no counters"},
		{e.has(hasSplit) && (e.SplitFrom == 0 || e.SplitFrom >= uint64(e.Ordinal)), "the epoch it was split from"},
		{e.has(hasLink) && !e.has(hasSplit), "a link to no epoch"},
		{e.has(hasCount) && !e.has(hasSeal), "a count without a seal"},
		{e.Is&isBegun == 0 && (e.Base != 0 || e.Next != 0 || e.Head != headFirstSeen || e.Tail != tailLastSeen), "not begun, and has ends"},
		{e.Head == headProtocolZero && e.Base != 0, "protocol_zero with another base"},
		{e.has(hasSeal) && e.SealLast >= e.Next, "a seal behind its numbers"},
		{(e.Tail == tailSeal) != (e.has(hasSeal) && e.SealLast+1 == e.Next), "a seal and another end"},
	} {
		if rule.broken {
			return damaged("%s: %+v", rule.what, *e)
		}
	}
	return nil
}
