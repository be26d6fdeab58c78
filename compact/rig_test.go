package compact

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	lag    time.Duration // of every node behind the log

	mu     sync.Mutex // protects all below
	log    []entry
	grown  chan struct{} // closed and replaced when the log has grown
	judge  *Section      // has applied all of the log
	leader int           // place of the node that leads, -1: nobody does
	sealed int           // heads of every node that wait for their flush
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

// append adds to the log. The caller holds mu.
func (r *rig) append(e entry) {
	r.log = append(r.log, e)
	close(r.grown)
	r.grown = make(chan struct{})
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
