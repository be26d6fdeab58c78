package compact

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/segment/shelf"
	"github.com/gaplessdb/gapless/vfs"
)

// node is one server in one life of its disk.
type node struct {
	r      *rig
	server string
	fs     *vfs.Mem
	up     bool
	shelf  *shelf.Shelf
	worker *Worker
	stop   func()
	output output // of its logger

	applied  int // entries of the log
	section  *Section
	manifest *segment.Manifest
	floor    uint64
	floors   [2]*segment.Manifest // kept, the newer first
	start    checkpointed         // what it starts from
}

// checkpointed is a floor.
type checkpointed struct {
	applied    int
	section    []byte
	manifest   *segment.Manifest
	floor      uint64
	olderFloor *segment.Manifest
}

func (n *node) rename(place int) {
	n.r.lives++
	n.server = fmt.Sprintf("n%d.%d", place+1, n.r.lives)
}

// boot starts the process on what is on its disk.
func (n *node) boot() {
	t := n.r.t
	s, err := shelf.Open(n.fs, segmentsDir, shelf.Options{CacheBytes: -1, ReserveBytes: -1, RetireAfter: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	n.r.mu.Lock()
	n.section = NewSection()
	if err := n.section.Restore(bytes.NewReader(n.start.section)); err != nil {
		t.Fatal(err)
	}
	n.applied, n.manifest, n.floor = n.start.applied, n.start.manifest, n.start.floor
	n.floors = [2]*segment.Manifest{n.start.manifest, n.start.olderFloor}
	n.shelf, n.up = s, true
	n.r.mu.Unlock()
	if err := s.Want(n.manifest); err != nil {
		t.Fatal(err)
	}
	opt := Options{
		Catalog: n, Shelf: s, Fetch: n.r.fetch(n), Server: n.server, Pressure: func() int { return 0 },
		PatienceFor: 10 * time.Second, GiveUpAfter: 30 * time.Second, Rebuild: true, Logger: slog.New(slog.NewTextHandler(&n.output, nil)),
	}
	if n.r.opt != nil {
		n.r.opt(&opt)
	}
	if n.worker, err = New(opt); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	tasks.Go(func() { n.apply(ctx) })
	tasks.Go(func() { n.worker.Run(ctx) })
	tasks.Go(func() { _ = s.Pull(ctx, n.r.fetch(n), func() []string { return n.r.others(n) }) })
	n.stop = func() { cancel(); tasks.Wait() }
}

// kill ends the process; its disk keeps what was synced.
func (n *node) kill() {
	if !n.isUp() {
		return
	}
	n.r.mu.Lock()
	n.up = false
	n.r.mu.Unlock()
	n.fs.CrashAt(n.fs.Ops())
	n.stop()
	_ = n.shelf.Close()
	n.fs = n.fs.CrashClone(vfs.Crash{})
}

// wipe gives a node that is down an empty disk, and what another one starts from.
func (n *node) wipe(place int, from *node) {
	n.r.mu.Lock()
	defer n.r.mu.Unlock()
	n.fs, n.start = vfs.NewMem(), from.start
	n.rename(place)
}

func (n *node) isUp() bool {
	n.r.mu.Lock()
	defer n.r.mu.Unlock()
	return n.up
}

// Look implements Catalog.
func (n *node) Look() Look {
	r := n.r
	r.mu.Lock()
	defer r.mu.Unlock()
	l := Look{Section: *n.section, Manifest: n.manifest, Floor: n.floor, Sealed: r.sealed, Policy: r.policy, Leads: r.leader >= 0 && r.nodes[r.leader] == n}
	for _, other := range r.nodes {
		l.Voters = append(l.Voters, other.server)
		if other.up {
			l.Live = append(l.Live, other.server)
		}
	}
	slices.Sort(l.Voters)
	slices.Sort(l.Live)
	return l
}

// Section implements Catalog.
func (n *node) Section() Section {
	n.r.mu.Lock()
	defer n.r.mu.Unlock()
	return *n.section
}

// Propose implements Catalog.
func (n *node) Propose(_ context.Context, kind uint16, _ uint8, body []byte) error {
	r := n.r
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.leader < 0 || !r.nodes[r.leader].up || !n.up {
		return errors.New("rig: no leader")
	}
	r.append(entry{kind: kind, body: body})
	_, err := r.judge.Apply(uint64(len(r.log)), 1, 0, kind, CommandVersion, body)
	return err
}

// apply applies the log as it grows, until ctx ends.
func (n *node) apply(ctx context.Context) {
	for ctx.Err() == nil {
		n.r.mu.Lock()
		if n.applied == len(n.r.log) {
			grown := n.r.grown
			n.r.mu.Unlock()
			select {
			case <-grown:
			case <-ctx.Done():
			}
			continue
		}
		if n.r.lag > 0 {
			n.r.mu.Unlock()
			select {
			case <-time.After(n.r.lag):
			case <-ctx.Done():
				return
			}
			n.r.mu.Lock()
		}
		e := n.r.log[n.applied]
		n.applied++
		if e.kind != 0 {
			_, _ = n.section.Apply(uint64(n.applied), 1, 0, e.kind, CommandVersion, e.body) // a refusal is the proposer's
		}
		n.r.mu.Unlock()
		if e.kind == 0 {
			n.flush(e)
		}
	}
}

// write makes a file, as segment.Write does.
func (n *node) write(info *segment.Info, file []byte) {
	err := vfs.WriteFile(n.fs, segmentsDir+"/"+info.Name.FileName(), file)
	err = errors.Join(err, n.fs.SyncDir(segmentsDir))
	if err == nil {
		err = n.shelf.Added(*info)
	}
	if err != nil && n.isUp() {
		n.r.t.Errorf("%s: flush: %v", n.server, err)
	}
}

// flush makes a floor, and removes what no kept floor lists.
func (n *node) flush(e entry) {
	t := n.r.t
	if e.flushed != nil {
		n.write(e.flushed, e.file)
	}
	n.r.mu.Lock()
	m := n.manifest
	if e.flushed != nil {
		m = m.With(*e.flushed)
	}
	for _, edit := range n.section.TakeEdits() {
		next, ok := m.Edit(edit)
		if !ok {
			t.Errorf("%s: an edit is void: %v", n.server, edit)
		}
		m = next
	}
	n.manifest, n.floor = m, uint64(n.applied)
	n.floors = [2]*segment.Manifest{m, n.floors[0]}
	n.start = checkpointed{n.applied, frozen(t, n.section), m, n.floor, n.floors[1]}
	n.r.mu.Unlock()
	_ = n.shelf.Want(m)
	if len(n.shelf.Missing()) > 0 {
		return
	}
	_ = n.shelf.Prune(func(name segment.Name) bool {
		for _, f := range n.floors {
			if _, ok := f.Find(name); ok {
				return true
			}
		}
		return n.worker.Keep(name)
	})
}

// read returns every frame of a node, as text.
func (n *node) read() (list []string) {
	for _, info := range n.manifest.Segments() {
		s, release, err := n.shelf.Open(info.Name)
		if err != nil {
			n.r.t.Fatal(err)
		}
		err = s.Each(func(key frame.StreamKey, e *segment.Epoch) error {
			_, err := s.Scan(e, segment.All(), segment.Columns{All: true}, func(rec *segment.Record) bool {
				list = append(list, fmt.Sprint(key.Device, " ", rec.Row.Seq, " ", rec.Row.TimeNS, " ", string(rec.Raw)))
				return true
			})
			return err
		})
		release()
		if err != nil {
			n.r.t.Fatal(err)
		}
	}
	slices.Sort(list)
	return list
}
