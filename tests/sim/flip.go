package sim

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/schedule"
	"github.com/gaplessdb/gapless/vfs"
	"github.com/gaplessdb/gapless/wal"
)

// unproven is how old a log record must be before its loss can be told from a torn write: by then the others have a note of it
// (docs/guarantees.md).
const unproven = 2 * time.Second

// stretch is bytes of a file that count.
type stretch struct {
	file       string
	from, size int64
}

// flipped turns over one bit that counts, in the files of one kind.
func (c *cluster) flipped(step schedule.Step, m *machine) bite {
	target := c.targetsOf(step.How, m)
	for wait := 0; len(target()) == 0 && wait < 50; wait++ {
		c.commandNow(schedule.Flush)
		c.wait(100 * time.Millisecond)
	}
	if step.For > 0 {
		m.hold()
		m.crash(vfs.Crash{Kill: true})
	}
	b := bite{on: m, witness: always}
	if step.For > 0 {
		b.end = m.release
	}
	file, err := flip(m.disk.files(), target(), step.Amount)
	if err != nil {
		b.witness, b.text = never, err.Error()
		return b
	}
	b.file = file
	if step.How == schedule.Segment {
		c.tasks.Go(func() { c.readThrough(m) })
	}
	return b
}

// targetsOf returns what lists the bytes of a machine's disk that count.
func (c *cluster) targetsOf(how string, m *machine) func() []stretch {
	switch how {
	case schedule.WAL:
		return func() []stretch { return logBytes(m.disk.files(), c.provenIndex(m)) }
	case schedule.Floor:
		return func() []stretch {
			floors := fileBytes(m.disk.files(), "floors", ".gfl")
			return floors[max(0, len(floors)-1):]
		}
	}
	return func() []stretch {
		all := fileBytes(m.disk.files(), "segments", ".gseg")
		s := c.lastStorage(m, c.now())
		return slices.DeleteFunc(all, func(f stretch) bool {
			return s == nil || !slices.ContainsFunc(s.Segments, func(g check.Segment) bool { return strings.Contains(f.file, g.Name) })
		})
	}
}

// lastStorage is the newest sample of a machine's storage up to a time.
func (c *cluster) lastStorage(m *machine, until time.Duration) (newest *check.Storage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.run.Storages {
		if s := &c.run.Storages[i]; s.Node == m.name && s.Return <= until {
			newest = s
		}
	}
	return newest
}

// provenIndex is up to where the machine's log is old enough.
func (c *cluster) provenIndex(m *machine) uint64 {
	if s := c.lastStorage(m, c.now()-unproven); s != nil {
		return s.Log.Last
	}
	return 0
}

// fileBytes lists files of a directory, by name.
func fileBytes(mem *vfs.Mem, dir, ending string) (all []stretch) {
	names, err := mem.List(dir)
	if err != nil {
		return nil
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ending) {
			continue
		}
		if f, err := mem.Open(dir + "/" + name); err == nil {
			if size, err := f.Size(); err == nil {
				all = append(all, stretch{dir + "/" + name, 0, size})
			}
			f.Close()
		}
	}
	return all
}

// logBytes lists the live records of a log up to an index.
func logBytes(mem *vfs.Mem, last uint64) (all []stretch) {
	_ = wal.Dump(mem, "wal", func(r wal.Record) error { // of a log that cannot be read there is nothing to be had
		if r.Live && r.Log.Index <= last {
			all = append(all, stretch{r.Path, r.Offset, r.Bytes})
		}
		return nil
	})
	return all
}

// flip turns over the bit at a fraction of all bytes, and returns the file it is in.
func flip(mem *vfs.Mem, all []stretch, fraction float64) (file string, err error) {
	total := int64(0)
	for _, s := range all {
		total += s.size
	}
	at := int64(math.Floor(fraction * float64(total)))
	for _, s := range all {
		if at < s.size {
			return fmt.Sprint(s.file), mem.Flip(s.file, s.from+at, uint((s.from+at)%8))
		}
		at -= s.size
	}
	return "", errors.New("there is no such file")
}

// readThrough reads every frame through a machine, so that damage comes to light.
func (c *cluster) readThrough(m *machine) {
	r := c.newReader(80, nil, nil)
	defer r.ask.close()
	for c.wait(time.Second) {
		status, _, err := c.control.do(m, http.MethodGet, "/readyz", nil, nil, time.Second)
		if err != nil || status != http.StatusOK {
			continue
		}
		for _, device := range c.devices {
			c.pages(r, m, check.NewFinal(m.name), device, "stale")
		}
		return
	}
}
