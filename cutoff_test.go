package gapless

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/raftfsm/port"
)

// cable connects a node's cluster port. What the node sends on it can be lost, and what it is sent can be late; nobody is told.
type cable struct {
	lost atomic.Bool
	late atomic.Pointer[chan struct{}] // closed when what is late may arrive
	held atomic.Int32                  // connections of this node's own calls with an answer that is late

	mu    sync.Mutex
	conns []net.Conn // protected by mu
}

// plug connects a connection. held counts what of it is late.
func (c *cable) plug(conn net.Conn, held *atomic.Int32) net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, conn)
	return &cabled{conn.(*net.TCPConn), c, held}
}

// mend lets everything through again. What was lost would be waited for in vain, so connections break.
func (c *cable) mend() {
	c.lost.Store(false)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		conn.Close()
	}
}

func (c *cable) machine(port string) Machine {
	return Machine{
		Listen: func(network, addr string) (net.Listener, error) {
			l, err := net.Listen(network, addr)
			if err != nil || addr != port { // clients have a network of their own
				return l, err
			}
			return cabledListener{l, c}, nil
		},
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if c.lost.Load() {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return c.plug(conn, &c.held), nil
		},
	}
}

type cabledListener struct {
	net.Listener
	cable *cable
}

func (l cabledListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.cable.plug(conn, new(atomic.Int32)), nil
}

type cabled struct {
	*net.TCPConn
	cable *cable
	held  *atomic.Int32
}

func (c *cabled) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	if late := c.cable.late.Load(); late != nil && n > 0 {
		c.held.Add(1)
		<-*late
	}
	return n, err
}

func (c *cabled) Write(b []byte) (int, error) {
	if c.cable.lost.Load() {
		return len(b), nil
	}
	return c.TCPConn.Write(b)
}

// newCabledCluster is three nodes whose leader notices after half a second that it hears nobody.
func newCabledCluster(t *testing.T) (*testCluster, []cable) {
	c := newTestCluster(t, 3)
	cables := make([]cable, 3)
	for i := range c.cfgs {
		c.cfgs[i].Machine = cables[i].machine(c.cfgs[i].Listen)
		c.cfgs[i].Heartbeat = time.Second // the lease is half of it
		c.cfgs[i].RequestTimeout = time.Second
	}
	c.startAll()
	return c, cables
}

// readLater asks a node for a linearizable read, and gives it a moment to get as far as it can without an answer.
func readLater(t *testing.T, n *Node) (answer func() string) {
	said := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + n.HTTPAddr() + "/v1/frames?device=d&consistency=linearizable")
		if err != nil {
			said <- err.Error()
			return
		}
		resp.Body.Close()
		said <- fmt.Sprint(resp.StatusCode)
	}()
	began := time.Now()
	eventually(t, func() bool { return time.Since(began) > 100*time.Millisecond }, nil)
	return func() string { return <-said }
}

// TestCutOffLeaderConfirmsNothing cuts a leader off. What it hears then was said before, and it cannot know how long before: it may have stood still
// itself. The others may have chosen another leader meanwhile and acknowledged what this one does not have.
func TestCutOffLeaderConfirmsNothing(t *testing.T) {
	c, cables := newCabledCluster(t)
	leader, _ := c.leader()
	postFrames(t, leader, "d", 0, 9)
	if got := countFrames(t, leader, "d", "&consistency=linearizable"); got != 10 {
		t.Fatalf("%d frames, want 10", got)
	}
	cable, late := &cables[c.place(leader)], make(chan struct{})
	cable.late.Store(&late)
	eventually(t, func() bool { return cable.held.Load() > 2 }, func() string { return "no answer is under way" }) // two may be of polls
	cable.lost.Store(true)
	answer := readLater(t, leader)
	close(late)
	if said := answer(); said != "503" {
		t.Errorf("a leader that nobody confirmed answered a linearizable read: %s", said)
	}
	cable.mend()
}

// TestNonVotersConfirmNothing: a leader that hears a server without a vote, and no other one, does not know whether it leads.
func TestNonVotersConfirmNothing(t *testing.T) {
	c, cables := newCabledCluster(t)
	leader, followers := c.leader()
	postFrames(t, leader, "d", 0, 9)
	guest := c.start(c.add("n4"))
	waits(t, guest, "ctl join")
	server := guest.id.server()
	if err := leader.raft().AddNonvoter(raft.ServerID(server), raft.ServerAddress(port.JoinAddress(server, guest.cfg.Listen)), 0, 0).Error(); err != nil {
		t.Fatal(err)
	}
	c.ready(guest)
	for _, n := range followers {
		cables[c.place(n)].lost.Store(true)
	}
	if said := readLater(t, leader)(); said != "503" {
		t.Errorf("a leader that no voter confirmed answered a linearizable read: %s", said)
	}
	for i := range cables {
		cables[i].mend()
	}
}
