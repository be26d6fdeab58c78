package drive

import (
	"errors"
	"math"
	"path"
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
func (d *Driver) flipped(step schedule.Step, m *machine) bite {
	target := d.targetsOf(step.How, m)
	for wait := 0; len(target()) == 0 && wait < 50; wait++ {
		d.commandNow(schedule.Flush)
		d.Wait(100 * time.Millisecond)
	}
	if step.For > 0 {
		m.hold()
		m.crash(Crash{Kill: true})
	}
	b := bite{on: m, from: d.Now()}
	if step.For > 0 {
		m.sicken()
		b.end = func() {
			m.cure()
			m.release()
		}
	}
	all := target()
	if fresh := d.unread(step, m); len(fresh) > 0 {
		all = fresh
	}
	file, reads, err := flip(m.Disk(), all, step.Amount)
	if err != nil {
		b.witness, b.text = never, err.Error()
		return b
	}
	b.file = file
	damage := &check.Fault{From: b.from, Node: m.Name(), File: file}
	b.witness = func() uint64 { return d.noticed(damage, reads) }
	if startReads(step.How, file, all) {
		b.must = func() (read bool) {
			d.Record(func(r *check.Run) { read = r.StartedOn(damage) })
			return read
		}
	}
	if step.How == schedule.Segment {
		d.tasks.Go(func() { d.readThrough(m) })
	}
	return b
}

// unread lists segments of a process that lives which it has only just written: what it has read it keeps in memory, and does not read again.
func (d *Driver) unread(step schedule.Step, m *machine) (fresh []stretch) {
	before := d.Storage(d.control, m.node())
	if step.How != schedule.Segment || step.For > 0 || before == nil {
		return nil
	}
	for range 20 {
		d.commandNow(schedule.Flush)
		if now := d.Storage(d.control, m.node()); now != nil {
			fresh = slices.DeleteFunc(fileBytes(m.Disk().Look(), "segments", ".gseg"), func(f stretch) bool {
				of := func(g check.Segment) bool { return g.State == "present" && strings.Contains(f.file, g.Name) }
				return slices.ContainsFunc(before.Segments, of) || !slices.ContainsFunc(now.Segments, of)
			})
		}
		if len(fresh) > 0 || !d.Wait(100*time.Millisecond) {
			break
		}
	}
	return fresh
}

// noticed is how often damage was felt: only what the node spoke of counts. A disk that counts its reads must have given the byte away before.
func (d *Driver) noticed(damage *check.Fault, reads func() uint64) (times uint64) {
	d.Record(func(r *check.Run) {
		if r.Noticed(damage) {
			times = 1
		}
	})
	if times > 0 && reads != nil {
		return reads()
	}
	return times
}

// startReads reports whether a node that serves has certainly read the byte, and could tell that it is damaged: the vote store, the newest floor, and
// the log. The end of the log's last file is an exception, because a torn write looks alike. Segments are not read when a node starts, and later from
// memory.
func startReads(how, file string, all []stretch) bool {
	switch how {
	case schedule.Votes, schedule.Floor:
		return true
	case schedule.WAL:
		return file != all[len(all)-1].file
	}
	return false
}

// targetsOf returns what lists the bytes of a machine's disk that count.
func (d *Driver) targetsOf(how string, m *machine) func() []stretch {
	switch how {
	case schedule.WAL:
		return func() []stretch { return logBytes(m.Disk().Look(), d.provenIndex(m)) }
	case schedule.Votes:
		return func() []stretch { return voteBytes(m.Disk().Look()) }
	case schedule.Floor:
		return func() []stretch {
			floors := fileBytes(m.Disk().Look(), "floors", ".gfl")
			return floors[max(0, len(floors)-1):]
		}
	}
	return func() []stretch {
		all := fileBytes(m.Disk().Look(), "segments", ".gseg")
		s := d.lastStorage(m, d.Now())
		return slices.DeleteFunc(all, func(f stretch) bool {
			return s == nil || !slices.ContainsFunc(s.Segments, func(g check.Segment) bool { return strings.Contains(f.file, g.Name) })
		})
	}
}

// lastStorage is the newest sample of a machine's storage up to a time.
func (d *Driver) lastStorage(m *machine, until time.Duration) (newest *check.Storage) {
	d.Record(func(r *check.Run) {
		for i := range r.Storages {
			if s := &r.Storages[i]; s.Node == m.Name() && s.Return <= until {
				found := *s // the list grows
				newest = &found
			}
		}
	})
	return newest
}

// provenIndex is up to where the machine's log is old enough.
func (d *Driver) provenIndex(m *machine) uint64 {
	if s := d.lastStorage(m, d.Now()-unproven); s != nil {
		return s.Log.Last
	}
	return 0
}

// fileBytes lists files of a directory, by name.
func fileBytes(files vfs.FS, dir, ending string) (all []stretch) {
	names, err := files.List(dir)
	if err != nil {
		return nil
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ending) {
			continue
		}
		if f, err := files.Open(path.Join(dir, name)); err == nil {
			if size, err := f.Size(); err == nil {
				all = append(all, stretch{path.Join(dir, name), 0, size})
			}
			f.Close()
		}
	}
	return all
}

// logBytes lists the live records of a log up to an index.
func logBytes(files vfs.FS, last uint64) (all []stretch) {
	_ = wal.Dump(files, "wal", func(r wal.Record) error { // of a log that cannot be read there is nothing to be had
		if r.Live && r.Log.Index <= last {
			all = append(all, stretch{r.Path, r.Offset, r.Bytes})
		}
		return nil
	})
	return all
}

// flip turns over the bit at a fraction of all bytes, and returns the file it is in.
func flip(disk Disk, all []stretch, fraction float64) (file string, reads func() uint64, err error) {
	total := int64(0)
	for _, s := range all {
		total += s.size
	}
	at := int64(math.Floor(fraction * float64(total)))
	for _, s := range all {
		if at < s.size {
			reads, err = disk.Flip(s.file, s.from+at, uint((s.from+at)%8))
			return s.file, reads, err
		}
		at -= s.size
	}
	return "", nil, errors.New("there is no such file")
}

// readThrough reads every frame through a machine once it is ready, so that damage comes to light.
func (d *Driver) readThrough(m *machine) {
	for d.Wait(100 * time.Millisecond) {
		if ok, _ := d.ready(m); ok {
			d.ReadThrough(m.node(), d.devices)
			return
		}
	}
}
