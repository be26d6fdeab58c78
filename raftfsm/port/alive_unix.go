//go:build unix

package port

import (
	"errors"
	"net"
	"syscall"
)

// alive reports whether an idle connection is still open: nothing, not even its end, can be read from it.
func alive(conn net.Conn) bool {
	if over, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS: its farewell counts as an end too
		conn = over.NetConn()
	}
	if asked, ok := conn.(interface{ Idle() bool }); ok { // one that is none of the system's and knows by itself
		return asked.Idle()
	}
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	open := false
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		open = errors.Is(err, syscall.EAGAIN)
		return true
	})
	return err == nil && open
}
