package gapless

import (
	"context"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/segment"
)

// stored is a frame found in a head or in a segment.
type stored struct {
	key   frame.StreamKey
	frame frame.Frame
}

// lookUp finds the stored frames under the numbers of old duplicates, nil where one cannot be read now. A frame is in one head or in one
// segment of the same moment; segments are read after the lock is gone.
func (n *Node) lookUp(ctx context.Context, list []raftfsm.Unsettled) []*stored {
	found := make([]*stored, len(list))
	keys := make([]frame.StreamKey, len(list))
	var m *segment.Manifest
	n.state.View(func(v raftfsm.View) {
		m = v.Manifest
		heads := append(v.Sealed, v.Head)
		for i := range list {
			keys[i], _ = v.Ledger.Key(list[i].Stream)
			found[i] = inHeads(heads, keys[i], &list[i])
		}
	})
	for i := range list {
		if found[i] != nil {
			continue
		}
		if ctx.Err() != nil { // the rest stays unsettled
			break
		}
		var err error
		if found[i], err = n.inSegments(m, keys[i], &list[i]); err != nil {
			n.log.Info("old duplicate not compared", "device", keys[i].Device, "seq", list[i].Seq, "err", err)
		}
	}
	return found
}

func inHeads(heads []*segment.Head, key frame.StreamKey, u *raftfsm.Unsettled) *stored {
	for _, head := range heads {
		if row, ok := head.Get(u.Stream, u.Epoch, u.Seq); ok {
			s := &stored{key: key, frame: frameOf(&row)}
			row.Body.Decode(&s.frame)
			return s
		}
	}
	return nil
}

// inSegments looks into the newest segments first: most duplicates are young.
func (n *Node) inSegments(m *segment.Manifest, key frame.StreamKey, u *raftfsm.Unsettled) (*stored, error) {
	segments := m.Segments()
	for i := len(segments) - 1; i >= 0; i-- {
		s, err := n.inSegment(segments[i].Name, key, u)
		if s != nil || err != nil {
			return s, err
		}
	}
	return nil, nil
}

func (n *Node) inSegment(name segment.Name, key frame.StreamKey, u *raftfsm.Unsettled) (*stored, error) {
	r, release, err := n.shelf.Open(name)
	if err != nil {
		return nil, err
	}
	defer release()
	e, ok, err := r.Epoch(key, u.Epoch)
	if err != nil || !ok || u.Seq < e.FirstSeq || u.Seq > e.LastSeq {
		return nil, err
	}
	var rec segment.Record
	if ok, err = r.Get(&e, u.Seq, segment.Columns{All: true}, &rec); err != nil || !ok {
		return nil, err
	}
	s := &stored{key: key, frame: frameOf(&rec.Row)}
	s.frame.Fields, s.frame.Raw = rec.Fields, rec.Raw
	return s, nil
}

// frameOf is a row without its values.
func frameOf(row *segment.Row) frame.Frame {
	return frame.Frame{Seq: row.Seq, TimeNS: row.TimeNS, NoTime: row.Flags&segment.FlagNoTime != 0, Class: row.Class}
}
