package gapless

import (
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"

	"github.com/hashicorp/raft"
	boltdb "github.com/hashicorp/raft-boltdb/v2"

	"github.com/gaplessdb/gapless/vfs"
)

// Machine is what a node stands on: file system, vote store, network. What is left nil is the operating system's, and raft-boltdb. A test
// that simulates machines gives its own, so that the whole node meets the faults of a disk and of a network as if they were real.
type Machine struct {
	Files  func(dir string) (vfs.FS, error)
	Votes  func(dir vfs.FS, root, name string) (VoteStore, error) // opens the file name in dir, whose path is root; durable on return
	Listen func(network, addr string) (net.Listener, error)
	Dial   func(ctx context.Context, network, addr string) (net.Conn, error)

	OpenFiles uint64 // that the process may have open: files and connections; 0: the system's limit. The node acts as if it were alone in the process
}

// VoteStore keeps Raft's term and vote. A key that is not there is boltdb.ErrKeyNotFound, whose text Raft knows.
type VoteStore interface {
	raft.StableStore
	io.Closer
}

func (m *Machine) fill() {
	if m.Files == nil {
		m.Files = vfs.OS
	}
	if m.Votes == nil {
		m.Votes = openBolt
	}
	if m.Listen == nil {
		m.Listen = net.Listen
	}
	if m.Dial == nil {
		m.Dial = new(net.Dialer).DialContext
	}
}

func openBolt(dir vfs.FS, root, name string) (VoteStore, error) {
	path := filepath.Join(root, name)
	stable, err := boltdb.New(boltdb.Options{Path: path})
	if err != nil {
		return nil, fmt.Errorf("gapless: vote store %s: %w", path, err)
	}
	// raft-boltdb does not sync the directory that holds its file.
	if err := dir.SyncDir("."); err != nil {
		return nil, fmt.Errorf("gapless: vote store: %w", closing(err, stable))
	}
	return stable, nil
}
