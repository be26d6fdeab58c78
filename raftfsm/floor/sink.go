package floor

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/raft"
)

// Sink receives a floor from another node for Raft. Nothing of it counts before Close has returned nil.
type Sink struct {
	s                  *Store
	index, term        uint64 // of the floor that was announced
	configurationIndex uint64
	configuration      []byte // encoded

	mu   sync.Mutex // Raft uses a sink from one goroutine, but nothing says that it must
	t    *temp      // nil until the first Write, and after the end
	name string     // of the floor that the sink stands for
	mine bool       // it stands for a floor that is here already
	over bool       // closed or cancelled
	err  error      // what Close returned
}

var _ raft.SnapshotSink = (*Sink)(nil)

// ID is the name of the floor's file, which Store.Open takes once Close has returned nil.
func (k *Sink) ID() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.name
}

// Existing makes the sink stand for the floor at index, which is published already: Close then writes nothing. This is for a snapshot
// that Raft takes itself, FSMSnapshot.Persist: the library wants to label it with the index applied last, while it is of the floor.
func (k *Sink) Existing(index uint64) error {
	f := k.s.find(func(f *file) bool { return f.header.Index == index })
	if f == nil {
		return fmt.Errorf("%w: index %d", ErrNotFound, index)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over || k.t != nil {
		return fmt.Errorf("%w: the sink of floor %d was written to or closed", ErrClosed, k.index)
	}
	k.name, k.mine = f.name(), true
	return nil
}

// Write appends to the file.
func (k *Sink) Write(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over || k.mine {
		return 0, fmt.Errorf("%w: the sink of floor %d", ErrClosed, k.index)
	}
	if k.t == nil {
		t, err := k.s.newTemp()
		if err != nil {
			return 0, err
		}
		k.t = t
	}
	return k.t.buf.Write(b)
}

// Close makes the floor durable and visible, or returns an error and leaves nothing. After Cancel it does nothing.
func (k *Sink) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over || k.mine {
		k.over = true
		return k.err
	}
	k.over = true
	k.err = k.install()
	return k.err
}

// Cancel removes what was written. After Close it does nothing.
func (k *Sink) Cancel() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.over = true
	if k.t == nil {
		return nil
	}
	t := k.t
	k.t = nil
	return t.discard()
}

func (k *Sink) install() error {
	if k.t == nil {
		return fmt.Errorf("floor: install of %d: %w", k.index, &CorruptError{"stream", 0, "a floor file", "nothing"})
	}
	t := k.t
	k.t = nil
	c, err := t.finish()
	if err == nil {
		err = k.agrees(c.header)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("floor: install of %d: %w", k.index, err), t.discard())
	}
	f, err := k.s.place(t, c, true)
	if err != nil {
		return err
	}
	k.name = f.name()
	k.s.installed(f)
	return nil
}

// agrees holds the header of what came against what was announced.
func (k *Sink) agrees(h Header) error {
	if h.Index != k.index || h.Term != k.term {
		return fmt.Errorf("index %d of term %d was announced, index %d of term %d came", k.index, k.term, h.Index, h.Term)
	}
	configuration, err := h.check()
	if err != nil {
		return err
	}
	if h.ConfigurationIndex != k.configurationIndex || !bytes.Equal(raft.EncodeConfiguration(configuration), k.configuration) {
		return fmt.Errorf("the configuration of index %d was announced, another of index %d came", k.configurationIndex, h.ConfigurationIndex)
	}
	return nil
}
