package gapless

import (
	"errors"
	"os"
	"time"
)

// Watch calls left when the client goes away while its request is in work, until stop is called, which returns once left will not be called any more.
// The request has been read to its end. A byte that comes meanwhile begins the next request, and waits for its Read.
func (c *client) Watch(left func()) (stop func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		var b [1]byte
		n, err := c.Conn.Read(b[:])
		if n > 0 {
			c.early = append(c.early, b[0])
		} else if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			left()
		}
	}()
	return func() {
		_ = c.SetReadDeadline(time.Unix(1, 0)) // a connection that is closed has let go of its reader
		<-done
		_ = c.SetReadDeadline(time.Now().Add(readTimeout)) // the server sets another one before it reads
	}
}

// readEarly gives what came before somebody wanted to read it.
func (c *client) readEarly(b []byte) (n int) {
	n = copy(b, c.early)
	c.early = c.early[n:]
	return n
}
