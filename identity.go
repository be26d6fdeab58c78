package gapless

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"

	"github.com/gaplessdb/gapless/raftfsm"
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
	Cluster     string `json:"cluster"`    // name
	ClusterID   string `json:"cluster_id"` // random id of the cluster, "" until the node knows it; since version 2
	Node        string `json:"node"`
	Incarnation string `json:"incarnation"`
	Joined      bool   `json:"joined"`            // entries were stored: a log that is empty from now on was lost
	Refused     string `json:"refused,omitempty"` // why this disk must never vote again; since version 2
	CRC         uint32 `json:"crc32c"`            // of all that and its version
}

const (
	identityVersion  = 2
	maxIdentityBytes = 64 << 10
)

// server is the Raft server id: node.incarnation.
func (id identity) server() string { return id.Node + "." + id.Incarnation }

func (id identity) checksum() uint32 {
	text := fmt.Sprintf("%d\x00%s\x00%s\x00%s\x00%v", id.Version, id.Cluster, id.Node, id.Incarnation, id.Joined)
	if id.Version >= 2 {
		text += "\x00" + id.ClusterID + "\x00" + id.Refused
	}
	return crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli))
}

// loadIdentity reads the identity of a data directory, or makes one where there is none.
func loadIdentity(dir vfs.FS, cluster, node string) (identity, error) {
	if err := dir.SyncDir("."); err != nil { // a process that died alone may have left a file whose name no power loss would spare
		return identity{}, err
	}
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
	if id.Version < identityVersion {
		id.Version = identityVersion
		return writeIdentity(dir, id)
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
	if id.Version < 1 || id.Version > identityVersion {
		return identity{}, fmt.Errorf("gapless: %s has version %d, this binary knows 1 to %d: upgrade it", identityFile, id.Version, identityVersion)
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
	incarnation, err := newIncarnation()
	if err != nil {
		return identity{}, err
	}
	return writeIdentity(dir, identity{Version: identityVersion, Cluster: cluster, Node: node, Incarnation: incarnation})
}

func writeIdentity(dir vfs.FS, id identity) (identity, error) {
	id.CRC = id.checksum()
	b, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return identity{}, err
	}
	return id, vfs.WriteFile(dir, identityFile, append(b, '\n'))
}

// amendIdentity changes the identity file of a running node.
func (n *Node) amendIdentity(change func(*identity)) error {
	m := &n.membership
	m.amending.Lock()
	defer m.amending.Unlock()
	id := n.id
	if m.amended != nil {
		id = *m.amended
	}
	change(&id)
	id, err := writeIdentity(n.dir, id)
	if err == nil {
		m.amended = &id
	}
	return err
}

// knownClusterID is the id that this disk belongs to, "" while it belongs to none.
func (n *Node) knownClusterID() string {
	n.membership.amending.Lock()
	defer n.membership.amending.Unlock()
	if n.membership.amended != nil {
		return n.membership.amended.ClusterID
	}
	return n.id.ClusterID
}

// keepClusterID writes down which cluster this disk belongs to once the log has told. A log of another cluster is fatal.
func (n *Node) keepClusterID() error {
	var replicated string
	n.state.View(func(v raftfsm.View) { replicated = v.Members.ClusterID() })
	known := n.knownClusterID()
	switch {
	case replicated == "" || replicated == known:
		return nil
	case known == "":
		n.port.SetCluster(replicated)
		return n.amendIdentity(func(id *identity) { id.ClusterID = replicated })
	}
	return fmt.Errorf("gapless: this disk belongs to cluster %s, but its log is of cluster %s: %w", known, replicated, errMixedUp)
}

var errMixedUp = errors.New("files of different disks were mixed up")

// logLost compares what the node remembers of its log (its end, or the newest floor) with its term and its identity. A node that lost its
// log or its votes must not start: it would vote as if it had them. Raft keeps a term before it stores entries of it, so a term below that
// of the last entry is an older copy of the file.
func logLost(id identity, end raftfsm.LogEnd, term uint64) error {
	switch {
	case end.Index > 0 && term < end.Term:
		return fmt.Errorf("gapless: the log ends at %s, but %s is at term %d: the file was lost or put back to an older copy, and with it how this node voted; %s",
			end, stableFile, term, replaceHint(id.Node))
	case end.Index == 0 && id.Joined:
		return fmt.Errorf("gapless: this node stored entries before, but its log in %s is empty: it was lost, and the node must not vote without it; %s",
			walDir, replaceHint(id.Node))
	}
	return nil
}

// replaceHint says how a node whose disk is not to be trusted comes back.
func replaceHint(node string) string {
	return fmt.Sprintf("keep the directory aside, start the node on an empty one and run `gapless ctl replace %s` (`gapless ctl join` if it had no vote)", node)
}
