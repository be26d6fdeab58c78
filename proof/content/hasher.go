package content

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/segment"
)

// leafPrefix stands before the bytes of a leaf when they are hashed (RFC 6962); tlog.RecordHash puts it there, too.
const leafPrefix = 0

// keptGroup is the largest room for a group that is kept for the next one.
const keptGroup = 1 << 20

// hasher makes the strips of one epoch after the other from its rows, which come ascending by number.
type hasher struct {
	key   frame.StreamKey
	epoch uint32
	head  []byte // what is hashed before the seal ordinal of each group of the epoch; empty until there is one
	view  blockView

	strips map[uint32]*stripHasher // of the epoch, by ordinal
	last   *stripHasher            // the one that got the rows before
	open   []*stripHasher          // those with a group that is not hashed yet,
	number uint64                  // all of which have this number, seq>>6
	free   []*stripHasher

	frames uint64                                                                  // hashed so far
	rows   func(key frame.StreamKey, epoch uint32, rows *segment.SealedRows) error // called for all rows; nil: nobody wants to know
	group  func(number uint64, group []byte, leaf merkle.Hash)                     // called for each group; nil: nobody wants to know
}

// stripHasher makes one strip.
type stripHasher struct {
	strip Strip // without its root
	edge  merkle.Edge
	group []byte // leafPrefix and the bytes of the group at hand; empty: there is none
	count int    // frames of that group
	shape string // of the last of them
}

func newHasher() *hasher { return &hasher{strips: map[uint32]*stripHasher{}} }

// begin begins an epoch.
func (h *hasher) begin(key frame.StreamKey, epoch uint32) {
	h.key, h.epoch, h.head = key, epoch, h.head[:0]
}

// hash takes the rows of the epoch that a walk is at.
func (h *hasher) hash(walk *segment.SealWalk) error {
	for {
		rows, err := walk.Rows()
		if err != nil || rows == nil {
			return err
		}
		if len(h.head) == 0 {
			if err := h.key.Validate(); err != nil {
				return fmt.Errorf("content: %w", err)
			}
			h.head = appendHead(append(h.head, leafPrefix), groupDomain, h.key, h.epoch)
		}
		if h.rows != nil {
			if err := h.rows(h.key, h.epoch, rows); err != nil {
				return err
			}
		}
		h.add(rows)
	}
}

// add takes rows of one seal ordinal, as many at a time as go into one group and have one shape.
func (h *hasher) add(rows *segment.SealedRows) {
	h.view.use(rows.Block)
	s := h.of(rows.Seal)
	seqs := rows.Block.Seq[:rows.To]
	s.extend(seqs[rows.From:])
	h.frames += uint64(rows.To - rows.From)
	for from := rows.From; from < rows.To; {
		number := seqs[from] >> groupBits
		if number != h.number {
			h.close()
			h.number = number
		}
		to := from + 1
		for to < len(seqs) && seqs[to]>>groupBits == number {
			to++
		}
		l := h.view.layout(from)
		to = h.view.same(from, to)
		if len(s.group) == 0 {
			s.group = binary.LittleEndian.AppendUint32(append(s.group, h.head...), s.strip.Ordinal)
			s.group = append(s.group, 0) // how many frames it has
			s.count, s.shape = 0, ""
			h.open = append(h.open, s)
		}
		s.write(&h.view, l, from, to)
		from = to
	}
}

// of is the strip of an ordinal.
func (h *hasher) of(ordinal uint32) *stripHasher {
	if s := h.last; s != nil && s.strip.Ordinal == ordinal {
		return s
	}
	s := h.strips[ordinal]
	if s == nil {
		if n := len(h.free); n > 0 {
			s, h.free = h.free[n-1], h.free[:n-1]
		} else {
			s = &stripHasher{}
		}
		s.strip = Strip{Key: h.key, Epoch: h.epoch, Ordinal: ordinal, Runs: s.strip.Runs[:0]}
		s.edge = merkle.Edge{Hashes: s.edge.Hashes[:0]}
		h.strips[ordinal] = s
	}
	h.last = s
	return s
}

// extend adds ascending numbers to the strip's runs.
func (s *stripHasher) extend(seqs []uint64) {
	s.strip.Frames += uint64(len(seqs))
	for len(seqs) > 0 {
		n := len(seqs)
		if seqs[n-1]-seqs[0] != uint64(n-1) {
			for n = 1; seqs[n] == seqs[n-1]+1; n++ { // some are missing, so this ends
			}
		}
		run := ledger.Run{First: seqs[0], Last: seqs[n-1]}
		if k := len(s.strip.Runs); k > 0 && s.strip.Runs[k-1].Last+1 == run.First {
			s.strip.Runs[k-1].Last = run.Last
		} else {
			s.strip.Runs = append(s.strip.Runs, run)
		}
		seqs = seqs[n:]
	}
}

// close hashes the groups that are open.
func (h *hasher) close() {
	for _, s := range h.open {
		s.group[len(h.head)+4] = byte(s.count)
		leaf := merkle.Hash(sha256.Sum256(s.group))
		s.edge.Append(leaf)
		if h.group != nil {
			h.group(h.number, s.group[1:], leaf)
		}
		if s.group = s.group[:0]; cap(s.group) > keptGroup {
			s.group = nil
		}
	}
	h.open = h.open[:0]
}

// finish ends the epoch: it gives out its strips, ascending by ordinal.
func (h *hasher) finish(emit func(*Strip) error) error {
	h.close()
	if len(h.strips) == 0 {
		return nil
	}
	from := len(h.free)
	for _, s := range h.strips {
		h.free = append(h.free, s)
	}
	clear(h.strips)
	h.last = nil
	done := h.free[from:]
	slices.SortFunc(done, func(a, b *stripHasher) int { return cmp.Compare(a.strip.Ordinal, b.strip.Ordinal) })
	for _, s := range done {
		s.strip.Root = s.edge.Root()
		if err := emit(&s.strip); err != nil {
			return err
		}
	}
	return nil
}
