package proof

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/vfs"
)

// keyNames lists the key files of a node.
func (n *node) keyNames() (names []string) {
	n.r.t.Helper()
	numbers, err := keyNumbers(n.fs)
	if err != nil {
		n.r.t.Fatal(err)
	}
	for _, k := range numbers {
		names = append(names, keyName(k))
	}
	return names
}

// save puts a key file on a node's disk.
func (n *node) save(number int, key sign.Key) {
	n.r.t.Helper()
	if err := key.Save(n.fs, keyName(number)); err != nil {
		n.r.t.Fatal(err)
	}
}

// inUse is the key that the log has of a node.
func (n *node) inUse() Key {
	id, _, _ := strings.Cut(n.server, ".")
	known, _ := n.r.state().KeyOf(id)
	return known
}

// hasOwn reports whether a node has one key file, and the log that key.
func (n *node) hasOwn() bool {
	own, _, err := n.sealer.keys.newest()
	known := n.inUse()
	key, here := n.sealer.keys.find(known.VKey)
	return err == nil && here && known.Server == n.server && key.Public().Equal(own.key.Public()) && len(n.keyNames()) == 1
}

// lastKey is the newest KEY record.
func (r *rig) lastKey() (last record.Key) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.log.records {
		if rec, err := record.Parse(b); err != nil {
			r.t.Fatal(err)
		} else if k, ok := rec.(*record.Key); ok {
			last = *k
		}
	}
	return last
}

// TestRotation: a node signs with its new key once the log has it; the record says who wanted that and is signed by both; the old private half is
// gone then, and not before. A node that lost its vote does not sign.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.start(t)
		r.settled(r.nodes...)
		n := r.nodes[1]
		before := n.inUse()
		r.change(func() { r.leader = -1 }) // nothing is committed
		if err := n.sealer.Rotate("ops"); err != nil {
			t.Fatal(err)
		}
		r.pass(time.Minute)
		if err := n.sealer.Rotate("ops"); !errors.Is(err, ErrRotating) {
			t.Errorf("a second one before the log has the first: %v", err)
		}
		look := n.Look()
		key, ok := n.sealer.Signer(&look)
		if old, here := n.sealer.keys.find(before.VKey); !ok || !here || !key.Public().Equal(old.Public()) || len(n.keyNames()) != 2 {
			t.Errorf("before the log has the new key it signs: %t, with the one before: %t, files %v", ok, here, n.keyNames())
		}
		r.change(func() { r.leader = 0; clear(r.said) })
		r.until("it is known", n.hasOwn)
		r.settled(r.nodes...)
		k := r.lastKey()
		word := sign.KeyWord{Origin: origin, Server: n.server, VKey: k.VKey, Replaces: before.VKey}
		if k.By != "ops" || k.Replaces != before.VKey || sign.CheckKeyWord(k.VKey, word, k.Signed) != nil || sign.CheckKeyWord(before.VKey, word, k.ReplacedSigned) != nil {
			t.Errorf("the KEY is %+v", k)
		}
		if names := n.keyNames(); !slices.Equal(names, []string{"proof-2.key"}) {
			t.Errorf("key files %v", names)
		}
		r.log.checkNote("n1", "n2", "n3")
		r.change(func() { r.log.voters = three[:2] })
		r.store("d1", 1)
		r.seal(r.nodes[0])
		r.pass(time.Minute)
		if st := r.nodes[2].sealer.Status(); r.nodes[2].signed() || st.Checked != 1 || st.Objection != "" {
			t.Errorf("without a vote: %+v", st)
		}
		for kind, most := range map[uint16]int{KindKey: 1, KindRetire: 1, KindCosign: 3*4 + 2} {
			if r.times(kind) > most {
				t.Errorf("command %d was said %d times", kind, r.times(kind))
			}
		}
	})
}

