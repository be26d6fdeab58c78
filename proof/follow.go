package proof

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/proof/tiles"
	"github.com/gaplessdb/gapless/vfs"
)

// storeName is the file of the log's hashes in the archive.
const storeName = "log.hashes"

// openStore opens the hashes of the log. They are derived from frames: damaged ones are made again.
func openStore(fs vfs.FS, dir string) (*tiles.Store, error) {
	store, err := tiles.Open(fs, path.Join(dir, storeName))
	var damage *tiles.CorruptionError
	if !errors.As(err, &damage) {
		return store, err
	}
	if err := tiles.Remove(fs, path.Join(dir, storeName)); err != nil {
		return nil, errors.Join(damage, err)
	}
	return tiles.Open(fs, path.Join(dir, storeName))
}

// follow takes in the records that are new, and makes sure that the frames that hold them are the log that the cluster agreed on.
func (s *Sealer) follow(ctx context.Context, look *Look) error {
	if s.isSpoiled() {
		s.metrics.rebuilt.Inc()
		if err := s.forget(); err != nil {
			return err
		}
	}
	size := look.Section.LogSize()
	if err := s.read(ctx, size); err != nil {
		return err
	}
	root, err := s.Store().Root(size)
	var damage *tiles.CorruptionError
	switch {
	case err != nil && !errors.As(err, &damage):
		return err
	case err == nil && root == look.Section.LogRoot():
		return nil
	}
	s.metrics.rebuilt.Inc()
	if err := s.forget(); err != nil {
		return err
	}
	return fmt.Errorf("proof: the first %d records of the log have root %s here, the cluster's is %s: they are read again: %w",
		size, root, look.Section.LogRoot(), cmp.Or[error](err, errOtherLog))
}

// errOtherLog says that frames are not the log that the section keeps.
var errOtherLog = errors.New("another log")

// read takes in records until there are size.
func (s *Sealer) read(ctx context.Context, size int64) error {
	for {
		from := s.readUpTo()
		if from >= size {
			return nil
		}
		next := from
		err := s.opt.Catalog.Records(ctx, from, func(n int64, data []byte) error {
			if n >= size {
				return nil
			}
			if n != next {
				return fmt.Errorf("proof: record %d of the log comes where %d is due", n, next)
			}
			next++
			return s.took(n, data)
		})
		if err != nil {
			return err
		}
		if next == from {
			return fmt.Errorf("%w: record %d of the log", ErrNotYet, from)
		}
	}
}

// readUpTo is how many records of the log this node has read.
func (s *Sealer) readUpTo() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index.size
}

// took takes in the next record. A store that cannot be written is opened anew, and the log is read again: what is in the file is not known.
//
// It, reopen and forget are of the clerk, who alone changes the store. So they do that without mu, which gauges and Status need: a disk that hangs
// keeps no one but the clerk.
func (s *Sealer) took(n int64, data []byte) error {
	if store := s.Store(); n >= store.Size() {
		if err := store.Append(tlog.RecordHash(data)); err != nil {
			return errors.Join(err, s.reopen())
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.index.add(n, data); err != nil {
		return err
	}
	s.move()
	return nil
}

// reopen begins anew with the store and the index. The store before has failed: nobody reads it any more.
func (s *Sealer) reopen() error {
	store, err := openStore(s.opt.FS, s.opt.Dir)
	if err != nil {
		return err
	}
	s.mu.Lock()
	old := s.store
	s.store, s.index, s.spoiled = store, logIndex{}, false
	s.mu.Unlock()
	return old.Close()
}

// forget drops what was read of the log.
func (s *Sealer) forget() error {
	s.mu.Lock()
	s.index = logIndex{}
	s.mu.Unlock()
	if err := s.Store().Truncate(0); err != nil {
		return errors.Join(err, s.reopen())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spoiled = false // also what readers said of the file as it was
	return nil
}

// move wakes those who wait for what this node does. The caller holds mu.
func (s *Sealer) move() {
	close(s.moved)
	s.moved = make(chan struct{})
}

// Followed returns once this node has read the log up to a size.
func (s *Sealer) Followed(ctx context.Context, size int64) error {
	for {
		s.mu.Lock()
		at, moved := s.index.size, s.moved
		s.mu.Unlock()
		if at >= size {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("proof: this node has read %d records of the log, not %d yet: %w", at, size, ctx.Err())
		}
	}
}
