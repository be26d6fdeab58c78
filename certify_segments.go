package gapless

import (
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/segment"
)

// fewEpochs is how many epochs are looked for in each segment; for more, every segment is named.
const fewEpochs = 256

// epochOf is an epoch of a certificate, and which numbers of it are in scope; empty: all.
type epochOf struct {
	key     frame.StreamKey
	ordinal uint32
	seq     []uint64
}

// segmentsWith lists the segments that have frames of a certificate's scope, by name.
func (s *certificateSource) segmentsWith(c *certificate.Certificate) (list []certificate.Segment, err error) {
	wanted, few := epochsOf(c)
	for _, info := range s.look.Manifest.Segments() {
		if info.FirstIndex > s.newest.Index {
			continue
		}
		if err := s.ctx.Err(); err != nil {
			return nil, err
		}
		holds := !few
		if few && len(wanted) > 0 {
			if holds, err = s.holds(info.Name, wanted); err != nil {
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

// epochsOf lists the epochs of a certificate that have frames in its scope. few is false where they are too many to look for each.
func epochsOf(c *certificate.Certificate) (wanted []epochOf, few bool) {
	for i := range c.Streams {
		stream := &c.Streams[i]
		for j := range stream.Epochs {
			e := &stream.Epochs[j]
			if e.Stored == 0 {
				continue
			}
			if len(wanted) == fewEpochs {
				return nil, false
			}
			wanted = append(wanted, epochOf{frame.StreamKey{Tenant: c.Scope.Tenant, Device: stream.Device, Stream: stream.Stream}, e.Epoch, e.Seq})
		}
	}
	return wanted, true
}

// holds reports whether a segment may have frames of one of the epochs: it has numbers of it from below the last one in scope to above the first.
func (s *certificateSource) holds(name segment.Name, wanted []epochOf) (bool, error) {
	r, release, err := s.n.shelf.Open(name)
	if err != nil {
		return false, err
	}
	defer release()
	for i := range wanted {
		w := &wanted[i]
		e, ok, err := r.Epoch(w.key, w.ordinal)
		if err != nil {
			return false, err
		}
		if ok && (len(w.seq) == 0 || e.FirstSeq <= w.seq[1] && e.LastSeq >= w.seq[0]) {
			return true, nil
		}
	}
	return false, nil
}
