package network

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// stream is a host's port as raft.NetworkTransport wants it.
type stream struct {
	net.Listener
	h *Host
}

func (s stream) Dial(addr raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return s.h.Dial(ctx, "tcp", string(addr))
}

// member is one server of a cluster.
type member struct {
	addr  string
	r     *raft.Raft
	trans *raft.NetworkTransport
}

// counts applies entries by counting them.
type counts struct{ n int }

func (c *counts) Apply(*raft.Log) any { c.n++; return c.n }
func (c *counts) Snapshot() (raft.FSMSnapshot, error) {
	return nil, fmt.Errorf("network: no snapshots here")
}
func (c *counts) Restore(io.ReadCloser) error { return fmt.Errorf("network: no snapshots here") }

func startMember(t *testing.T, n *Network, addr string, servers []raft.Server) *member {
	t.Helper()
	host, _, _ := net.SplitHostPort(addr)
	h := n.Host(host)
	ln, err := h.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	cfg := raft.DefaultConfig()
	cfg.LocalID, cfg.LogOutput = raft.ServerID(addr), io.Discard
	store, snaps := raft.NewInmemStore(), raft.NewDiscardSnapshotStore()
	m := &member{addr: addr, trans: raft.NewNetworkTransport(stream{ln, h}, 3, 5*time.Second, io.Discard)}
	if err := raft.BootstrapCluster(cfg, store, store, snaps, m.trans, raft.Configuration{Servers: servers}); err != nil {
		t.Fatal(err)
	}
	if m.r, err = raft.NewRaft(cfg, &counts{}, store, store, snaps, m.trans); err != nil {
		t.Fatal(err)
	}
	return m
}

// leading waits for one of the members to lead.
func leading(t *testing.T, members []*member) *member {
	t.Helper()
	for range 600 {
		if i := slices.IndexFunc(members, func(m *member) bool { return m.r.State() == raft.Leader }); i >= 0 {
			return members[i]
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("nobody led for a minute")
	return nil
}

// Three rafts elect a leader, which is cut off; the others elect another, and after the mend all have every entry.
func TestRaft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(1)
		var servers []raft.Server
		for i := range 3 {
			addr := fmt.Sprintf("127.0.0.%d:7000", i+1)
			servers = append(servers, raft.Server{ID: raft.ServerID(addr), Address: raft.ServerAddress(addr)})
		}
		var members []*member
		for _, s := range servers {
			members = append(members, startMember(t, n, string(s.Address), servers))
		}
		defer stop(t, members)
		first := leading(t, members)
		apply(t, first.r, 100)
		others := slices.DeleteFunc(slices.Clone(members), func(m *member) bool { return m == first })
		for _, m := range others {
			n.Cut(first.host(), m.host())
			n.Cut(m.host(), first.host())
		}
		second := leading(t, others)
		apply(t, second.r, 100)
		if first.r.State() == raft.Leader {
			t.Errorf("%s still leads behind the cut", first.addr)
		}
		n.MendAll()
		time.Sleep(20 * time.Second)
		apply(t, leading(t, members).r, 1)
		time.Sleep(time.Second)
		for _, m := range members {
			if got, want := m.r.AppliedIndex(), second.r.AppliedIndex(); got != want || got < 201 {
				t.Errorf("%s applied %d, %s %d", m.addr, got, second.addr, want)
			}
			if m != first && n.Held(first.host(), m.host())+n.Held(m.host(), first.host()) == 0 {
				t.Errorf("the cut between %s and %s held nothing", first.addr, m.addr)
			}
		}
	})
}

func stop(t *testing.T, members []*member) {
	for _, m := range members {
		if err := m.r.Shutdown().Error(); err != nil {
			t.Error(err)
		}
		if err := m.trans.Close(); err != nil {
			t.Error(err)
		}
		m.trans.CloseStreams()
	}
	time.Sleep(time.Minute) // Raft leaves what it called to find its own end
}

func (m *member) host() string {
	host, _, _ := net.SplitHostPort(m.addr)
	return host
}

func apply(t *testing.T, r *raft.Raft, entries int) {
	t.Helper()
	for range entries {
		if err := r.Apply([]byte("entry"), 10*time.Second).Error(); err != nil {
			t.Fatal(err)
		}
	}
}
