package query

import (
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// deadlines is a connection that remembers when its writes have to end.
type deadlines struct {
	net.Conn
	write time.Time
}

func (d *deadlines) SetWriteDeadline(t time.Time) error { d.write = t; return nil }

// TestPatience: a client has its time for each piece, and no longer than its rate allows for all of them; what making a piece takes is not counted.
func TestPatience(t *testing.T) {
	for what, tt := range map[string]struct {
		rate        int64
		made, taken time.Duration // each piece of 1,000 bytes
		pieces      int           // after which its time is over; 0: never
	}{
		"no rate":                {0, 0, 9 * time.Second, 0},
		"fast enough":            {100, 0, 9 * time.Second, 0},
		"slower than the rate":   {1000, 0, 2 * time.Second, 10}, // 10 s and 1 s for each piece
		"a server that is slow":  {1000, time.Minute, 900 * time.Millisecond, 0},
		"who takes nothing more": {1000, 0, 10 * time.Second, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			conn := &deadlines{}
			p := Patience{Conn: conn, Stall: 10 * time.Second, Rate: tt.rate}
			over := 0
			for n := 1; n <= 100 && over == 0; n++ {
				p.Taken()
				time.Sleep(tt.made)
				p.Allow(1000)
				time.Sleep(tt.taken)
				if !time.Now().Before(conn.write) {
					over = n
				}
			}
			if over != tt.pieces {
				t.Errorf("%s: its time is over after %d pieces, want %d", what, over, tt.pieces)
			}
		})
	}
}
