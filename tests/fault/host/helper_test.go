//go:build linux

package host

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// helperName is what this test program is called when it is to be the process under test.
const helperName = "helper"

func TestMain(m *testing.M) {
	Main()
	if len(os.Args) > 1 && os.Args[1] == helperName {
		if err := help(os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, "helper:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(ownerEnv) != "" {
		beOwner()
	}
	os.Exit(m.Run())
}

// helper does what the controller asks it over its client address, and hears others at its peer address.
type helper struct {
	peer      string
	datagrams atomic.Int64
	said      net.Conn // to another helper
	hold      []any
}

const (
	controlPort = "7001"
	streamPort  = "7002"
	packetPort  = "7003"
)

func help(peer, client string) error {
	h := &helper{peer: peer}
	stream, err := net.Listen("tcp", net.JoinHostPort(peer, streamPort))
	if err != nil {
		return err
	}
	go h.echo(stream)
	packets, err := net.ListenPacket("udp", net.JoinHostPort(peer, packetPort))
	if err != nil {
		return err
	}
	go h.count(packets)
	control, err := net.Listen("tcp", net.JoinHostPort(client, controlPort))
	if err != nil {
		return err
	}
	c, err := control.Accept()
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(c); lines.Scan(); {
		answer, err := h.do(strings.Fields(lines.Text()))
		if err != nil {
			answer = "error: " + err.Error()
		}
		fmt.Fprintln(c, answer)
	}
	return nil
}

// echo sends back each line that it hears.
func (h *helper) echo(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			for lines := bufio.NewScanner(c); lines.Scan(); {
				fmt.Fprintln(c, lines.Text())
			}
		}()
	}
}

func (h *helper) count(c net.PacketConn) {
	c.(*net.UDPConn).SetReadBuffer(8 << 20)
	for b := make([]byte, 2048); ; {
		if _, _, err := c.ReadFrom(b); err != nil {
			return
		}
		h.datagrams.Add(1)
	}
}

func (h *helper) do(words []string) (string, error) {
	switch words[0] {
	case "open":
		c, err := net.DialTimeout("tcp", net.JoinHostPort(words[1], streamPort), 300*time.Millisecond)
		h.said = c
		return "ok", err
	case "say": // and read until the same comes back: what was said before may come first
		h.said.SetDeadline(time.Now().Add(300 * time.Millisecond))
		if words[1] != "-" {
			if _, err := fmt.Fprintln(h.said, words[1]); err != nil {
				return "", err
			}
		}
		b := make([]byte, 100)
		n, err := h.said.Read(b)
		return strings.TrimSpace(string(b[:n])), err
	case "send":
		return h.send(words[1], words[2])
	case "received":
		return strconv.FormatInt(h.datagrams.Load(), 10), nil
	case "files":
		return h.files()
	case "memory":
		n, err := strconv.Atoi(words[1])
		b := make([]byte, n<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		h.hold = append(h.hold, b)
		return "ok", err
	case "exit":
		n, err := strconv.Atoi(words[1])
		if err == nil {
			os.Exit(n)
		}
		return "", err
	}
	return "", fmt.Errorf("unknown: %q", words)
}

func (h *helper) send(to, count string) (string, error) {
	n, err := strconv.Atoi(count)
	if err != nil {
		return "", err
	}
	c, err := net.Dial("udp", net.JoinHostPort(to, packetPort))
	if err != nil {
		return "", err
	}
	defer c.Close()
	for range n {
		if _, err := c.Write(make([]byte, 100)); err != nil {
			return "", err
		}
	}
	return "ok", nil
}

// files opens files until there are no more descriptors, and keeps them.
func (h *helper) files() (string, error) {
	for {
		f, err := os.Open(os.DevNull)
		if errors.Is(err, syscall.EMFILE) {
			return strconv.Itoa(len(h.hold)), nil
		}
		if err != nil {
			return "", err
		}
		h.hold = append(h.hold, f)
	}
}
