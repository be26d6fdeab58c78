package certificate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/sign"
)

// ErrScope is found in the error about a request that cannot be met as it is; anything else is the source's error.
var ErrScope = errors.New("certificate: request")

// Source is what one node has of the log, of the trees under it, and of itself, at one moment. Build calls it from one goroutine and closes nothing.
type Source interface {
	// Checkpoint is the note of a checkpoint that its quorum signed.
	Checkpoint() ([]byte, error)
	// ReadHashes reads hashes of the log.
	tlog.HashReader
	// Record is a record of the log. It is asked for those that the checkpoint covers only.
	Record(index int64) ([]byte, error)
	// CensusAt is where the newest CENSUS is that the checkpoint covers, in the log, and SealAt where the SEAL of an ordinal is.
	CensusAt() (index int64, err error)
	SealAt(ordinal uint32) (index int64, err error)
	// Census has the leaves of the census at a Raft index, Strips those of an ordinal. They stay usable until Build returns.
	Census(index uint64) (Leaves, error)
	Strips(ordinal uint32) (Leaves, error)
	// Moments calls fn for the numbers and device times of an epoch, as the function of that name does. It is asked for scopes with a time only.
	Moments(key frame.StreamKey, e *census.Epoch, fn func(Moment)) error
	// Word is what only this node can know, and Sign signs that it issued a certificate.
	Word(scope *Scope) (Word, error)
	Sign(w sign.Word) ([]byte, error)
}

// Word is the issuing node's word on what no proof carries.
type Word struct {
	Issued     time.Time
	Durability Durability
	Uncertain  []Uncertain
	Segments   []Segment // sorted by name
}

// Request says what is to be certified.
type Request struct {
	Scope  Scope
	Since  []int64 // sizes of earlier checkpoints to prove consistency with
	Leaves int64   // most leaves to show, 0 for no limit
}

// Build makes a certificate.
func Build(src Source, req Request) (*Certificate, error) {
	req.Scope.Devices = slices.Compact(slices.Sorted(slices.Values(req.Scope.Devices)))
	if err := req.Scope.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrScope, err)
	}
	b := &builder{src: src, req: &req, left: req.Leaves}
	b.c = &Certificate{V: Version, Kind: Kind, Scope: req.Scope}
	for _, step := range []func() error{b.checkpoint, b.census, b.account, b.seals, b.consistency, b.word} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return b.c, nil
}

type builder struct {
	src    Source
	req    *Request
	c      *Certificate
	signed sign.Checkpoint
	newest *record.Census
	leaves []*census.Leaf // in scope
	left   int64          // leaves that may still be shown
}

func (b *builder) checkpoint() error {
	note, err := b.src.Checkpoint()
	if err != nil {
		return err
	}
	text, _, err := sign.Split(note)
	if err != nil {
		return err
	}
	if b.signed, err = sign.ParseCheckpoint(text); err != nil {
		return err
	}
	b.c.Origin, b.c.Proof.Checkpoint = b.signed.Origin, string(note)
	return nil
}

// entry adds a record of the log and its proof.
func (b *builder) entry(index int64) (record.Record, error) {
	data, err := b.src.Record(index)
	if err != nil {
		return nil, err
	}
	proof, err := tlog.ProveRecord(b.signed.Size, index, b.src)
	if err != nil {
		return nil, fmt.Errorf("certificate: record %d of %d: %w", index, b.signed.Size, err)
	}
	b.c.Proof.Log = append(b.c.Proof.Log, Entry{index, data, append([]merkle.Hash{}, proof...)})
	return record.Parse(data)
}

// shown is the ranges of a tree that belong to the scope. The root is what the log says: a file of leaves with another one is not shown.
func (b *builder) shown(in Leaves, root string, what string) ([]Range, error) {
	if got := in.Root().String(); got != root {
		return nil, fmt.Errorf("certificate: the leaves of %s have root %s, the log says %s: make them again", what, got, root)
	}
	ranges, err := selectRanges(in, b.c.Scope.Spans())
	if err != nil {
		return nil, err
	}
	for i := range ranges {
		b.left -= int64(len(ranges[i].Leaves))
	}
	if b.req.Leaves > 0 && b.left < 0 {
		return nil, fmt.Errorf("%w: it takes more than %d leaves: ask for fewer devices", ErrScope, b.req.Leaves)
	}
	return ranges, nil
}

