package raftfsm

import (
	"errors"
	"fmt"
	"io"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/raftfsm/floor"
	"github.com/gaplessdb/gapless/segment"
)

// errNoSnapshot: floors are published by the flusher when they are durable, and the log is cut by the node when another one has them too.
var errNoSnapshot = errors.New("raftfsm: Raft takes no snapshots of its own: the flusher publishes floors")

// Snapshot implements raft.FSM. It is never needed: see errNoSnapshot.
func (f *FSM) Snapshot() (raft.FSMSnapshot, error) { return nil, errNoSnapshot }

// Restore implements raft.FSM: it replaces the whole state by a floor file, at start and when a floor was installed. It reads no segment:
// those that are missing are pulled later.
func (f *FSM) Restore(r io.ReadCloser) error {
	defer r.Close()
	counted := &countingReader{r: r}
	fresh, header, m, err := readFloor(counted, f.state.makeExtra)
	if err != nil {
		return err
	}
	if err := fresh.members.beyond(); err != nil {
		err = fmt.Errorf("raftfsm: floor %d: %w", header.Index, err)
		f.onHalt(err) // Raft would only say that it could not restore
		return err
	}
	s := f.state
	s.replacing.Lock()
	defer s.replacing.Unlock()
	f.restored(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.content, s.sealed, s.manifest, s.floor = fresh, nil, m, header.Index
	s.sizes = [2]int64{counted.n, fresh.core.Before}
	s.abandoned = false
	s.core.Before = 0 // a floor file's, not the state's
	f.metrics.state(s)
	s.press()
	s.signal()
	f.log.Info("restored", "floor", header.Index, "term", header.Term, "segments", len(m.Segments()), "frames", m.Frames(), "streams", fresh.ledger.Len())
	return nil
}

// readFloor builds a state from a floor file.
func readFloor(r io.Reader, extra Extra) (c content, h floor.Header, m *segment.Manifest, err error) {
	c = newContent(extra)
	sections, seen := map[string]Section{}, map[string]bool{}
	for _, sec := range c.Sections() {
		sections[sec.Name()] = sec
	}
	h, _, err = floor.Read(r, nil, func(name string, r io.Reader) error {
		seen[name] = true
		if name == manifestPart {
			b, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			m, err = segment.ParseManifest(b)
			return err
		}
		sec, ok := sections[name]
		if !ok {
			return fmt.Errorf("raftfsm: the floor has a section %q that this binary does not know: upgrade it", name)
		}
		c.chronicle() // which compares its part with the members'
		return sec.Restore(r)
	})
	if err != nil {
		return c, h, nil, err
	}
	if err := c.checkParts(seen, h.Index); err != nil {
		return c, h, nil, fmt.Errorf("raftfsm: floor %d: %w", h.Index, err)
	}
	c.configured()
	c.mark()
	return c, h, m, nil
}

// checkParts is damage where a floor lacks a part that every node wrote at its index and cluster version, or has one of a later version: to go on
// with an empty section instead would be to lose it without a word. A newer cluster's parts are not known here; who restores it is told to upgrade.
func (c *content) checkParts(seen map[string]bool, index uint64) error {
	if !seen[manifestPart] {
		return damaged("a part "+manifestPart, "none")
	}
	if c.members.beyond() != nil {
		return nil
	}
	version := max(c.members.Version(), 1)
	for _, sec := range c.Sections() {
		switch wanted := since(sec) <= version; {
		case wanted && !seen[sec.Name()]:
			return damaged(fmt.Sprintf("a part %s at cluster version %d", sec.Name(), version), "none")
		case !wanted && seen[sec.Name()]:
			return damaged(fmt.Sprintf("no part %s at cluster version %d", sec.Name(), version), "one")
		}
	}
	if c.index != index {
		return damaged(fmt.Sprintf("the state at %d", index), fmt.Sprintf("that at %d", c.index))
	}
	return nil
}

func damaged(want, got string) error {
	return &floor.CorruptError{Path: "contents", Want: want, Got: got}
}

// ReadFloor builds a state from a floor file, for reading only.
func ReadFloor(r io.Reader, extra Extra) (*State, floor.Header, error) {
	c, h, m, err := readFloor(r, extra)
	if err != nil {
		return nil, h, err
	}
	return &State{content: c, makeExtra: extra, manifest: m, floor: h.Index, changed: make(chan struct{})}, h, nil
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
