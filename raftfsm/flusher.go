package raftfsm

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/raftfsm/floor"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// FlusherOptions is what a flusher works with. All are required.
type FlusherOptions struct {
	State     *State
	FS        vfs.FS
	Dir       string                                   // where segments are written
	Added     func(segment.Info) error                 // told of each segment before its floor is published
	Wanted    func(*segment.Manifest)                  // told of the manifest of each floor before readers see it
	Done      func()                                   // told when readers see it
	Prune     func(keep func(segment.Name) bool) error // told after each floor to remove the segments that keep refuses: no floor lists them
	Stuck     func()                                   // told every second while a flush finds the disk full
	Floors    *floor.Store
	Partition uint32
	Logger    *slog.Logger
	Metrics   *Metrics
	Fatal     func(error) // called when a flush failed for any other reason than a full disk: the disk, or this node's state, cannot be believed
}

// Flusher turns sealed heads into segments and publishes their floors, one after the other. What it writes is a function of the log,
// so a crash at any point is repaired by doing it again. It is for one goroutine.
type Flusher struct {
	opt  FlusherOptions
	wait time.Duration // before the next attempt at a head for which there was no room; 0 after a flush
}

// NewFlusher returns a flusher that does nothing before Run or Step.
func NewFlusher(opt FlusherOptions) *Flusher { return &Flusher{opt: opt} }

// Run flushes until ctx ends, or a flush fails in a way after which the node cannot go on.
func (f *Flusher) Run(ctx context.Context) {
	for ctx.Err() == nil {
		changed := f.opt.State.Changed()
		sealed := f.opt.State.oldest()
		if sealed == nil {
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		err := f.flush(sealed)
		if err == nil {
			f.wait = 0
		} else if !f.survives(ctx, sealed, err) {
			return
		}
	}
}

// Step flushes the oldest sealed head, if there is one, and reports whether there was. It is for those who drive a flusher themselves.
func (f *Flusher) Step() (bool, error) {
	sealed := f.opt.State.oldest()
	if sealed == nil {
		return false, nil
	}
	return true, f.flush(sealed)
}

// flush writes the segment of a sealed head, then its floor file, and then lets readers see the segment instead of the head.
func (f *Flusher) flush(sealed *Sealed) error {
	start := time.Now()
	s := f.opt.State
	var info segment.Info
	if sealed.Head.Frames() > 0 {
		var err error
		info, err = segment.Write(f.opt.FS, f.opt.Dir, segment.Options{
			Cluster: sealed.Cluster, Partition: f.opt.Partition, History: sealed.History, FirstIndex: sealed.After + 1, LastIndex: sealed.Index,
		}, sealed.Head, s.key)
		if err != nil {
			return err
		}
		if err := f.opt.Added(info); err != nil {
			return err
		}
	}
	m, err := f.publish(sealed, info)
	if err != nil || m == nil {
		return err
	}
	f.opt.Done()
	f.prune()
	took := time.Since(start)
	f.opt.Metrics.FlushSeconds.Observe(took.Seconds())
	f.opt.Metrics.FlushedFrames.Add(float64(sealed.Head.Frames()))
	f.opt.Logger.Info("flushed", "floor", sealed.Index, "frames", sealed.Head.Frames(), "segments", len(m.Segments()), "took", took)
	return nil
}

// publish makes the floor, and lets readers see it. It returns the floor's manifest, nil when the head belongs to a state that was replaced.
// While it runs no other state takes the place of this one, so that neither its floor nor what it wants of the shelf comes after that of a
// restore.
func (f *Flusher) publish(sealed *Sealed, info segment.Info) (*segment.Manifest, error) {
	s := f.opt.State
	s.replacing.Lock()
	defer s.replacing.Unlock()
	if s.oldest() != sealed {
		return nil, nil
	}
	m, before := s.published()
	if info.Frames > 0 {
		m = m.With(info)
	}
	plain := m
	m = f.edited(m, sealed)
	published, _, err := f.opt.Floors.Publish(sealed.header(f.opt.Partition), sealed.parts(m, before))
	if errors.Is(err, floor.ErrOlder) {
		// A newer floor was installed, and its restore waits behind apply, which may wait for this flush. The segment is durable and the
		// newer floor is, too: that is all this flush was for. What the state holds until the restore is the same.
		// What its edits name may never have been here, and nobody will ask for it now.
		s.flushed(sealed, plain, before)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f.opt.Wanted(m)
	s.flushed(sealed, m, published.Bytes)
	return m, nil
}

// edited applies the edits of a floor. One whose inputs are not all there has lost against an earlier one of the same segments, on every node.
func (f *Flusher) edited(m *segment.Manifest, sealed *Sealed) *segment.Manifest {
	for _, e := range f.editsOf(sealed) {
		next, ok := m.Edit(e)
		if !ok {
			f.opt.Logger.Warn("an edit of the manifest is void: what it replaces is not there", "floor", sealed.Index, "drops", len(e.Drop), "adds", len(e.Add))
			continue
		}
		m = next
	}
	return m
}

// prune lets the segments be removed that no floor on this disk lists: those of a floor that was replaced by the majority's. It runs between
// two flushes, because a segment that was just written is in no floor yet. While one floor of those to keep is missing, or damaged,
// everything stays.
func (f *Flusher) prune() {
	if _, ok := f.opt.Floors.Oldest(); !ok {
		return
	}
	err := f.opt.Floors.Hold(manifestPart, func(contents [][]byte) error {
		listed := map[segment.Name]bool{}
		for _, b := range counted(contents) {
			m, err := segment.ParseManifest(b)
			if err != nil {
				return err
			}
			for _, info := range m.Segments() {
				listed[info.Name] = true
			}
		}
		return f.opt.Prune(func(name segment.Name) bool { return listed[name] })
	})
	if err != nil {
		f.opt.Logger.Error("segments that no floor lists were not removed", "err", err)
	}
}

// published is the manifest of the newest floor, and the size of its file.
func (s *State) published() (*segment.Manifest, int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.manifest, s.sizes[0]
}

// key is the name of a stream. Names never change, so it holds for a sealed head, too.
func (s *State) key(id frame.StreamID) (frame.StreamKey, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.ledger.Key(id)
}

func (s *Sealed) header(partition uint32) floor.Header {
	return floor.Header{
		Cluster: s.Cluster, Partition: partition, History: s.History, Index: s.Index, Term: s.Term,
		ConfigurationIndex: s.ConfigurationIndex, Configuration: s.Configuration,
	}
}

// manifestPart is the part of a floor file that is no section.
const manifestPart = "manifest"

// parts lists what the floor file holds: the manifest and every section. before is the size of the floor file before this one, which was
// not known yet when the head was sealed.
func (s *Sealed) parts(m *segment.Manifest, before int64) []floor.Part {
	own := s.core
	own.Before = before
	parts := []floor.Part{
		{Name: manifestPart, Write: func(w io.Writer) error {
			_, err := w.Write(m.Append(nil))
			return err
		}},
		{Name: coreName, Write: freezeJSON(coreName, own)},
	}
	for _, sec := range s.sections {
		parts = append(parts, floor.Part{Name: sec.name, Write: sec.write})
	}
	return parts
}
