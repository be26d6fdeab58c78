package proof

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// merge puts one segment into the place of all.
func (r *rig) merge() {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b bytes.Buffer
	list := r.manifest.Segments()
	w := segment.NewWriter(&b, segment.Options{Cluster: "rig", History: 1, FirstIndex: list[0].FirstIndex, LastIndex: list[len(list)-1].LastIndex})
	if err := w.Begin(frame.StreamKey{Tenant: "default", Device: "d1", Stream: "0"}, 1); err != nil {
		r.t.Fatal(err)
	}
	for _, info := range list {
		rows, ordinal := r.rowsOf(info)
		for _, f := range rows {
			rec := segment.Record{Row: segment.Row{Seq: f.seq, TimeNS: int64(f.seq) * 1e9, Index: info.FirstIndex, Class: frame.ClassEvent, Seal: ordinal},
				Fields: []frame.Field{{Name: "v", Value: frame.Int(f.value)}}}
			if err := w.Add(&rec); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	info, err := w.Finish()
	if err != nil {
		r.t.Fatal(err)
	}
	r.files[info.Name] = b.Bytes()
	r.manifest = new(segment.Manifest).With(info)
	r.signal()
}

// TestManySealsInOnePass: a node that lost its files counts all seals again out of a merged segment, and reads that once for each 64 of them.
func TestManySealsInOnePass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.start(t)
		const seals = 130
		for range seals {
			r.store("d1", 2)
			r.seal(r.nodes[0])
		}
		r.settled(r.nodes...)
		n := r.nodes[2]
		for _, other := range r.nodes {
			other.kill()
		}
		r.merge()
		for name := range n.contents() {
			if err := n.fs.Remove("proof/" + name); err != nil {
				t.Fatal(err)
			}
		}
		before, limited := r.peek(&n.opened), r.peek(&n.limited)
		var mu sync.Mutex // several goroutines read at once
		files, most := 0, 0
		n.fs.Inject(func(op vfs.Op) error {
			mu.Lock()
			defer mu.Unlock()
			if op.Kind == vfs.OpCreate {
				files++
			}
			if op.Kind == vfs.OpRename {
				files--
			}
			most = max(most, files)
			return nil
		})
		n.start()
		r.until("checked", func() bool { return n.sealer.Status().Checked == seals })
		n.fs.Inject(nil)
		t.Logf("%d seals: %d passes, %d bytes, %d files at once", seals, r.peek(&n.opened)-before, r.peek(&n.limited)-limited, most)
		if passes := r.peek(&n.opened) - before; passes != 3 {
			t.Errorf("%d passes for %d seals", passes, seals)
		}
		if most > 3 { // strips, the log's hashes, a census
			t.Errorf("%d files were written at once", most)
		}
		if err := n.check(); err != nil {
			t.Error(err)
		}
	})
}

// TestStripsThatDoNotFit: with little memory one pass makes the files of fewer ordinals, at last of one, as large as it is; they are what they would be
// with plenty. The next pass begins with as many as did fit.
func TestStripsThatDoNotFit(t *testing.T) {
	const ordinals = 5
	write := func(limit int) (files map[string]string, w stripWriter) {
		n := &node{r: &rig{t: t}, fs: vfs.NewMem()}
		a := newArchive(n.fs, "proof", 0, nil)
		if err := a.open(); err != nil {
			t.Fatal(err)
		}
		w = newStripWriter(a, span{first: 3, last: 3 + ordinals - 1})
		w.limit = limit
		for d := range 40 {
			for o := range uint32(ordinals) {
				strip := content.Strip{Key: frame.StreamKey{Tenant: "default", Device: fmt.Sprintf("d%02d", d), Stream: "0"}, Epoch: 1, Ordinal: 3 + o, Frames: 2, Runs: []ledger.Run{{First: 1, Last: 2}}}
				if err := w.add(&strip); err != nil {
					t.Fatal(err)
				}
			}
		}
		whole := w
		if err := w.finish(); err != nil {
			t.Fatal(err)
		}
		if err := w.discard(); err != nil {
			t.Fatal(err)
		}
		files = map[string]string{}
		for name, b := range n.contents() {
			files[name] = string(b)
			kind, number, _ := leaves.ParseFileName(name)
			f, err := a.Open(kind, number)
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Check(context.Background()); err != nil || f.Count() != 40 {
				t.Errorf("%s: %d strips, %v", name, f.Count(), err)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
		return files, whole
	}
	plenty, w := write(1 << 20)
	if len(plenty) != ordinals || w.shrunk {
		t.Fatalf("%d files with plenty of memory", len(plenty))
	}
	for limit, want := range map[int]int{w.bytes - 1: 3, w.bytes / 2: 2, w.bytes / 10: 1, 1: 1} {
		files, w := write(limit)
		if len(files) != want || w.last != 3+uint32(want)-1 || !w.shrunk {
			t.Errorf("with %d bytes: %d files, up to %d", limit, len(files), w.last)
		}
		for name, b := range files {
			if b != plenty[name] {
				t.Errorf("with %d bytes %s is another one", limit, name)
			}
		}
		if files[leaves.FileName(leaves.Strips, 3)] == "" {
			t.Errorf("with %d bytes the first one is not there", limit)
		}
	}
}

// TestNextPass: what did not fit is not tried again at once, and more is while there is room.
func TestNextPass(t *testing.T) {
	var n inPass
	if n.ordinals() != atOnce {
		t.Error("the first pass is not a full one")
	}
	n.learn(&stripWriter{first: 1, last: 8, shrunk: true, bytes: 90, limit: 100})
	if n.ordinals() != 8 {
		t.Errorf("then %d", n.ordinals())
	}
	n.learn(&stripWriter{first: 9, last: 16, bytes: 90, limit: 100})
	if n.ordinals() != 8 {
		t.Errorf("then %d", n.ordinals())
	}
	for _, want := range []uint32{16, 32, atOnce, atOnce} {
		if n.learn(&stripWriter{first: 1, last: 8, bytes: 20, limit: 100}); n.ordinals() != want {
			t.Errorf("%d, want %d", n.ordinals(), want)
		}
	}
}
