package gapless

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"

	"github.com/gaplessdb/gapless/vfs"
)

// Names in the data directory.
const (
	lockFile     = "LOCK"
	identityFile = "identity.json"
	walDir       = "wal"
	stableFile   = "raft.db"
)

// identity says whose data directory this is. The incarnation is new with every empty directory, so that a node which lost its
// disk cannot pass for the one that voted before.
type identity struct {
	Version     int    `json:"version"`
	Cluster     string `json:"cluster"`
	Node        string `json:"node"`
	Incarnation string `json:"incarnation"`
	Joined      bool   `json:"joined"` // entries were stored: a log that is empty from now on was lost
	CRC         uint32 `json:"crc32c"` // of all that and its version
}

const (
	identityVersion  = 1
	maxIdentityBytes = 64 << 10
)

// server is the Raft server id: node.incarnation.
func (id identity) server() string { return id.Node + "." + id.Incarnation }

func (id identity) checksum() uint32 {
	text := fmt.Sprintf("%d\x00%s\x00%s\x00%s\x00%v", id.Version, id.Cluster, id.Node, id.Incarnation, id.Joined)
	return crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli))
}

// loadIdentity reads the identity of a data directory, or makes one where there is none.
func loadIdentity(dir vfs.FS, cluster, node string) (identity, error) {
	id, err := readIdentity(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return newIdentity(dir, cluster, node)
	}
	if err != nil {
		return identity{}, err
	}
	if id.Cluster != cluster || id.Node != node {
		return identity{}, fmt.Errorf("gapless: the data directory belongs to node %s of cluster %s, not to node %s of cluster %s: give the right directory or names",
			id.Node, id.Cluster, node, cluster)
	}
	return id, nil
}

func readIdentity(dir vfs.FS) (identity, error) {
	b, err := vfs.ReadFile(dir, identityFile, maxIdentityBytes)
	if err != nil {
		return identity{}, err
	}
	var id identity
	if err := json.Unmarshal(b, &id); err != nil {
		return identity{}, fmt.Errorf("gapless: %s: %w: %w", identityFile, errBadIdentity, err)
	}
	if id.Version != identityVersion {
		return identity{}, fmt.Errorf("gapless: %s has version %d, this binary knows %d: upgrade it", identityFile, id.Version, identityVersion)
	}
	if id.CRC != id.checksum() {
		return identity{}, fmt.Errorf("gapless: %s: %w: checksum %08x does not match %08x", identityFile, errBadIdentity, id.CRC, id.checksum())
	}
	return id, nil
}

var errBadIdentity = errors.New("the identity file is damaged: restore it from a copy, or give the node an empty directory")

func newIdentity(dir vfs.FS, cluster, node string) (identity, error) {
	names, err := dir.List(".")
	if err != nil {
		return identity{}, err
	}
	for _, name := range names {
		if name != lockFile && name != identityFile+".tmp" {
			return identity{}, fmt.Errorf("gapless: the data directory has %s but no %s: it is not one of ours, or lost a file", name, identityFile)
		}
	}
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return identity{}, fmt.Errorf("gapless: incarnation: %w", err)
	}
	id := identity{Version: identityVersion, Cluster: cluster, Node: node, Incarnation: hex.EncodeToString(random[:])}
	return writeIdentity(dir, id)
}

func writeIdentity(dir vfs.FS, id identity) (identity, error) {
	id.CRC = id.checksum()
	b, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return identity{}, err
	}
	return id, vfs.WriteFile(dir, identityFile, append(b, '\n'))
}