func (b *builder) census() error {
	at, err := b.src.CensusAt()
	if err != nil {
		return err
	}
	rec, err := b.entry(at)
	if err != nil {
		return err
	}
	c, ok := rec.(*record.Census)
	if !ok {
		return fmt.Errorf("certificate: record %d is no CENSUS", at)
	}
	in, err := b.src.Census(c.Index)
	if err != nil {
		return err
	}
	b.newest, b.c.AsOf = c, AsOf{c.History, c.Index, c.Time}
	b.c.Proof.Census.LogIndex = at
	b.c.Proof.Census.Ranges, err = b.shown(in, c.Root, fmt.Sprintf("the census at %d", c.Index))
	return err
}

func (b *builder) account() error {
	for _, r := range b.c.Proof.Census.Ranges {
		for i, leaf := range r.Leaves {
			l, err := census.Parse(leaf)
			if err != nil {
				return fmt.Errorf("certificate: census leaf %d: %w", r.First+int64(i), err)
			}
			if b.c.Scope.Holds(l.Key) {
				b.leaves = append(b.leaves, l)
			}
		}
	}
	account, err := Restate(&b.c.Scope, b.leaves, b.within)
	if err != nil {
		return err
	}
	b.c.Verdict, b.c.Statement, b.c.Streams, b.c.NotProven = account.Verdict, account.Statement, account.Streams, account.NotProven
	return nil
}

func (b *builder) within(key frame.StreamKey, e *census.Epoch) ([]uint64, error) {
	return b.c.Scope.Numbers(e, func(fn func(Moment)) error { return b.src.Moments(key, e, fn) })
}

// Numbers is which numbers of an epoch may lie in the scope's time, for which moments gives the device times: the first and the last, or none.
func (s *Scope) Numbers(e *census.Epoch, moments func(fn func(Moment)) error) ([]uint64, error) {
	from, to, err := s.Times()
	if err != nil {
		return nil, err
	}
	t := Timing{From: from, To: to, Base: e.Base, Next: e.Next}
	if err := moments(t.Add); err != nil {
		return nil, err
	}
	return t.Range(), nil
}

func (b *builder) seals() error {
	b.c.Proof.Seals = make([]SealTree, 0, b.newest.Seal)
	for n := uint32(1); n <= b.newest.Seal; n++ {
		at, err := b.src.SealAt(n)
		if err != nil {
			return err
		}
		rec, err := b.entry(at)
		if err != nil {
			return err
		}
		seal, ok := rec.(*record.Seal)
		if !ok || seal.Ordinal != n {
			return fmt.Errorf("certificate: record %d is not the SEAL of ordinal %d", at, n)
		}
		in, err := b.src.Strips(n)
		if err != nil {
			return err
		}
		ranges, err := b.shown(in, seal.Root, fmt.Sprintf("ordinal %d", n))
		if err != nil {
			return err
		}
		b.c.Proof.Seals = append(b.c.Proof.Seals, SealTree{at, n, ranges})
	}
	slices.SortFunc(b.c.Proof.Log, func(x, y Entry) int { return cmp.Compare(x.Index, y.Index) })
	return nil
}

func (b *builder) consistency() error {
	b.c.Proof.Consistency = []Consistency{}
	for _, size := range slices.Compact(slices.Sorted(slices.Values(b.req.Since))) {
		if size < 1 || size > b.signed.Size {
			return fmt.Errorf("%w: since a checkpoint of size %d: the newest has %d", ErrScope, size, b.signed.Size)
		}
		root, err := tlog.TreeHash(size, b.src)
		if err != nil {
			return fmt.Errorf("certificate: root at size %d: %w", size, err)
		}
		proof, err := tlog.ProveTree(b.signed.Size, size, b.src)
		if err != nil {
			return fmt.Errorf("certificate: since size %d: %w", size, err)
		}
		b.c.Proof.Consistency = append(b.c.Proof.Consistency, Consistency{size, root, append([]merkle.Hash{}, proof...)})
	}
	return nil
}

// word adds what is the issuer's own, and lets it sign the whole.
func (b *builder) word() error {
	w, err := b.src.Word(&b.c.Scope)
	if err != nil {
		return err
	}
	b.c.Issued, b.c.Durability = w.Issued.UTC().Format(time.RFC3339), w.Durability
	b.c.Uncertain = append([]Uncertain{}, w.Uncertain...)
	b.c.Segments = append([]Segment{}, w.Segments...)
	sum, err := b.c.Sum()
	if err != nil {
		return err
	}
	note, err := b.src.Sign(sign.Word{Origin: b.c.Origin, SHA256: sum})
	if err != nil {
		return err
	}
	b.c.Proof.Issuer = string(note)
	return nil
}
