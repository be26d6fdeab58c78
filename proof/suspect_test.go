package proof

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/vfs"
)

// TestLateComplaint: who still reads a damaged file when another one is in its place does not remove that.
func TestLateComplaint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.start(t)
		n := r.nodes[0]
		r.store("d1", 5)
		r.seal(n)
		r.settled(n)
		for kind, number := range map[leaves.Kind]uint64{leaves.Strips: 1, leaves.Census: r.state().newest.Index} {
			if err := n.fs.Flip("proof/"+leaves.FileName(kind, number), 30, 1); err != nil {
				t.Fatal(err)
			}
			var readers [2]*leaves.File
			for i := range readers {
				var err error
				if readers[i], err = n.sealer.Archive().Open(kind, number); err != nil {
					t.Fatal(err)
				}
			}
			complain := func(f *leaves.File) {
				if err := n.sealer.Suspect(f.Check(t.Context())); !errors.Is(err, ErrNotCounted) {
					t.Errorf("%s: who asks is told %v", kind, err)
				}
			}
			has := func() bool { _, here := n.sealer.Archive().Has(kind, number); return here }
			if complain(readers[0]); has() {
				t.Errorf("%s: the damaged file is still there", kind)
			}
			r.until("made again", has)
			r.change(func() { n.gone[number] = true }) // not a second time
			if complain(readers[1]); !has() {
				t.Errorf("%s: a late complaint removed the new file", kind)
			}
			if err := n.ask(leaves.FileName(kind, number)); err != nil {
				t.Error(err)
			}
			for _, f := range readers {
				if err := f.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

// TestLateLook: the same of two who look into a file that was found damaged at the start.
func TestLateLook(t *testing.T) {
	fs := vfs.NewMem()
	strips := func(a *Archive) {
		w, err := a.create(leaves.Strips, 1)
		if err == nil {
			_, err = w.Finish()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	open := func() *Archive {
		a := newArchive(fs, "proof", 0, nil)
		if err := a.open(); err != nil {
			t.Fatal(err)
		}
		return a
	}
	strips(open())
	a := open()
	for i, want := range []bool{false, true} {
		if err := a.discard(leaves.Strips, 1, 0); err != nil {
			t.Fatal(err)
		}
		if _, here := a.Has(leaves.Strips, 1); here != want {
			t.Errorf("after look %d the file is here: %t", i+1, here)
		}
		if i == 0 {
			strips(a)
		}
	}
}

// TestCheckpointCensusTakenAgain: the census that certificates speak of is taken again while its floor is here, also when a newer one is in the log that
// nobody has signed yet.
func TestCheckpointCensusTakenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.start(t)
		n := r.nodes[0]
		r.store("d1", 5)
		r.seal(n)
		r.settled(r.nodes...)
		for _, o := range r.nodes {
			o.sealer.mu.Lock()
			o.sealer.differs[99] = &Difference{Ordinal: 99, Want: "a", Got: "b", explained: true}
			o.sealer.mu.Unlock()
		}
		r.store("d1", 5)
		r.change(func() { r.log.cut(); r.flush() })
		r.until("counted", func() bool { return r.state().CountedThrough() == 2 })
		r.pass(time.Minute)
		state := r.state()
		if state.newest.Index == state.index {
			t.Fatal("somebody has signed the newer one")
		}
		name := leaves.FileName(leaves.Census, state.newest.Index)
		if err := errors.Join(n.fs.Flip("proof/"+name, 30, 1), n.ask(name)); !errors.Is(err, ErrNotCounted) {
			t.Fatal(err)
		}
		r.until("taken again", func() bool { return n.ask(name) == nil })
	})
}

// TestStuckReader: a node that cannot read the log beyond an old CENSUS, whose floor is gone, looks no more often than others.
func TestStuckReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.floors = 2
		r.start(t)
		for range 4 {
			r.store("d1", 5)
			r.seal(r.nodes[0])
		}
		r.settled(r.nodes...)
		n := r.nodes[2]
		n.kill()
		for name := range n.contents() {
			if err := n.fs.Remove("proof/" + name); err != nil {
				t.Fatal(err)
			}
		}
		last := int64(-1)
		for i, b := range r.log.records {
			if strings.Contains(string(b), `"type":"CENSUS"`) && strings.Contains(string(b), `"seal":2`) {
				last = int64(i)
			}
		}
		r.change(func() {
			n.tamper = func(i int64, data []byte) []byte {
				if i > last {
					return []byte("not here")
				}
				return data
			}
		})
		n.start()
		r.pass(time.Minute)
		if n.sealer.readUpTo() != last+1 || last < 0 {
			t.Fatalf("it has read %d records, not %d", n.sealer.readUpTo(), last+1)
		}
		before := r.peek(&n.looks)
		r.pass(time.Minute)
		if looks := r.peek(&n.looks) - before; looks > 5*60 {
			t.Errorf("%d looks in a quiet minute", looks)
		}
	})
}

// endless is a catalog whose peers have files without an end.
type endless struct {
	*node
	taken *int
}

func (e endless) Leaves(_ context.Context, _ string, _ leaves.Kind, _ uint64, _ int64, size int) ([]byte, error) {
	e.r.mu.Lock()
	defer e.r.mu.Unlock()
	if *e.taken += size; *e.taken > 1<<30 {
		return nil, io.EOF
	}
	return make([]byte, size), nil
}

// TestEndlessPeer: of another node's file no more is taken than it can have, if it is anything like this node's.
func TestEndlessPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		sick := r.nodes[2]
		sick.tweak = func(l *ledger.Ledger) {
			l.Arrive(&frame.Group{Stream: intern(t, l, "d2"), Bits: 64}, r.log.ms, r.log.ms, &frame.Item{Seq: 99, TimeNS: 1, Fingerprint: 1})
		}
		r.start(t)
		sick.kill()
		if err := sick.open(); err != nil {
			t.Fatal(err)
		}
		taken := 0
		sick.sealer.opt.Catalog = endless{sick, &taken}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { sick.sealer.Run(ctx); close(done) }()
		r.store("d2", 3)
		r.seal(r.nodes[0])
		const pause = 4 * restFailed
		r.pass(pause)
		cancel()
		<-done
		if tries := int(pause/restFailed+1) * 2; r.peek(&taken) == 0 || taken > tries*2*fetchBytes { // of two peers
			t.Errorf("%d bytes were taken", taken)
		}
		if !strings.Contains(sick.output.String(), "has more than 1048576 bytes") {
			t.Error("it does not say why nothing was compared")
		}
		for name := range sick.contents() {
			if strings.HasSuffix(name, otherExtension) {
				t.Errorf("%s is left over", name)
			}
		}
		if err := sick.sealer.Close(); err != nil {
			t.Error(err)
		}
	})
}
