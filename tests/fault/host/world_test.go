//go:build linux

package host

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// machine is a helper on a host, and the controller's connection to it.
type machine struct {
	t testing.TB
	*Host
	process *Process
	control net.Conn
	answers *bufio.Reader
}

func newWorld(t *testing.T, names ...string) *World {
	t.Helper()
	if err := Check(); err != nil {
		t.Skipf("SKIP host: %v", err)
	}
	w, err := NewWorld(names)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// startHelper runs a helper and connects to it.
func startHelper(t testing.TB, h *Host, limits Limits) *machine {
	t.Helper()
	m := &machine{t: t, Host: h}
	var err error
	m.process, err = h.Start(Command{
		Path: "/proc/self/exe", Args: []string{helperName, h.PeerAddr(), h.ClientAddr()}, Log: os.Stderr, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the helper listens", func() bool {
		m.control, err = net.Dial("tcp", net.JoinHostPort(h.ClientAddr(), controlPort))
		return err == nil
	})
	t.Cleanup(func() { m.control.Close() })
	m.answers = bufio.NewReader(m.control)
	return m
}

// ask has the helper do something; it answers, or the deadline passes.
func (m *machine) ask(words ...string) (string, error) {
	m.control.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := fmt.Fprintln(m.control, strings.Join(words, " ")); err != nil {
		return "", err
	}
	answer, err := m.answers.ReadString('\n')
	return strings.TrimSpace(answer), err
}

func (m *machine) want(answer string, words ...string) {
	m.t.Helper()
	got, err := m.ask(words...)
	if err != nil || got != answer {
		m.t.Fatalf("%s, asked for %q: %q, %v; want %q", m.name, words, got, err, answer)
	}
}

// received waits until at least n datagrams have come, and no more do, and returns how many.
func (m *machine) received() int {
	m.t.Helper()
	answer, err := m.ask("received")
	n, err2 := strconv.Atoi(answer)
	if err != nil || err2 != nil {
		m.t.Fatal(answer, err, err2)
	}
	return n
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("not so after 20 s:", what)
		}
	}
}

func TestCutOneWay(t *testing.T) {
	w := newWorld(t, "n1", "n2", "n3")
	a, b, c := startHelper(t, w.Host("n1"), Limits{}), startHelper(t, w.Host("n2"), Limits{}), startHelper(t, w.Host("n3"), Limits{})
	a.want("ok", "open", b.PeerAddr())
	b.want("ok", "open", a.PeerAddr())
	c.want("ok", "open", a.PeerAddr())
	a.want("one", "say", "one")

	w.Cut("n1", "n2")
	if got, _ := a.ask("say", "two"); !strings.Contains(got, "timeout") {
		t.Errorf("across the cut: %q", got)
	}
	if got, _ := b.ask("say", "back"); !strings.Contains(got, "timeout") {
		t.Errorf("the echo of what came the other way: %q", got)
	}
	a.want("ok", "send", b.PeerAddr(), "50")
	b.want("ok", "send", a.PeerAddr(), "50")
	eventually(t, "datagrams the other way arrive", func() bool { return a.received() == 50 })
	c.want("three", "say", "three")
	if got := w.Dropped("n1", "n2"); got < 52 || b.received() != 0 {
		t.Errorf("n1 to n2: %d packets dropped, %d datagrams arrived; want at least 52, and none", got, b.received())
	}
	for _, other := range [][2]string{{"n2", "n1"}, {"n1", "n3"}, {"n3", "n1"}, {"n2", "n3"}} {
		if got := w.Dropped(other[0], other[1]); got != 0 {
			t.Errorf("%v: %d packets dropped; nothing was cut there", other, got)
		}
	}

	w.Mend("n1", "n2")
	before := w.Dropped("n1", "n2")
	heard := func(m *machine, word string) func() bool {
		return func() bool { got, _ := m.ask("say", "-"); return got == word }
	}
	eventually(t, "the old connection brings what was held", heard(a, "two"))
	eventually(t, "and the echo", heard(b, "back"))
	a.want("ok", "send", b.PeerAddr(), "50")
	eventually(t, "datagrams arrive", func() bool { return b.received() == 50 })
	if got := w.Dropped("n1", "n2"); got != before {
		t.Errorf("%d packets dropped after the mend", got-before)
	}
}

func TestClientsReachAHostThatPeersDoNot(t *testing.T) {
	w := newWorld(t, "n1", "n2")
	a, b := startHelper(t, w.Host("n1"), Limits{}), startHelper(t, w.Host("n2"), Limits{})
	w.Cut("n1", "n2")
	w.Cut("n2", "n1")
	if got, _ := a.ask("open", b.PeerAddr()); !strings.Contains(got, "timeout") {
		t.Errorf("a new connection across the cut: %q", got)
	}
	b.want("0", "received")
	if got, _ := a.ask("open", b.ClientAddr()); !strings.Contains(got, "unreachable") {
		t.Errorf("the client link is a way around: %q", got)
	}
	w.MendAll()
	a.want("ok", "open", b.PeerAddr())
}

func TestLoss(t *testing.T) {
	w := newWorld(t, "n1", "n2")
	a, b := startHelper(t, w.Host("n1"), Limits{}), startHelper(t, w.Host("n2"), Limits{})
	w.Loss("n1", "n2", 0.3)
	a.want("ok", "send", b.PeerAddr(), "1000")
	eventually(t, "each datagram is dropped or arrives", func() bool { return b.received()+int(w.Dropped("n1", "n2")) == 1000 })
	// Binomial: 300 with a deviation of 14.5; six of these to each side fail once in 500 million runs.
	if got := w.Dropped("n1", "n2"); got < 213 || got > 387 {
		t.Errorf("%d of 1000 datagrams dropped; want 300 or so", got)
	}
	lost := w.Dropped("n1", "n2")
	b.want("ok", "send", a.PeerAddr(), "100")
	eventually(t, "nothing is lost the other way", func() bool { return a.received() == 100 })
	w.Loss("n1", "n2", 0)
	a.want("ok", "send", b.PeerAddr(), "100")
	eventually(t, "nothing is lost any more", func() bool { return b.received() == 1100-int(lost) })
}
