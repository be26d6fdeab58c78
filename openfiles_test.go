package gapless

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestShareOpenFiles: what clients, segments and other nodes may take together leaves enough of every limit for the log, Raft and the node itself.
func TestShareOpenFiles(t *testing.T) {
	five := map[string]string{"n1": "a:1", "n2": "b:1", "n3": "c:1", "n4": "d:1", "n5": "e:1"}
	for _, tc := range []struct {
		limit   uint64
		peers   map[string]string
		conns   int
		clients int
	}{
		{146, nil, 0, 16},
		{256, nil, 0, 71},
		{256, five, 0, 55},
		{1024, nil, 0, 455},
		{1024, nil, 20, 20},
		{1024, nil, 455, 455},
		{20_000, nil, 0, 9943},
		{65_536, nil, 0, 16384},
		{1 << 20, nil, 0, 16384},
		{1 << 20, five, 100_000, 100_000},
		{math.MaxUint64, nil, 0, 16384},
	} {
		t.Run(fmt.Sprintf("%d for %d nodes and %d", tc.limit, len(tc.peers), tc.conns), func(t *testing.T) {
			c := Config{Node: "n1", Data: "data", Peers: tc.peers, HTTPMaxConns: tc.conns, Machine: Machine{OpenFiles: tc.limit}}
			c.fill()
			got, err := c.shareOpenFiles()
			if err != nil || got.clients != tc.clients {
				t.Fatalf("%+v, %v, want %d clients", got, err, tc.clients)
			}
			others := max(2, len(tc.peers)-1)
			statusAndRaft := 8 * others // of this node; those of the others are among the incoming
			rest := 32 + 18 + 16 + 16   // the process, the proof, the log as it is kept, the log of heads
			if sum := got.clients + got.segments + got.calls + got.incoming + statusAndRaft + rest; uint64(sum) > tc.limit {
				t.Errorf("%+v: %d in all", got, sum)
			}
			if got.calls < 1 || got.segments < 1 || got.incoming < others*(got.calls+3) {
				t.Errorf("%+v: the others have no room", got)
			}
		})
	}
}

// TestTooFewOpenFiles: a limit under which a node could not work is refused at the start, with what to do.
func TestTooFewOpenFiles(t *testing.T) {
	for _, tc := range []struct {
		name string
		edit func(*Config)
		want string
	}{
		{"for anything", func(c *Config) { c.Machine.OpenFiles = 145 }, "may open 145 files, and this configuration needs 146"},
		{"for that many clients", func(c *Config) { c.Machine.OpenFiles, c.HTTPMaxConns = 1024, 456 }, "needs 1026 (114 for"},
		{"for so many files of the log", func(c *Config) { c.Machine.OpenFiles, c.LogFileBytes = 16_000, 64<<10 }, "LimitNOFILE=16514"},
		{"negative", func(c *Config) { c.HTTPMaxConns = -1 }, "http_max_connections -1"},
		{"beyond measure", func(c *Config) { c.HTTPMaxConns = 1<<20 + 1 }, "http_max_connections 1048577"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := Config{Node: "n1", Data: t.TempDir()}
			tc.edit(&c)
			n, err := Open(c)
			if err == nil {
				n.Close()
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
}

// TestOpenFilesPage holds the table of docs/operations.md to what a node does.
func TestOpenFilesPage(t *testing.T) {
	page, err := os.ReadFile("docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| (\d+) \| (\d+) \|$`).FindAllStringSubmatch(string(page), -1)
	if len(rows) != 3 {
		t.Fatalf("%d rows of limits: %q", len(rows), rows)
	}
	for _, row := range rows {
		limit, err := strconv.ParseUint(row[1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		c := Config{Node: "n1", Data: "data", Machine: Machine{OpenFiles: limit}}
		c.fill()
		if got, err := c.shareOpenFiles(); err != nil || strconv.Itoa(got.clients) != row[2] {
			t.Errorf("%q: %d connections, %v", row[0], got.clients, err)
		}
	}
}

func TestNoLimitOfOpenFiles(t *testing.T) {
	if limitOfOpenFiles() == math.MaxUint64 {
		t.Error("no limit is a limit of this system: the sums overflow")
	}
	c := Config{Node: "n1", Data: "data", HTTPMaxConns: 7}
	c.fill()
	c.Machine.OpenFiles = math.MaxUint64
	got, err := c.shareOpenFiles()
	if err != nil || got.clients != 7 || got.calls != mostCalls || got.incoming < 2*mostCalls {
		t.Errorf("%+v, %v", got, err)
	}
}