// TestRotationsAtOnce: of many at once one makes a key.
func TestRotationsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.start(t)
		r.settled(r.nodes...)
		n := r.nodes[0]
		r.change(func() { r.leader = -1 })
		done := make(chan error)
		for range 8 {
			go func() { done <- n.sealer.Rotate("ops") }()
		}
		made := 0
		for range 8 {
			switch err := <-done; {
			case err == nil:
				made++
			case !errors.Is(err, ErrRotating):
				t.Error(err)
			}
		}
		if made != 1 || len(n.keyNames()) != 2 {
			t.Errorf("%d keys were made, files %v", made, n.keyNames())
		}
		r.change(func() { r.leader = 0 })
		r.until("it is known", n.hasOwn)
	})
}

// TestRemovedServer: the leader takes the key of a server without a vote out of use, once. A new disk of the node makes a key of its own; the server
// itself, should it come back, signs with another one.
func TestRemovedServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.start(t)
		r.settled(r.nodes...)
		gone := r.nodes[2]
		before := gone.inUse()
		r.change(func() { r.log.voters = three[:2] })
		r.until("retired", func() bool { return gone.inUse().VKey == "" })
		if k := r.lastKey(); k.VKey != "" || k.LogVKey != "" || k.Replaces != before.VKey || k.Server != gone.server {
			t.Errorf("the record of its end is %+v", k)
		}
		r.settled(r.nodes[:2]...)
		r.pass(time.Minute)
		if r.times(KindRetire) != 1 || len(gone.keyNames()) != 1 {
			t.Errorf("%d times, key files %v", r.times(KindRetire), gone.keyNames())
		}
		look := gone.Look()
		if _, ok := gone.sealer.Signer(&look); ok {
			t.Error("it signs with a key that is out of use")
		}
		r.change(func() { r.log.voters = three })
		r.until("back", gone.hasOwn)
		if gone.inUse().VKey == before.VKey || gone.keyNames()[0] != "proof-2.key" {
			t.Errorf("it came back with %s in %v", gone.inUse().VKey, gone.keyNames())
		}
		r.settled(r.nodes...)
	})
}

// TestReplacedDisk: while the disk that is being replaced votes, the new one waits; then it needs nobody's signature.
func TestReplacedDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.start(t)
		r.settled(r.nodes...)
		r.nodes[2].kill()
		n := &node{r: r, server: "n3.z", fs: vfs.NewMem(), policy: r.nodes[0].policy}
		r.change(func() {
			r.nodes[2] = n
			r.log.voters = append(slices.Clone(three), "n3.z")
			clear(r.said)
		})
		n.start()
		defer n.kill()
		r.pass(time.Minute)
		if k := n.inUse(); k.Server != "n3.c" || r.times(KindKey) > 0 || strings.Contains(n.output.String(), "its file is not here") {
			t.Errorf("with two votes the log has %+v\n%s", k, n.output.String())
		}
		r.change(func() { r.log.voters = []string{"n1.a", "n2.b", "n3.z"} })
		r.until("known", n.hasOwn)
	})
}

// TestCutWithoutTheLog: a leader that cannot read the log, and has no key, ends ordinals in time all the same.
func TestCutWithoutTheLog(t *testing.T) {
	r := newRig(t, 1)
	n := r.nodes[0]
	r.interval = time.Minute
	if err := n.open(); err != nil {
		t.Fatal(err)
	}
	defer n.sealer.Close()
	if err := n.step(); err != nil {
		t.Fatal(err)
	}
	n.tamper = func(_ int64, data []byte) []byte { return append(bytes.Clone(data), ' ') }
	if err := n.sealer.forget(); err != nil {
		t.Fatal(err)
	}
	if err := vfs.WriteFile(n.fs, keyName(9), []byte("x")); err != nil {
		t.Fatal(err)
	}
	n.sealer.keys.read = false
	r.tick(2 * time.Minute)
	look := n.Look()
	_, err := n.sealer.clerk(context.Background(), &look)
	if r.state().Ordinal() != 2 || err == nil || !strings.Contains(err.Error(), "proof-9.key is damaged") {
		t.Errorf("ordinal %d, %v", r.state().Ordinal(), err)
	}
}
