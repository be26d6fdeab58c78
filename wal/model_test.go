package wal

import (
	"fmt"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/hashicorp/raft"
	"pgregory.net/rapid"
)

// model is a log that cannot fail, and the rules of DeleteRange written down a second time.
type model struct {
	es       []*raft.Log
	floor    uint64
	cutShort bool
}

func (m *model) first() uint64 {
	if len(m.es) == 0 {
		return 0
	}
	return m.es[0].Index
}

func (m *model) last() uint64 {
	if len(m.es) == 0 {
		return 0
	}
	return m.es[len(m.es)-1].Index
}

func (m *model) deleteRange(lo, hi uint64) (fails bool) {
	first, last := m.first(), m.last()
	if m.cutShort && lo <= first && hi == last {
		hi = last - 1
	}
	if len(m.es) == 0 || lo > hi || hi < first || lo > last {
		return false
	}
	if hi >= last {
		m.es = m.es[:max(lo, first)-first]
		m.cutShort = len(m.es) > 0
		return false
	}
	if lo > first {
		return true
	}
	for len(m.es) > 0 && m.es[0].Index <= hi && m.es[0].Index < m.floor {
		m.es = m.es[1:]
	}
	return false
}

// machine runs the log and the model side by side.
type machine struct {
	model
	fs   *vfs.Mem
	opt  Options
	log  *Log
	term uint64
}

func (c *machine) open(t *rapid.T) {
	l, err := Open(c.fs, testDir, c.opt)
	if err != nil {
		t.Fatal(err)
	}
	c.log = l
	l.SetFloor(c.floor)
	c.cutShort = false
}

func (c *machine) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"":       c.compare,
		"store":  c.store,
		"delete": c.delete,
		"compact": func(t *rapid.T) {
			c.floor = c.first() + rapid.Uint64Range(0, 20).Draw(t, "floor above first")
			c.log.SetFloor(c.floor)
			c.remove(t, c.first(), max(c.last(), 1)-1)
		},
		"term": func(t *rapid.T) { // a new leader
			c.term++
			if len(c.es) > 0 {
				c.remove(t, c.last()-rapid.Uint64Range(0, uint64(len(c.es)-1)).Draw(t, "back"), c.last())
			}
		},
		"reopen": func(t *rapid.T) {
			if err := c.log.Close(); err != nil {
				t.Fatal(err)
			}
			c.open(t)
		},
		"crash": func(t *rapid.T) {
			old := c.log
			c.fs = c.fs.CrashClone(vfs.Crash{Kill: rapid.Bool().Draw(t, "kill")})
			c.open(t)
			_ = old.Close()
		},
	}
}

func (c *machine) store(t *rapid.T) {
	next := c.last() + 1
	if len(c.es) == 0 {
		next = rapid.Uint64Range(1, 50).Draw(t, "start")
	}
	n := rapid.Uint64Range(1, 6).Draw(t, "n")
	es := makeEntries(next, next+n-1, c.term, rapid.SampledFrom([]int{0, 1, 50, 700, 5000}).Draw(t, "size"))
	if err := c.log.StoreLogs(es); err != nil {
		t.Fatal(err)
	}
	c.es, c.cutShort = append(c.es[:len(c.es):len(c.es)], es...), false
}

func (c *machine) delete(t *rapid.T) {
	near := rapid.Uint64Range(max(c.first(), 3)-3, c.last()+3)
	c.remove(t, near.Draw(t, "lo"), near.Draw(t, "hi"))
}

func (c *machine) remove(t *rapid.T, lo, hi uint64) {
	before := fmt.Sprintf("%d..%d", c.first(), c.last())
	err := c.log.DeleteRange(lo, hi)
	if fails := c.deleteRange(lo, hi); fails != (err != nil) {
		t.Fatalf("delete %d..%d of %s: %v", lo, hi, before, err)
	}
}

func (c *machine) compare(t *rapid.T) {
	got, err := contents(c.log)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(got, c.es); d != "" {
		t.Fatal(d)
	}
}

// Any sequence of calls, restarts and crashes between them leaves what the model holds.
func TestModel(t *testing.T) {
	for _, inline := range []bool{true, false} {
		t.Run(fmt.Sprintf("inline %v", inline), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				opt := smallOptions()
				opt.Inline = inline
				c := &machine{fs: vfs.NewMem(), opt: opt, term: 1}
				c.open(t)
				defer func() { _ = c.log.Close() }() // also where rapid gives a run up
				t.Repeat(c.actions())
				if err := c.log.Close(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}
