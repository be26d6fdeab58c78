package proof

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/vfs"
)

// TestKeyFiles: whatever files a node finds, one key signs in the end, and one private half is left. What cannot heal is said, and nothing is made.
func TestKeyFiles(t *testing.T) {
	damaged := func(n *node, number int) {
		if err := vfs.WriteFile(n.fs, keyName(number), []byte("gapless/key/v1\nseed ")); err != nil {
			n.r.t.Fatal(err)
		}
	}
	remove := func(n *node, number int) {
		if err := errors.Join(n.fs.Remove(keyName(number)), n.fs.SyncDir(".")); err != nil {
			n.r.t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name  string
		plant func(t *testing.T, n *node, first sign.Key) // the log has proof-2.key, first was before
		says  string                                      // where it cannot heal
	}{
		{"as it was", func(*testing.T, *node, sign.Key) {}, ""},
		{"the old one lies beside it", func(_ *testing.T, n *node, first sign.Key) { n.save(1, first) }, ""},
		{"the old one lies above it", func(_ *testing.T, n *node, first sign.Key) { n.save(7, first) }, ""},
		{"a new one that the log has not", func(t *testing.T, n *node, _ sign.Key) { n.save(3, keyOf(t, 200)) }, ""},
		{"both", func(t *testing.T, n *node, first sign.Key) { n.save(1, first); n.save(3, keyOf(t, 200)) }, ""},
		{"another node's key above it", func(t *testing.T, n *node, _ sign.Key) {
			other, _, err := n.r.nodes[0].sealer.keys.newest()
			if err != nil {
				t.Fatal(err)
			}
			n.save(3, other.key)
		}, ""},
		{"a damaged one below it", func(_ *testing.T, n *node, _ sign.Key) { damaged(n, 1) }, ""},
		{"half a file that was not finished", func(t *testing.T, n *node, _ sign.Key) {
			if err := vfs.WriteFile(n.fs, keyName(3)+".tmp", []byte("gap")); err != nil {
				t.Fatal(err)
			}
		}, ""},
		{"a damaged one above it", func(_ *testing.T, n *node, _ sign.Key) { damaged(n, 3) }, "proof-3.key is damaged"},
		{"only the old one", func(_ *testing.T, n *node, first sign.Key) { remove(n, 2); n.save(1, first) }, "its file is not here"},
		{"none", func(_ *testing.T, n *node, _ sign.Key) { remove(n, 2) }, "its file is not here"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 3)
				r.start(t)
				r.settled(r.nodes...)
				n := r.nodes[2]
				first, _, err := n.sealer.keys.newest()
				if err != nil {
					t.Fatal(err)
				}
				if err := n.sealer.Rotate("ops"); err != nil {
					t.Fatal(err)
				}
				r.until("known", n.hasOwn)
				n.kill()
				second, err := sign.Load(n.fs, keyName(2))
				if err != nil {
					t.Fatal(err)
				}
				remedy := func(n *node) { // somebody puts the right file back, and takes a damaged one away
					for _, name := range n.keyNames() {
						if name == keyName(3) {
							remove(n, 3)
						}
					}
					if !slices.Contains(n.keyNames(), keyName(2)) {
						n.save(2, second)
					}
				}
				tt.plant(t, n, first.key)
				names := n.keyNames()
				n.start()
				if tt.says == "" {
					r.until("it has one key, and the log that", n.hasOwn)
					r.store("d1", 3)
					r.seal(n)
					r.settled(r.nodes...)
					return
				}
				r.pass(time.Minute)
				look := n.Look()
				if _, ok := n.sealer.Signer(&look); ok != slices.Contains(names, keyName(2)) {
					t.Errorf("it signs: %t, with %v", ok, names)
				}
				if got := n.output.String(); !strings.Contains(got, tt.says) {
					t.Errorf("it says\n%s", got)
				}
				if got := n.keyNames(); !slices.Equal(got, names) {
					t.Errorf("key files %v, before %v", got, names)
				}
				r.store("d1", 3)
				r.seal(r.nodes[0]) // the others go on
				remedy(n)
				r.until("it has one key again, and the log that", n.hasOwn)
				r.settled(r.nodes...)
			})
		})
	}
}

// TestNewDiskWithAnOldKey: a directory into which somebody copied a key that was replaced long ago.
func TestNewDiskWithAnOldKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.start(t)
		r.settled(r.nodes...)
		old := r.nodes[2]
		first, _, err := old.sealer.keys.newest()
		if err != nil {
			t.Fatal(err)
		}
		if err := old.sealer.Rotate("ops"); err != nil {
			t.Fatal(err)
		}
		r.until("known", old.hasOwn)
		old.kill()
		n := &node{r: r, server: "n3.z", fs: vfs.NewMem(), policy: old.policy}
		n.save(1, first.key)
		r.change(func() { r.nodes[2], r.log.voters = n, []string{"n1.a", "n2.b", "n3.z"} })
		n.start()
		defer n.kill()
		r.until("known", n.hasOwn)
		if names := n.keyNames(); !slices.Equal(names, []string{"proof-2.key"}) {
			t.Errorf("key files %v", names)
		}
	})
}

// TestRotationCrashes cuts the power after every operation of a first key, of a rotation that a restart cut off, and of a whole one. After the next start
// the node has one key, the log has that, and no older private half is left.
func TestRotationCrashes(t *testing.T) {
	var r *rig
	checks := 0
	vfs.EachCrash(t, vfs.Trial{
		Workload: func(disk vfs.FS) error {
			r = crashRig(t, disk, nil, replicated{})
			n := r.nodes[0]
			for _, life := range []func() error{
				n.step,
				func() error { return n.sealer.Rotate("ops") }, // the log never hears of it in this life
				n.step,
				func() error { return errors.Join(n.sealer.Rotate("ops"), n.step()) },
			} {
				if err := n.open(); err != nil {
					return err
				}
				if err := errors.Join(life(), n.sealer.Close()); err != nil {
					return err
				}
			}
			return nil
		},
		Check: func(disk vfs.FS) error {
			checks++
			again := crashRig(t, disk, r, r.replicated())
			n := again.nodes[0]
			if err := n.open(); err != nil {
				return err
			}
			defer n.sealer.Close()
			if err := n.step(); err != nil {
				return err
			}
			if !n.hasOwn() || !n.signed() {
				return fmt.Errorf("key files %v, the log has %+v", n.keyNames(), again.log.s.Keys())
			}
			return nil
		},
		Seeds: 3,
	})
	if checks < 100 {
		t.Errorf("%d checks prove little", checks)
	}
}

// TestKeyNotDestroyed: an old file that cannot be removed keeps the node from nothing, and is tried again.
func TestKeyNotDestroyed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.start(t)
		r.settled(r.nodes...)
		n := r.nodes[0]
		r.change(func() { r.leader = -1 })
		if err := n.sealer.Rotate("ops"); err != nil {
			t.Fatal(err)
		}
		n.fs.Inject(vfs.FailKind(vfs.OpRemove, fs.ErrPermission))
		r.change(func() { r.leader = 0 })
		r.until("known", func() bool { look := n.Look(); return len(look.Section.Keys()) == 2 })
		r.settled(n)
		if len(n.keyNames()) != 2 || !strings.Contains(n.output.String(), "destroying an old key") {
			t.Errorf("files %v, it says\n%s", n.keyNames(), n.output.String())
		}
		n.fs.Inject(nil)
		r.until("destroyed", n.hasOwn)
	})
}
