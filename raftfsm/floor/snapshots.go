package floor

import (
	"fmt"
	"io"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/vfs"
)

// snapshotVersion is the only one of the library's versions in which a snapshot carries its configuration.
const snapshotVersion raft.SnapshotVersion = 1

// List implements raft.SnapshotStore: the newest floor alone. What a snapshot is of stands in the file.
//
// Of several the library would start from the first that it can restore. One failed read of the newest floor would then take the node
// back to an older one, also where an install has deleted the log between the two, and nobody would notice that what this node had
// acknowledged is gone. Going back is for Open, whose caller looks whether the log reaches down.
func (s *Store) List() ([]*raft.SnapshotMeta, error) {
	newest := s.find(func(*file) bool { return true })
	if newest == nil {
		return nil, nil
	}
	meta, err := newest.meta()
	if err != nil {
		return nil, err
	}
	return []*raft.SnapshotMeta{meta}, nil
}

func (f *file) meta() (*raft.SnapshotMeta, error) {
	configuration, err := f.header.check()
	if err != nil {
		return nil, fmt.Errorf("floor: header of %s: %w", f.name(), err)
	}
	return &raft.SnapshotMeta{
		Version: snapshotVersion, ID: f.name(), Index: f.header.Index, Term: f.header.Term,
		Configuration: configuration, ConfigurationIndex: f.header.ConfigurationIndex, Size: f.bytes,
	}, nil
}

// Open implements raft.SnapshotStore. The reader gives the file as it is, each piece of it checked first.
func (s *Store) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	f := s.find(func(f *file) bool { return f.name() == id })
	if f == nil {
		return nil, nil, fmt.Errorf("%w: %q", ErrNotFound, id)
	}
	meta, err := f.meta()
	if err != nil {
		return nil, nil, err
	}
	h, scan, err := s.open(f)
	if err != nil {
		return nil, nil, err
	}
	return meta, &snapshotReader{s: s, f: f, h: h, raw: rawReader{s: scan}}, nil
}

// snapshotReader streams a floor to Raft. A floor that turns out to be damaged is put aside, so that the library finds the older one
// next time instead of sending this one for ever.
type snapshotReader struct {
	s   *Store
	f   *file
	h   vfs.File
	raw rawReader
	err error
}

func (r *snapshotReader) Read(b []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.raw.Read(b)
	if err != nil {
		r.err = r.s.judge(r.f, err)
	}
	return n, r.err
}

func (r *snapshotReader) Close() error { return r.h.Close() }

// Create implements raft.SnapshotStore. What is written to the sink must be the floor that is announced here.
func (s *Store) Create(v raft.SnapshotVersion, index, term uint64, configuration raft.Configuration, configurationIndex uint64,
	_ raft.Transport) (raft.SnapshotSink, error) {
	if v != snapshotVersion {
		return nil, fmt.Errorf("floor: snapshot version %d, want %d", v, snapshotVersion)
	}
	if err := s.usable(); err != nil {
		return nil, err
	}
	return &Sink{
		s: s, index: index, term: term, name: fileName(index, true),
		configuration: raft.EncodeConfiguration(configuration), configurationIndex: configurationIndex,
	}, nil
}
