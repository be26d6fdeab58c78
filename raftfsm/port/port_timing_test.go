package port

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// ports are two nodes, plaintext or encrypted.
func ports(b *testing.B, encrypted bool) (from, to *Port) {
	if !encrypted {
		return listen(b, "c", "n1.a"), listen(b, "c", "n2.b")
	}
	ca := newAuthority(b)
	return listen(b, "c", "n1.a", with(ca.equip(b, "n1"))), listen(b, "c", "n2.b", with(ca.equip(b, "n2")))
}

func eachKind(b *testing.B, run func(b *testing.B, from, to *Port)) {
	for _, name := range []string{"plain", "tls"} {
		b.Run(name, func(b *testing.B) {
			from, to := ports(b, name == "tls")
			run(b, from, to)
		})
	}
}

// BenchmarkRaftStream sends what Raft sends: a batch, answered by a few bytes before the next one goes (MaxRPCsInFlight is 1).
func BenchmarkRaftStream(b *testing.B) {
	for _, size := range []int{128, 64 << 10, 256 << 10, 4 << 20} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			eachKind(b, func(b *testing.B, from, to *Port) {
				near, far := stream(b, from, to)
				done := make(chan error, 1)
				go func() { done <- acknowledge(far, size) }()
				batch, ack := make([]byte, size), make([]byte, 64)
				b.SetBytes(int64(size))
				for b.Loop() {
					if _, err := near.Write(batch); err != nil {
						b.Fatal(err)
					}
					if _, err := io.ReadFull(near, ack); err != nil {
						b.Fatal(err)
					}
				}
				near.Close()
				if err := <-done; !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
			})
		})
	}
}

func stream(b *testing.B, from, to *Port) (near, far net.Conn) {
	near, err := from.Raft().Dial(raft.ServerAddress(at(to)), 5*time.Second)
	if err != nil {
		b.Fatal(err)
	}
	if far, err = to.Raft().Accept(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

// acknowledge answers each batch of size bytes with 64.
func acknowledge(conn net.Conn, size int) error {
	batch, ack := make([]byte, size), make([]byte, 64)
	for {
		if _, err := io.ReadFull(conn, batch); err != nil {
			return err
		}
		if _, err := conn.Write(ack); err != nil {
			return err
		}
	}
}

// BenchmarkCall is one call over an idle connection.
func BenchmarkCall(b *testing.B) {
	eachKind(b, func(b *testing.B, from, to *Port) {
		payload := make([]byte, 1<<10)
		for b.Loop() {
			if _, err := from.Call(b.Context(), at(to), 5, payload); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkConnect is a connection until it is welcome.
func BenchmarkConnect(b *testing.B) {
	eachKind(b, func(b *testing.B, from, to *Port) {
		for b.Loop() {
			conn, err := from.dial(deadline(b), at(to), forCalls)
			if err != nil {
				b.Fatal(err)
			}
			conn.Close()
		}
	})
}
