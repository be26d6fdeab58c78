package vfs

import (
	"errors"
	"io/fs"
	"sync"
	"syscall"
)

// ErrCrashed is what every operation returns after the crash that CrashAt ordered: the process is dead and only does not know.
var ErrCrashed = errors.New("vfs: the machine has crashed")

// unlimited is what Free answers when there is no capacity limit.
const unlimited = 1 << 50

// Mem is a file system in memory that knows what a power loss would leave of it (see CrashClone), and that fails on demand
// (see Inject, CrashAt, SetCapacity, Flip). It is strict where real file systems are kind: what POSIX does not promise to
// survive is lost. All methods may be called from any goroutine.
type Mem struct {
	mu       sync.Mutex // protects everything below and all inodes
	root     *inode
	hook     func(Op) error
	ops      int
	trace    []Op // every operation so far, if tracing
	tracing  bool
	crashAt  int // the operation after which the machine is dead; negative for never
	dead     bool
	capacity int64 // bytes; negative for no limit
	used     int64 // bytes of all files that a name or a handle leads to
}

var _ FS = (*Mem)(nil)

// NewMem returns an empty file system without faults or limits.
func NewMem() *Mem { return &Mem{root: newDirectory(), crashAt: -1, capacity: -1} }

// Ops returns how many operations were attempted so far.
func (m *Mem) Ops() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ops
}

// CrashAt lets the first k operations since NewMem (or CrashClone) pass and fails every later one with ErrCrashed. Handles
// can still be closed. A negative k means never, but a machine that is dead already stays so: go on with its CrashClone.
func (m *Mem) CrashAt(k int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.crashAt = k
	m.dead = m.dead || k >= 0 && m.ops >= k
}

// SetCapacity limits the sum of the file sizes; operations beyond it fail with ENOSPC, a write after its part that still
// fits. Holes count like data. Negative means no limit.
func (m *Mem) SetCapacity(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.capacity = bytes
}

// Free returns what SetCapacity has left, or a petabyte without a limit.
func (m *Mem) Free() (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return 0, pathError("statfs", ".", ErrCrashed)
	}
	return m.free(), nil
}

func (m *Mem) free() int64 {
	if m.capacity < 0 {
		return unlimited
	}
	return max(0, m.capacity-m.used)
}

// Flip inverts bit (0 to 7) of the byte at offset of a stored file, as a sick disk does: no Sync is needed and none helps.
func (m *Mem) Flip(name string, offset int64, bit uint) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, err := m.file("flip", name)
	if err != nil {
		return err
	}
	var b [1]byte
	if bit > 7 || offset < 0 || node.data.readAt(b[:], offset) == 0 {
		return pathError("flip", name, fs.ErrInvalid)
	}
	c := change{kind: changeWrite, off: offset, n: 1, data: []byte{b[0] ^ 1<<bit}}
	c.apply(&node.data)
	if offset < node.synced.size {
		c.apply(&node.synced)
	}
	if len(node.pending) > 0 { // the next Sync must not heal it
		node.pending = append(node.pending, c)
	}
	return nil
}

// do runs one operation: it counts it, asks the hook (without the lock, so that a hook may stall), and runs fn under the lock.
// Of what the hook returned only a *Fault that shapes this kind of operation reaches fn; one that fails it does so without effect.
func (m *Mem) do(op Op, fn func(*Fault) error) error {
	fault, err := m.admit(&op)
	err = m.effect(op, fault, err, fn)
	if fault == nil || fault.After == nil || errors.Is(err, ErrCrashed) {
		return err
	}
	if late := m.after(op, fault); err == nil {
		err = late
	}
	return err
}

func (m *Mem) effect(op Op, fault *Fault, err error, fn func(*Fault) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead { // perhaps since the hook was asked
		err = ErrCrashed
	}
	m.dead = m.dead || op.N == m.crashAt
	if err != nil {
		return pathError(op.Kind.String(), op.Name, err)
	}
	if fault != nil && !fault.partial(op.Kind) {
		fault = nil
	}
	return fn(fault)
}

// after asks for the answer to an operation that took effect. A machine that crashed meanwhile gives none.
func (m *Mem) after(op Op, fault *Fault) error {
	err := fault.After()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead && op.N != m.crashAt {
		err = ErrCrashed
	}
	if err != nil {
		return pathError(op.Kind.String(), op.Name, err)
	}
	return nil
}

// admit numbers the operation and returns what the hook has in store for it.
func (m *Mem) admit(op *Op) (*Fault, error) {
	m.mu.Lock()
	if m.dead || m.crashAt >= 0 && m.ops >= m.crashAt {
		m.mu.Unlock()
		return nil, ErrCrashed
	}
	m.ops++
	op.N = m.ops
	if m.tracing {
		m.trace = append(m.trace, *op)
	}
	hook := m.hook
	m.mu.Unlock()
	if hook == nil {
		return nil, nil
	}
	err := hook(*op)
	var fault *Fault
	if errors.As(err, &fault) && (fault.After != nil || fault.partial(op.Kind)) {
		return fault, nil
	}
	return nil, err
}

// reserve charges delta more bytes (or returns -delta of them) and fails when they do not fit.
func (m *Mem) reserve(delta int64) error {
	if delta > 0 && delta > m.free() {
		return syscall.ENOSPC
	}
	m.used += delta
	return nil
}

// release gives the space of a file back when nothing leads to it any more.
func (m *Mem) release(node *inode) {
	if node.links == 0 && node.opens == 0 {
		m.used -= node.data.size
	}
}
