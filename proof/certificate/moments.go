package certificate

import (
	"context"
	"fmt"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/segment"
)

// Moments reads device times out of segments, of one epoch after the other, ascending. Each block is decoded once, whatever number of epochs it has rows
// of. It is for one goroutine.
type Moments struct {
	walk *segment.SealWalk
	last leaves.Key
}

// NewMoments begins to read. It ends with the error of ctx when that is done.
func NewMoments(ctx context.Context, in []*segment.Reader) (*Moments, error) {
	walk, err := segment.WalkTimes(in, func(int) error { return ctx.Err() })
	return &Moments{walk: walk}, err
}

// Of calls fn for the frames of an epoch that have a device time, by number, each once: those that the census calls stored. Others came behind it. A
// frame with another time in another segment is a *segment.ConflictError. An error of fn ends it.
func (m *Moments) Of(key frame.StreamKey, e *census.Epoch, fn func(Moment) error) error {
	k := leaves.Key{StreamKey: key, Epoch: e.Ordinal}
	if k.Compare(m.last) <= 0 {
		return fmt.Errorf("certificate: the times of %s are asked for behind those of %s", k, m.last)
	}
	m.last = k
	if len(e.Runs) == 0 {
		return nil
	}
	if found, err := m.walk.Find(key, e.Ordinal); err != nil || !found {
		return err
	}
	for runs := e.Runs; ; {
		rows, err := m.walk.Rows()
		if err != nil || rows == nil {
			return err
		}
		err = EachMoment(rows, func(m Moment) error {
			for len(runs) > 0 && runs[0].Last < m.Seq {
				runs = runs[1:]
			}
			if len(runs) > 0 && runs[0].First <= m.Seq {
				return fn(m)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// EachMoment calls fn for the rows that have a device time, until it returns an error.
func EachMoment(rows *segment.SealedRows, fn func(Moment) error) error {
	for i := rows.From; i < rows.To; i++ {
		if rows.Block.NoTime(i) {
			continue
		}
		if err := fn(Moment{rows.Block.Seq[i], rows.Block.TimeNS[i]}); err != nil {
			return err
		}
	}
	return nil
}
