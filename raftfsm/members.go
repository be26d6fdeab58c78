package raftfsm

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/hashicorp/raft"
)

// Member is what a node says of itself.
type Member struct {
	Node     string `json:"node"`
	Server   string `json:"server"` // Raft server id: node.incarnation
	Raft     string `json:"raft"`   // cluster address
	HTTP     string `json:"http"`
	Versions int    `json:"versions"` // highest cluster version its binary supports
}

// Members is the section that knows who is in the cluster, what they support, and which history this is.
type Members struct {
	data membersData
}

type membersData struct {
	ClusterID string   `json:"cluster_id"`
	History   uint64   `json:"history"`
	Version   int      `json:"cluster_version"`
	Members   []Member `json:"members"`           // ordered by node
	Servers   []string `json:"servers,omitempty"` // ids in Raft's newest committed configuration, ordered; none: not known
}

// raise is the command that takes a cluster version into use. Releases before cluster version 2 overlook by.
type raise struct {
	Version int    `json:"version"`
	By      string `json:"by,omitempty"` // principal
}

// RaiseCommand is the body of a raise to a version.
func RaiseCommand(version int, by string) ([]byte, error) { return json.Marshal(raise{version, by}) }

// found is the first command of a history.
type found struct {
	ClusterID string `json:"cluster_id"`
	History   uint64 `json:"history"`
	Version   int    `json:"cluster_version,omitempty"` // from foundVersion on; absent: 1
}

func (m *Members) Name() string               { return "members" }
func (m *Members) Commands() (uint16, uint16) { return KindMember, KindPolicy - 1 }
func (m *Members) LimitBytes() int64          { return 1 << 20 }

// History is the number raised by bootstrap and restore, 0 before the first command.
func (m *Members) History() uint64 { return m.data.History }

// ClusterID is the random name of this cluster, "" before the first command.
func (m *Members) ClusterID() string { return m.data.ClusterID }

// Version is the cluster version in force.
func (m *Members) Version() int { return m.data.Version }

// All returns the members ordered by node.
func (m *Members) All() []Member { return slices.Clone(m.data.Members) }

// Get finds a member by node.
func (m *Members) Get(node string) (Member, bool) {
	i, ok := m.find(node)
	if !ok {
		return Member{}, false
	}
	return m.data.Members[i], true
}

func (m *Members) find(node string) (int, bool) {
	return slices.BinarySearchFunc(m.data.Members, node, func(a Member, node string) int {
		return strings.Compare(a.Node, node)
	})
}

func (m *Members) Apply(_, _ uint64, _ int64, kind uint16, version uint8, body []byte) ([]byte, error) {
	if version != commandVersion && (kind != KindFound || version != foundVersion) {
		return nil, fmt.Errorf("%w: members command %d has version %d, this binary knows %d: upgrade it", ErrHalt, kind, version, commandVersion)
	}
	switch kind {
	case KindMember:
		return nil, m.applyMember(body)
	case KindRaise:
		return nil, m.applyRaise(body)
	case KindFound:
		return nil, m.applyFound(body)
	}
	return nil, fmt.Errorf("%w: unknown members command %d: upgrade this binary", ErrHalt, kind)
}

// Audit keeps the raise of the cluster version.
func (m *Members) Audit(kind uint16, body []byte) (tenant, action, subject, by string, detail []byte, ok bool) {
	var to raise
	if kind != KindRaise || json.Unmarshal(body, &to) != nil {
		return "", "", "", "", nil, false
	}
	return TenantSystem, "cluster_raise", fmt.Sprintf("cluster version %d", to.Version), to.By, body, true
}

// configure takes in a configuration of Raft: who is not in it is no member any more. Configurations come in log order like commands.
func (m *Members) configure(encoded []byte) {
	var servers []string
	for _, s := range raft.DecodeConfiguration(encoded).Servers {
		servers = append(servers, string(s.ID))
	}
	slices.Sort(servers)
	m.data.Servers = servers
	var members []Member
	for _, member := range m.data.Members {
		if slices.Contains(servers, member.Server) {
			members = append(members, member)
		}
	}
	m.data.Members = members
}

func (m *Members) applyMember(body []byte) error {
	var member Member
	if err := json.Unmarshal(body, &member); err != nil {
		return fmt.Errorf("raftfsm: member command: %w", err)
	}
	if len(m.data.Servers) > 0 && !slices.Contains(m.data.Servers, member.Server) {
		return fmt.Errorf("raftfsm: server %s is not in the configuration of the cluster: it was removed or replaced", member.Server)
	}
	if i, ok := m.find(member.Node); ok {
		m.data.Members[i] = member
	} else {
		m.data.Members = slices.Insert(m.data.Members, i, member)
	}
	return nil
}

func (m *Members) applyRaise(body []byte) error {
	var to raise
	if err := json.Unmarshal(body, &to); err != nil {
		return fmt.Errorf("raftfsm: raise command: %w", err)
	}
	if to.Version != m.data.Version+1 {
		return fmt.Errorf("raftfsm: cluster version is %d and is raised one at a time, not to %d", m.data.Version, to.Version)
	}
	for _, server := range m.data.Servers {
		if !slices.ContainsFunc(m.data.Members, func(member Member) bool { return member.Server == server }) {
			return fmt.Errorf("raftfsm: server %s has not said yet which cluster versions it supports", server)
		}
	}
	for _, member := range m.data.Members {
		if member.Versions < to.Version {
			return fmt.Errorf("raftfsm: node %s supports cluster versions up to %d, not %d: upgrade it first", member.Node, member.Versions, to.Version)
		}
	}
	m.data.Version = to.Version
	return nil
}

// beyond is an error that halts this node when the cluster was raised to a version that its binary does not know: commands mean then what
// only newer ones can tell, and a node that was put back to an older release would go its own way.
func (m *Members) beyond() error {
	if m.data.Version > SupportedVersion {
		return fmt.Errorf("%w: the cluster is at version %d, this binary knows %d: upgrade it", ErrHalt, m.data.Version, SupportedVersion)
	}
	return nil
}

// applyFound starts the first history; a later one comes with restore.
func (m *Members) applyFound(body []byte) error {
	var f found
	if err := json.Unmarshal(body, &f); err != nil {
		return fmt.Errorf("raftfsm: found command: %w", err)
	}
	if m.data.History != 0 {
		return fmt.Errorf("raftfsm: history %d of cluster %s exists already", m.data.History, m.data.ClusterID)
	}
	m.data.ClusterID, m.data.History, m.data.Version = f.ClusterID, f.History, max(f.Version, 1)
	return nil
}

// Freeze implements Section.
func (m *Members) Freeze() func(io.Writer) error {
	data := m.data
	data.Members = slices.Clone(data.Members)
	return freezeJSON("members", data)
}

func (m *Members) Restore(r io.Reader) error { return readJSON(r, "members", &m.data) }
