package certificate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/sign"
)

// Why Build refuses a request; anything else is the source's error.
var (
	ErrScope = errors.New("certificate: request") // it cannot be met as it is
	ErrLimit = errors.New("certificate: limit")   // the certificate would be larger than the request allows
)

// Source is what one node has of the log, of the trees under it, and of itself, at one moment. Build calls it from one goroutine and closes nothing.
type Source interface {
	// Checkpoint is the note of a checkpoint that its quorum signed.
	Checkpoint() ([]byte, error)
	// ReadHashes reads hashes of the log.
	tlog.HashReader
	// Record is a record of the log. It is asked for those that the checkpoint covers only.
	Record(index int64) ([]byte, error)
	// CensusAt is where the newest CENSUS is that the checkpoint covers, as its last record says, and SealAt where the SEAL of an ordinal is.
	CensusAt() (index int64, err error)
	SealAt(ordinal uint32) (index int64, err error)
	// Census has the leaves of the census at a Raft index, Strips those of an ordinal. They stay usable until Build returns.
	Census(index uint64) (Leaves, error)
	Strips(ordinal uint32) (Leaves, error)
	// Moments calls fn for the numbers and device times of an epoch, as Moments.Of does. It is asked for scopes with a time only, and for epochs in
	// ascending order.
	Moments(key frame.StreamKey, e *census.Epoch, fn func(Moment) error) error
	// Word is what only this node can know about a certificate whose streams are stated, and Sign signs that it issued one.
	Word(c *Certificate) (Word, error)
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
	Scope Scope
	Since []int64 // sizes of earlier checkpoints to prove consistency with
	Bytes int64   // most bytes of leaves, proofs and gaps, as they are written; 0 for DefaultBytes
}

// maxSince is how many checkpoints a request may have: each costs a proof of the whole log.
const maxSince = 64

// Check puts a request's lists in order, and says with ErrScope what no log could meet of it.
func (r *Request) Check() error {
	r.Scope.Devices = slices.Compact(slices.Sorted(slices.Values(r.Scope.Devices)))
	r.Since = slices.Compact(slices.Sorted(slices.Values(r.Since)))
	if err := r.Scope.check(); err != nil {
		return fmt.Errorf("%w: %w", ErrScope, err)
	}
	if n := len(r.Since); n > maxSince {
		return fmt.Errorf("%w: since %d checkpoints: %d at most", ErrScope, n, maxSince)
	}
	if len(r.Since) > 0 && r.Since[0] < 1 {
		return fmt.Errorf("%w: since a checkpoint of size %d", ErrScope, r.Since[0])
	}
	return nil
}

// DefaultBytes is how large a certificate may be, about, unless the request says otherwise.
const DefaultBytes = 256 << 20

