package vfs

import (
	"fmt"
	"syscall"
)

// scenario is one way in which an operation and those after it may fail.
type scenario struct {
	name    string
	applies func(Op) bool
	hook    func(k int, op Op) func(Op) error
}

func always(Op) bool         { return true }
func changes(op Op) bool     { return op.Kind.Changes() }
func allocates(op Op) bool   { return op.Kind.Allocates() }
func writes(op Op) bool      { return op.Kind == OpWrite && op.Len > 1 }
func syncs(op Op) bool       { return op.Kind == OpSync }
func once(err error) hookFor { return func(k int, _ Op) func(Op) error { return FailAt(k, err) } }

type hookFor = func(k int, op Op) func(Op) error

// scenarios are tried at every operation they apply to.
var scenarios = []scenario{
	{"EIO once", always, once(syscall.EIO)},
	{"EIO for good", always, func(k int, _ Op) func(Op) error { return FailFrom(k, syscall.EIO) }},
	{"ENOSPC once", allocates, once(syscall.ENOSPC)},
	{"ENOSPC for good", allocates, fullFrom},
	{"short write", writes, func(k int, op Op) func(Op) error { return FailAt(k, ShortWrite(op.Len/2, syscall.ENOSPC)) }},
	{"failed sync that drops the data", syncs, once(DropOnSync())},
	{"EIO after it took effect", changes, once(FailAfter(syscall.EIO))},
}

// fullFrom is a disk that is full from operation k on.
func fullFrom(k int, _ Op) func(Op) error {
	return func(op Op) error {
		if op.N >= k && op.Kind.Allocates() {
			return syscall.ENOSPC
		}
		return nil
	}
}

// EachFault runs the workload once to learn its operations, and then again for each of them and each way in which it can fail:
// EIO without effect and with it, ENOSPC, a short write, a failed sync that drops the data; once, and where it makes sense from
// then on. The workload may return an error or get over it. What it promised must hold on a healthy disk after the process is
// restarted, and after a power loss. A failure names the operation, the fault, the outcome and the seed. A sync that lies is not
// among the faults: what it costs cannot be known, so nothing can be asked of a store.
func EachFault(t TB, c Trial) {
	t.Helper()
	tr, ops := prepare(t, c)
	for _, i := range spread(len(ops), c.Points) {
		recovery := tr.Recovery // of the first scenario alone: the others leave much the same
		for _, s := range scenarios {
			if !s.applies(ops[i]) {
				continue
			}
			m := NewMem()
			m.Inject(s.hook(i+1, ops[i]))
			err := tr.Workload(m)
			where := fmt.Sprintf("%s at %s, the workload returned %v", s.name, ops[i], err)
			tr.checkClones(m, i+1, where, recovery, failure)
			recovery = 0
			if tr.done() {
				return
			}
		}
	}
	t.Logf("vfs: %d operations, %d checks", len(ops), tr.clones.Load())
}
