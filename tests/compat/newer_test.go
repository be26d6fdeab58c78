package compat

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/floor"
	"github.com/gaplessdb/gapless/vfs"
)

// beyond is a cluster version that this binary does not know.
const beyond = raftfsm.SupportedVersion + 1

// TestNewerClusterIsRefused gives this binary the directory of a cluster that was raised to a version beyond what it knows: the node ends
// and says why, instead of applying commands whose meaning it cannot know.
func TestNewerClusterIsRefused(t *testing.T) {
	dir := t.TempDir()
	f := frozen{"0.2.0", 1, true}
	unpack(t, f.archive(), dir)
	raiseFloors(t, filepath.Join(dir, "n1"))
	c := newNodes(t, f, dir)
	fatal := make(chan error, 1)
	c.configs[0].OnFatal = func(err error) { fatal <- err }
	n, err := gapless.Open(c.configs[0])
	if err == nil {
		defer n.Close()
		select {
		case err = <-fatal:
		case <-time.After(patience):
			t.Fatal("the node took a state that it cannot know")
		}
	}
	if !strings.Contains(err.Error(), "upgrade") || !strings.Contains(err.Error(), fmt.Sprint("version ", beyond)) {
		t.Errorf("the node ended with %q, which does not say that it needs an upgrade to cluster version %d", err, beyond)
	}
}

// raiseFloors writes every floor of a stopped node again, as of a cluster at the version after the one this binary knows.
func raiseFloors(t *testing.T, node string) {
	t.Helper()
	fs, err := vfs.OS(node)
	if err != nil {
		t.Fatal(err)
	}
	was, err1 := floor.Open(fs, "floors", floor.Options{})
	raised, err2 := floor.Open(fs, "raised", floor.Options{})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	for _, p := range slices.Backward(was.Floors()) { // oldest first
		var h floor.Header
		var parts []floor.Part
		err := was.Read(p.Index, func(found floor.Header) error { h = found; return nil }, func(name string, r io.Reader) error {
			b, err := io.ReadAll(r)
			if name == (&raftfsm.Members{}).Name() {
				b = bytes.Replace(b, []byte(`"cluster_version":1`), fmt.Appendf(nil, `"cluster_version":%d`, beyond), 1)
			}
			parts = append(parts, floor.Part{Name: name, Write: func(w io.Writer) error { _, err := w.Write(b); return err }})
			return err
		})
		if err == nil {
			_, _, err = raised.Publish(h, parts)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(was.Close(), raised.Close(), fs.Rename("floors", "as-it-was"), fs.Rename("raised", "floors")); err != nil {
		t.Fatal(err)
	}
}
