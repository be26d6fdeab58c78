package vfs

import (
	"sync/atomic"
	"syscall"
)

// Fault is an error that a hook returns to say more than "fails without effect".
type Fault struct {
	Err    error // what the operation returns; nil means EIO
	Prefix int   // Write and Preallocate: so many bytes are written before the failure
	Drop   bool  // Sync: what was unsynced can never become durable, yet the running process still reads it ("fsyncgate")
	Lie    bool  // Sync and SyncDir: nothing becomes durable and the answer is nil

	// After is called without any lock when the operation has taken effect, or has failed by itself; what it returns is the
	// answer of one that has not: a late answer, or a failure that was none. Err does not count then.
	After func() error
}

func (f *Fault) Error() string { return f.err().Error() }

// Unwrap returns the error that the operation returns.
func (f *Fault) Unwrap() error { return f.err() }

func (f *Fault) err() error {
	if f.Err == nil {
		return syscall.EIO
	}
	return f.Err
}

// partial says whether an operation of this kind does something else than fail without effect.
func (f *Fault) partial(k Kind) bool {
	switch k {
	case OpWrite, OpPreallocate:
		return f.Prefix > 0
	case OpSync:
		return f.Drop || f.Lie
	case OpSyncDir:
		return f.Lie
	}
	return false
}

// Inject makes hook see every operation before it takes effect; nil takes the hook away. An error it returns fails the
// operation, a *Fault shapes the failure. The hook is called without any lock from the goroutine that asked for the operation,
// so it may stall on a channel or a time.Sleep (also under testing/synctest), and must be safe for concurrent use.
func (m *Mem) Inject(hook func(Op) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hook = hook
}

// FailAt is a hook that fails the n-th operation (Op.N) with err, typically syscall.EIO, syscall.ENOSPC or a *Fault.
func FailAt(n int, err error) func(Op) error {
	return func(op Op) error {
		if op.N == n {
			return err
		}
		return nil
	}
}

// FailFrom is a hook that fails the n-th operation and all later ones.
func FailFrom(n int, err error) func(Op) error {
	return func(op Op) error {
		if op.N >= n {
			return err
		}
		return nil
	}
}

// FailNth is a hook that fails the nth operation of one kind, counted from 1 since this call.
func FailNth(kind Kind, nth int, err error) func(Op) error {
	var seen atomic.Int64
	return func(op Op) error {
		if op.Kind == kind && seen.Add(1) == int64(nth) {
			return err
		}
		return nil
	}
}

// FailKind is a hook that fails every operation of one kind.
func FailKind(kind Kind, err error) func(Op) error {
	return func(op Op) error {
		if op.Kind == kind {
			return err
		}
		return nil
	}
}

// ShortWrite fails a Write or Preallocate after prefix bytes.
func ShortWrite(prefix int, err error) *Fault { return &Fault{Err: err, Prefix: prefix} }

// DropOnSync fails a Sync as Linux does after a write-back error: pages are marked clean, the next Sync succeeds, and the
// data is gone at the next power loss.
func DropOnSync() *Fault { return &Fault{Err: syscall.EIO, Drop: true} }

// FailAfter makes an operation take effect and fail all the same, as where only the answer is lost.
func FailAfter(err error) *Fault { return &Fault{Err: err, After: func() error { return err }} }

// LyingSync makes a Sync or SyncDir answer nil without doing anything, as a disk with a volatile cache that ignores flushes.
func LyingSync() *Fault { return &Fault{Lie: true} }
