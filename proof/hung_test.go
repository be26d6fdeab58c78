package proof

import (
	"errors"
	"path"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/tiles"
	"github.com/gaplessdb/gapless/vfs"
)

// hung asks a node for all that is shown of it whenever its disk is to do something, as if that never came to an end.
type hung struct {
	n      *node
	asking atomic.Bool
	seen   map[vfs.Kind]int
	fail   string // the next write to this file fails
}

// during is the hook of the node's file system.
func (h *hung) during(op vfs.Op) error {
	if h.asking.Load() {
		h.n.r.t.Errorf("who asks waits for the disk: %s", op)
		return nil
	}
	h.asking.Store(true)
	defer h.asking.Store(false)
	h.seen[op.Kind]++
	answered := make(chan error, 1)
	go func() {
		h.n.sealer.Status()
		h.n.sealer.Bytes()
		_, err := h.n.registry.Gather()
		answered <- err
	}()
	select {
	case err := <-answered:
		if err != nil {
			h.n.r.t.Error(err)
		}
	case <-time.After(10 * time.Second):
		h.n.r.t.Fatalf("no answer while the disk is at %s", op)
	}
	if op.Kind == vfs.OpWrite && h.fail == path.Base(op.Name) {
		h.fail = ""
		return syscall.EIO
	}
	return nil
}

// TestHungDisk: a disk that hangs, at whatever it does, keeps nobody from the status and the gauges, who would show it.
func TestHungDisk(t *testing.T) {
	r := newRig(t, 1)
	n := r.nodes[0]
	h := &hung{n: n, seen: map[vfs.Kind]int{}}
	open := func() {
		if err := n.open(); err != nil {
			t.Fatal(err)
		}
		n.fs.Inject(h.during)
		n.sealer.Status()
	}
	shut := func() {
		n.fs.Inject(nil)
		if err := n.sealer.Close(); err != nil {
			t.Fatal(err)
		}
	}
	step := func(what string, wrong error) {
		if err := n.step(); !errors.Is(err, wrong) {
			t.Fatalf("%s: %v", what, err)
		}
	}
	seal := func() {
		r.store("d1", 5)
		r.change(func() { r.log.cut(); r.flush() })
	}
	open()
	step("its first key", nil)
	for range keptCensuses + 2 {
		seal()
		step("a seal", nil)
	}
	if err := n.sealer.Rotate("ops"); err != nil {
		t.Fatal(err)
	}
	step("another key", nil)
	_ = n.sealer.Suspect(&tiles.CorruptionError{Path: "proof/" + storeName})
	step("the log is read again", nil)
	h.fail = storeName
	seal()
	step("the log cannot be written", syscall.EIO)
	step("it can again", nil)
	if err := n.sealer.archive.Discard(leaves.Strips, 2); err != nil {
		t.Fatal(err)
	}
	step("strips are counted again", nil)
	shut()
	open()
	look := n.Look()
	if err := errors.Join(n.sealer.follow(t.Context(), &look), n.sealer.compareCounted(t.Context(), &look)); err != nil {
		t.Fatal(err)
	}
	h.asking.Store(true)
	n.sealer.Status() // nobody has looked into the census yet
	h.asking.Store(false)
	shut()
	n.fs.Inject(func(op vfs.Op) error { return onlyIf(op.Kind == vfs.OpList, syscall.EIO) })
	open()
	step("after a start without files", syscall.EIO)
	step("with them", nil)
	for _, kind := range []vfs.Kind{vfs.OpCreate, vfs.OpOpen, vfs.OpRead, vfs.OpWrite, vfs.OpSync, vfs.OpSyncDir, vfs.OpRename, vfs.OpRemove, vfs.OpTruncate, vfs.OpList} {
		if h.seen[kind] == 0 {
			t.Errorf("no %s was seen", kind)
		}
	}
	if st := n.sealer.Status(); st.Objection != "" || st.Checked != keptCensuses+3 {
		t.Errorf("%+v", st)
	}
	shut()
}
