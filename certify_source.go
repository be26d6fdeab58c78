package gapless

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/segment"
)

// certificateSource is what this node has for one certificate, as of the newest checkpoint. It is for one goroutine.
type certificateSource struct {
	n      *Node
	ctx    context.Context
	look   proof.Look
	newest proof.Checkpoint
	open   []io.Closer
}

func (s *certificateSource) close() {
	if err := closing(nil, s.open...); err != nil {
		s.n.log.Warn("files of the proof could not be closed", "err", err)
	}
	s.open = nil
}

// Checkpoint implements certificate.Source.
func (s *certificateSource) Checkpoint() ([]byte, error) { return []byte(s.look.Section.Note()), nil }

// ReadHashes implements certificate.Source.
func (s *certificateSource) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	return s.n.sealer.Store().ReadHashes(indexes)
}

// Record implements certificate.Source.
func (s *certificateSource) Record(index int64) (data []byte, err error) {
	err = s.n.logRecords(s.ctx, index, 1, func(_ int64, b []byte) error {
		data = slices.Clone(b)
		return nil
	})
	if err == nil && data == nil {
		err = fmt.Errorf("gapless: record %d of the log is not here", index)
	}
	return data, err
}

// CensusAt implements certificate.Source.
func (s *certificateSource) CensusAt() (int64, error) {
	_, at, ok := s.n.sealer.CensusOf(s.newest.Index)
	if !ok {
		return 0, fmt.Errorf("gapless: the CENSUS at %d is not in the log here", s.newest.Index)
	}
	return at, nil
}

// SealAt implements certificate.Source.
func (s *certificateSource) SealAt(ordinal uint32) (int64, error) {
	_, at, ok := s.n.sealer.SealOf(ordinal)
	if !ok {
		return 0, fmt.Errorf("gapless: the SEAL of ordinal %d is not in the log here", ordinal)
	}
	return at, nil
}

// Census implements certificate.Source.
func (s *certificateSource) Census(index uint64) (certificate.Leaves, error) {
	return s.file(leaves.Census, index)
}

// Strips implements certificate.Source.
func (s *certificateSource) Strips(ordinal uint32) (certificate.Leaves, error) {
	return s.file(leaves.Strips, uint64(ordinal))
}

// file opens a file of the archive in the place of the one before: a certificate looks at one after the other.
func (s *certificateSource) file(kind leaves.Kind, number uint64) (certificate.Leaves, error) {
	s.close()
	f, err := s.n.sealer.Archive().Open(kind, number)
	if err != nil {
		return nil, s.n.notCounted(err)
	}
	s.open = append(s.open, f)
	return f, nil
}

// Moments implements certificate.Source. Every frame of the census is in the segments of a floor behind it.
func (s *certificateSource) Moments(key frame.StreamKey, e *census.Epoch, fn func(certificate.Moment)) error {
	var in []*segment.Reader
	for _, info := range s.look.Manifest.Segments() {
		if info.FirstIndex > s.newest.Index {
			continue
		}
		r, release, err := s.n.shelf.Open(info.Name)
		if err != nil {
			return err
		}
		defer release()
		in = append(in, r)
	}
	return certificate.Moments(in, key, e.Ordinal, e.Runs, fn)
}

// Word implements certificate.Source.
func (s *certificateSource) Word(scope *certificate.Scope) (w certificate.Word, err error) {
	voters := s.n.voterCount()
	w = certificate.Word{
		Issued: s.n.cfg.Clock(), Durability: certificate.Durability{Fsync: "before_ack", Voters: voters, Quorum: voters/2 + 1}, Uncertain: s.n.uncertain(),
	}
	w.Segments, err = s.segments(scope)
	return w, err
}

// segments lists the segments that have frames of the scope, by name.
func (s *certificateSource) segments(scope *certificate.Scope) (list []certificate.Segment, err error) {
	keys, few := s.streams(scope)
	for _, info := range s.look.Manifest.Segments() {
		if info.FirstIndex > s.newest.Index {
			continue
		}
		holds := !few
		if few {
			if holds, err = s.holds(info.Name, keys); err != nil {
				return nil, err
			}
		}
		if holds {
			list = append(list, certificate.Segment{Name: info.Name.String(), Bytes: info.Bytes, Frames: info.Frames})
		}
	}
	slices.SortFunc(list, func(a, b certificate.Segment) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// fewStreams is how many streams are looked for in each segment; for more, every segment is named.
const fewStreams = 256

// epochOf names one epoch of a stream.
type epochOf struct {
	key     frame.StreamKey
	ordinal uint32
}

// streams lists the epochs of a scope. few is false where there are too many to look for each.
func (s *certificateSource) streams(scope *certificate.Scope) (keys []epochOf, few bool) {
	prefixes := scope.Devices
	if scope.Prefix != nil {
		prefixes = []string{*scope.Prefix}
	}
	few = len(prefixes) <= fewStreams
	s.n.state.View(func(v raftfsm.View) {
		for i := 0; few && i < len(prefixes); i++ {
			v.Ledger.Streams(scope.Tenant, prefixes[i], "", func(id frame.StreamID, key frame.StreamKey) bool {
				if !scope.Holds(key) && scope.Prefix == nil {
					return key.Device == prefixes[i] // of others, whose names only begin so, nothing is wanted
				}
				sum, _ := v.Ledger.Summary(id)
				for ordinal := uint32(1); ordinal <= uint32(sum.Epochs); ordinal++ {
					keys = append(keys, epochOf{key, ordinal})
				}
				few = len(keys) <= fewStreams
				return few
			})
		}
	})
	return keys, few
}

// holds reports whether a segment has frames of one of the epochs.
func (s *certificateSource) holds(name segment.Name, keys []epochOf) (bool, error) {
	r, release, err := s.n.shelf.Open(name)
	if err != nil {
		return false, err
	}
	defer release()
	for _, k := range keys {
		if _, ok, err := r.Epoch(k.key, k.ordinal); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// Sign implements certificate.Source.
func (s *certificateSource) Sign(w sign.Word) ([]byte, error) {
	return s.n.sealer.Key().SignWord(s.n.cfg.Node, w)
}