// Build makes a certificate. It ends with the error of ctx when that is done.
func Build(ctx context.Context, src Source, req Request) (*Certificate, error) {
	if err := req.Check(); err != nil {
		return nil, err
	}
	limit := cmp.Or(req.Bytes, DefaultBytes)
	b := &builder{src: src, req: &req, room: &room{ctx, limit, limit}, wants: stored{epochs: map[leaves.Key]uint64{}}}
	b.c = &Certificate{V: Version, Kind: Kind, Scope: req.Scope}
	for _, step := range []func() error{b.checkpoint, b.census, b.account, b.seals, b.sorted, b.consistency, b.word} {
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
	wants  stored
	room   *room
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
	if err := errors.Join(b.room.leaf(data), b.room.proof(proof)); err != nil {
		return nil, err
	}
	b.c.Proof.Log = append(b.c.Proof.Log, Entry{index, data, append([]merkle.Hash{}, proof...)})
	return record.Parse(data)
}

// census shows the newest CENSUS of the log, and the record that says so: the last one.
func (b *builder) census() error {
	last := b.signed.Size - 1
	rec, err := b.entry(last)
	if err != nil {
		return err
	}
	named, ok := NewestCensus(rec, last)
	if !ok {
		return fmt.Errorf("certificate: record %d, the last one, does not say where the newest CENSUS is", last)
	}
	at, err := b.src.CensusAt()
	if err != nil {
		return err
	}
	if at != named {
		return fmt.Errorf("certificate: the newest CENSUS is record %d by record %d, and record %d by this node", named, last, at)
	}
	if at != last {
		if rec, err = b.entry(at); err != nil {
			return err
		}
	}
	if b.newest, ok = rec.(*record.Census); !ok {
		return fmt.Errorf("certificate: record %d is no CENSUS", at)
	}
	b.c.AsOf, b.c.Proof.Census.LogIndex = AsOf{b.newest.History, b.newest.Index, b.newest.At}, at
	return b.c.Scope.Over(b.c.AsOf.Time)
}

// NewestCensus is the number of the newest CENSUS in a log, by its last record. It is false for one that nodes sign no log with.
func NewestCensus(last record.Record, at int64) (index int64, ok bool) {
	switch r := last.(type) {
	case *record.Census:
		return at, true
	case *record.Seal:
		return r.Census, true
	case *record.Key:
		return r.Census, true
	}
	return 0, false
}

// account shows the leaves of the scope, and says what they say. One leaf may be large, so each is forgotten before the next.
func (b *builder) account() error {
	what := fmt.Sprintf("the census at %d", b.newest.Index)
	in, err := b.src.Census(b.newest.Index)
	if err != nil {
		return err
	}
	if err := sameRoot(in, b.newest.Root, what); err != nil {
		return err
	}
	if b.c.Proof.Census.Ranges, err = selectRanges(in, b.c.Scope.Spans(), b.room); err != nil {
		return err
	}
	r := newRestating(&b.c.Scope, b.within, b.room)
	for _, g := range b.c.Proof.Census.Ranges {
		for i, leaf := range g.Leaves {
			if err := b.room.take(0); err != nil { // who has no epoch in scope takes no room, but time
				return err
			}
			l, err := census.Parse(leaf)
			if err != nil {
				return fmt.Errorf("certificate: leaf %d of %s: %w", g.First+int64(i), what, err)
			}
			if !b.c.Scope.Holds(l.Key) {
				continue
			}
			b.wants.want(l, &b.c.Scope)
			if err := r.stream(l); err != nil {
				return err
			}
		}
	}
	a := r.end()
	b.c.Verdict, b.c.Statement, b.c.Streams, b.c.NotProven = a.Verdict, a.Statement, a.Streams, a.NotProven
	return nil
}

// sameRoot makes sure that leaves are those that the log speaks of.
func sameRoot(in Leaves, root string, what string) error {
	if got := in.Root().String(); got != root {
		return fmt.Errorf("certificate: the leaves of %s have root %s, the log says %s: make them again", what, got, root)
	}
	return nil
}

func (b *builder) within(key frame.StreamKey, e *census.Epoch) ([]uint64, error) {
	return b.c.Scope.Numbers(key, e, func(fn func(Moment) error) error { return b.src.Moments(key, e, fn) })
}

// Numbers is which numbers of an epoch may lie in the scope's time, for which moments gives the device times: the first and the last, or none.
func (s *Scope) Numbers(key frame.StreamKey, e *census.Epoch, moments func(fn func(Moment) error) error) ([]uint64, error) {
	t, err := s.Timing(key, e)
	if err != nil {
		return nil, err
	}
	if err := moments(t.Add); err != nil {
		return nil, err
	}
	return t.Range(), nil
}

// Timing is one of an epoch for the scope's time.
func (s *Scope) Timing(key frame.StreamKey, e *census.Epoch) (*Timing, error) {
	from, to, err := s.Times()
	return &Timing{Key: leaves.Key{StreamKey: key, Epoch: e.Ordinal}, From: from, To: to, Base: e.Base, Next: e.Next}, err
}

func (b *builder) sorted() error {
	slices.SortFunc(b.c.Proof.Log, func(x, y Entry) int { return cmp.Compare(x.Index, y.Index) })
	return nil
}

func (b *builder) consistency() error {
	b.c.Proof.Consistency = []Consistency{}
	for _, size := range b.req.Since {
		if err := b.room.take(rangeBytes + hashBytes); err != nil {
			return err
		}
		if size > b.signed.Size {
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
		if err := b.room.proof(proof); err != nil {
			return err
		}
		b.c.Proof.Consistency = append(b.c.Proof.Consistency, Consistency{size, root, append([]merkle.Hash{}, proof...)})
	}
	return nil
}

// word adds what is the issuer's own, and lets it sign the whole.
func (b *builder) word() error {
	w, err := b.src.Word(b.c)
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
