package gapless

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/segment"
)

// certificateSource is what this node has for one certificate, as of the newest checkpoint. It is for one goroutine.
type certificateSource struct {
	n      *Node
	ctx    context.Context
	look   proof.Look
	newest proof.Checkpoint
	key    sign.Key // with which it is signed: the one that the log has of this server

	file    *leaves.File         // that is looked at, nil: none
	moments *certificate.Moments // in the segments that may hold frames of the census, once somebody asked for times,
	release func()               // and what gives them back
}

// close gives everything back.
func (s *certificateSource) close() {
	s.closeFile()
	if s.release != nil {
		s.release()
	}
}

func (s *certificateSource) closeFile() {
	if s.file == nil {
		return
	}
	if err := s.file.Close(); err != nil {
		s.n.log.Warn("a file of the proof could not be closed", "err", err)
	}
	s.file = nil
}

// Checkpoint implements certificate.Source.
func (s *certificateSource) Checkpoint() ([]byte, error) { return s.n.checkpointNote(&s.look), nil }

// ReadHashes implements certificate.Source.
func (s *certificateSource) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	return logHashes{s.n}.ReadHashes(indexes)
}

// Record implements certificate.Source.
func (s *certificateSource) Record(index int64) ([]byte, error) {
	data, ok := s.n.sealer.RecordAt(index)
	if !ok {
		return nil, fmt.Errorf("%w: record %d of the log", proof.ErrNotCounted, index)
	}
	return data, nil
}

// CensusAt implements certificate.Source.
func (s *certificateSource) CensusAt() (int64, error) {
	_, at, ok := s.n.sealer.CensusOf(s.newest.Index)
	if !ok {
		return 0, fmt.Errorf("%w: the CENSUS at %d", proof.ErrNotCounted, s.newest.Index)
	}
	return at, nil
}

// SealAt implements certificate.Source.
func (s *certificateSource) SealAt(ordinal uint32) (int64, error) {
	_, at, ok := s.n.sealer.SealOf(ordinal)
	if !ok {
		return 0, fmt.Errorf("%w: the SEAL of ordinal %d", proof.ErrNotCounted, ordinal)
	}
	return at, nil
}

// Census implements certificate.Source.
func (s *certificateSource) Census(index uint64) (certificate.Leaves, error) {
	c, _, _ := s.n.sealer.CensusOf(index)
	return s.leaves(leaves.Census, index, c.Root)
}

// Strips implements certificate.Source.
func (s *certificateSource) Strips(ordinal uint32) (certificate.Leaves, error) {
	seal, _, _ := s.n.sealer.SealOf(ordinal)
	return s.leaves(leaves.Strips, uint64(ordinal), seal.Root)
}

// leaves opens a file of the archive in the place of the one before: a certificate looks at one after the other.
func (s *certificateSource) leaves(kind leaves.Kind, number uint64, root string) (certificate.Leaves, error) {
	s.closeFile()
	f, err := s.n.counted(kind, number, root)
	if err != nil {
		return nil, err
	}
	s.file = f
	return f, nil
}

// Moments implements certificate.Source. Every frame of the census is in the segments of a floor behind it. They are opened once for all epochs.
func (s *certificateSource) Moments(key frame.StreamKey, e *census.Epoch, fn func(certificate.Moment) error) (err error) {
	if s.moments == nil {
		var in []*segment.Reader
		if in, s.release, err = s.n.segmentsOf(s.look.Manifest, 0, s.newest.Index); err != nil {
			return err
		}
		if s.moments, err = certificate.NewMoments(s.ctx, in); err != nil {
			return err
		}
	}
	return s.moments.Of(key, e, fn)
}

// Word implements certificate.Source.
func (s *certificateSource) Word(c *certificate.Certificate) (w certificate.Word, err error) {
	voters := s.n.voterCount()
	w = certificate.Word{
		Issued: s.n.cfg.Clock(), Durability: certificate.Durability{Fsync: "before_ack", Voters: voters, Quorum: voters/2 + 1}, Uncertain: s.n.uncertain(),
	}
	w.Segments, err = s.segmentsWith(c)
	return w, err
}

// Sign implements certificate.Source.
func (s *certificateSource) Sign(w sign.Word) ([]byte, error) {
	return s.key.SignWord(s.n.cfg.Node, w)
}
