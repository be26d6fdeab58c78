package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestProgress makes one step each 100 ms, 100 of them.
func TestProgress(t *testing.T) {
	cases := []struct {
		name     string
		terminal bool
		steps    int
		want     string
	}{
		{"short work on a terminal", true, 1, ""},
		{"a terminal", true, 5, "\rf: 2 %\x1b[K\rf: 4 %\x1b[K\r\x1b[K"},
		{"short work elsewhere", false, 19, ""},
		{"elsewhere", false, 55, "f: 20 %\nf: 40 %\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out strings.Builder
				p := newProgress(&out, "f")
				if c.terminal {
					p.onTerminal()
				}
				for i := range c.steps {
					time.Sleep(100 * time.Millisecond)
					p.step(int64(i+1), 100)
				}
				p.end()
				if out.String() != c.want {
					t.Errorf("%q, want %q", out.String(), c.want)
				}
			})
		})
	}
}
