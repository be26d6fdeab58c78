package compact

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/segment/shelf"
	"github.com/gaplessdb/gapless/vfs"
)

const segmentsDir = "segments"

// rig is some nodes with a log that they agree on, in a bubble of synctest: everything around a Worker, without Raft.
type rig struct {
	t      *testing.T
	policy Policy
	opt    func(*Options)

	mu     sync.Mutex // protects all below
	log    []entry
	grown  chan struct{} // closed and replaced when the log has grown
	judge  *Section      // has applied all of the log
	leader int           // place of the node that leads, -1: nobody does
	nodes  []*node
	frames map[string]bool // every frame that was flushed
	seq    uint64
	lives  int
}

// output is what a logger wrote.
type output struct {
	mu sync.Mutex // protects b
	b  strings.Builder
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// entry is a command, or a flush with the segment that it makes, if any.
type entry struct {
	kind    uint16
	body    []byte
	flushed *segment.Info
	file    []byte
}

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

func newRig(t *testing.T, n int, policy Policy, opt func(*Options)) *rig {
	r := &rig{t: t, policy: policy, opt: opt, judge: NewSection(), grown: make(chan struct{}), frames: map[string]bool{}}
	for range n {
		nd := &node{r: r, fs: vfs.NewMem()}
		nd.rename(len(r.nodes))
		nd.start.section = frozen(t, NewSection())
		r.nodes = append(r.nodes, nd)
	}
	for _, n := range r.nodes {
		n.boot()
	}
	t.Cleanup(func() {
		for _, n := range r.nodes {
			n.kill()
		}
	})
	return r
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

func (r *rig) others(but *node) (list []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.nodes {
		if n != but {
			list = append(list, n.server)
		}
	}
	return list
}

func (r *rig) fetch(by *node) shelf.Fetch {
	return func(_ context.Context, peer string, name segment.Name, offset int64, size int) ([]byte, error) {
		r.mu.Lock()
		i := slices.IndexFunc(r.nodes, func(n *node) bool { return n.server == peer })
		if i < 0 || !r.nodes[i].up || !by.up {
			r.mu.Unlock()
			return nil, errors.New("rig: no answer")
		}
		s := r.nodes[i].shelf
		r.mu.Unlock()
		return s.ReadRange(name, offset, size)
	}
}

// Look implements Catalog.
func (n *node) Look() Look {
	r := n.r
	r.mu.Lock()
	defer r.mu.Unlock()
	l := Look{Section: *n.section, Manifest: n.manifest, Floor: n.floor, Policy: r.policy, Leads: r.leader >= 0 && r.nodes[r.leader] == n}
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

// append adds to the log. The caller holds mu.
func (r *rig) append(e entry) {
	r.log = append(r.log, e)
	close(r.grown)
	r.grown = make(chan struct{})
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

// flush commits a flush of frames of these times, of one device each; none makes an empty one.
func (r *rig) flush(times ...int64) {
	r.mu.Lock()
	first := r.seq + 1
	e := entry{}
	if len(times) > 0 {
		info, file := r.build(first, times)
		e.flushed, e.file = &info, file
	}
	r.append(e)
	r.judge.TakeEdits()
	r.mu.Unlock()
	synctest.Wait()
}

// build makes a segment. Frames go to one of three devices, by number.
func (r *rig) build(first uint64, times []int64) (segment.Info, []byte) {
	var b bytes.Buffer
	w := segment.NewWriter(&b, segment.Options{Cluster: "rig", History: 1, FirstIndex: first, LastIndex: first + uint64(len(times)) - 1})
	var err error
	for device := range uint64(3) {
		key := frame.StreamKey{Tenant: "default", Device: fmt.Sprint("d", device), Stream: "0"}
		begun := false
		for i, ns := range times {
			seq := first + uint64(i)
			if seq%3 != device {
				continue
			}
			if !begun {
				begun, err = true, errors.Join(err, w.Begin(key, 1))
			}
			row := segment.Row{Seq: seq, TimeNS: ns, ReceiveMS: ns / 1e6, Index: seq, Class: frame.ClassEvent}
			err = errors.Join(err, w.Add(&segment.Record{Row: row, Raw: fmt.Append(nil, "frame ", seq)}))
			r.frames[fmt.Sprint(key.Device, " ", seq, " ", ns, " frame ", seq)] = true
		}
	}
	r.seq += uint64(len(times))
	info, finish := w.Finish()
	if err := errors.Join(err, finish); err != nil {
		r.t.Fatal(err)
	}
	return info, b.Bytes()
}

// pass lets time go by.
func (r *rig) pass(d time.Duration) { <-time.After(d) }

// until waits for something, for five minutes at most.
func (r *rig) until(what string, holds func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !holds(); r.pass(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.mu.Lock()
			plans, err := json.Marshal(r.judge.document().Plans)
			r.mu.Unlock()
			for _, n := range r.nodes {
				r.t.Logf("%s:\n%s", n.server, n.output.String())
			}
			r.t.Fatalf("not within five minutes: %s; plans %s %v", what, plans, err)
		}
	}
}

// state returns how many plans are under way, and how many edits wait.
func (r *rig) state() (plans, edits int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.judge.Plans()), len(r.judge.Edits())
}

// plans lists what is under way.
func (r *rig) plans() []*Plan {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.judge.Plans()
}

// settle flushes until nothing is planned any more and every node has all.
func (r *rig) settle() {
	r.t.Helper()
	calm := 0
	r.until("all merged", func() bool {
		r.pass(3 * time.Second)
		plans, edits := r.state()
		if edits > 0 {
			r.flush()
		}
		if plans+edits == 0 {
			calm++
		} else {
			calm = 0
		}
		return calm > 3
	})
	for range 3 { // what was replaced goes
		r.flush()
		r.pass(2 * time.Second)
	}
	for _, n := range r.nodes {
		r.until(n.server+" has everything", func() bool { return len(n.shelf.Missing()) == 0 })
	}
}

// check compares what the nodes have in the end.
func (r *rig) check() {
	r.t.Helper()
	for _, n := range r.nodes {
		if n.manifest.Digest() != r.nodes[0].manifest.Digest() {
			r.t.Errorf("%s and %s have other manifests", n.server, r.nodes[0].server)
		}
		if frozenOther, frozenFirst := frozen(r.t, n.section), frozen(r.t, r.nodes[0].section); !bytes.Equal(frozenOther, frozenFirst) {
			r.t.Errorf("%s: %s\n%s: %s", n.server, frozenOther, r.nodes[0].server, frozenFirst)
		}
		if got := n.read(); !slices.Equal(got, sortedKeys(r.frames)) {
			r.t.Errorf("%s has %d frames, want the %d that were flushed", n.server, len(got), len(r.frames))
		}
		if bytes := n.shelf.Bytes(); bytes != n.manifest.Bytes() {
			r.t.Errorf("%s keeps %d bytes, the manifest has %d", n.server, bytes, n.manifest.Bytes())
		}
		if strings.Contains(n.output.String(), "level=ERROR") {
			r.t.Errorf("%s:\n%s", n.server, n.output.String())
		}
	}
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
