//go:build linux

package fault

import (
	"errors"
	"sync"
	"time"

	"github.com/gaplessdb/gapless/tests/fault/skew"
)

// clock is the wall clock of a computer: it goes on from process to process.
type clock struct {
	mu     sync.Mutex // protects all below
	offset time.Duration
	now    *skew.Clock // of the newest process
	before uint64      // reads by those before
	broken error
}

// insert gives the clock to a new process.
func (k *clock) insert(next *skew.Clock) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.retire()
	k.now = next
	next.Set(k.offset)
}

// retire ends the clock of the process before. The caller holds mu.
func (k *clock) retire() {
	if k.now != nil {
		k.broken = errors.Join(k.broken, k.now.Close())
		k.before += k.now.Reads()
		k.now = nil
	}
}

func (k *clock) Skew() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.offset
}

func (k *clock) SetSkew(ahead time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.offset = ahead
	if k.now != nil {
		k.now.Set(ahead)
	}
}

func (k *clock) Reads() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.now == nil {
		return k.before
	}
	return k.before + k.now.Reads()
}

func (k *clock) close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.retire()
	return k.broken
}
