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
		return sec.Restore(r)
	})
	if err != nil {
		return c, h, nil, err
	}
	for _, name := range []string{manifestPart, coreName, c.ledger.Name(), c.members.Name()} {
		if !seen[name] {
			return c, h, nil, fmt.Errorf("raftfsm: floor %d has no part %q", h.Index, name)
		}
	}
	if c.index != h.Index {
		return c, h, nil, fmt.Errorf("raftfsm: floor %d holds the state at %d", h.Index, c.index)
	}
	return c, h, m, nil
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
