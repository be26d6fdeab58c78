package vfs

import "fmt"

// Kind says what an operation on a Mem does.
type Kind uint8

// The operations that are counted, can be made to fail, and can be the last one before a crash. Close, Size and Free are none.
const (
	OpCreate Kind = iota + 1
	OpOpen
	OpRead
	OpWrite
	OpSync
	OpSyncDir
	OpRename
	OpRemove
	OpTruncate
	OpPreallocate
	OpMkdir
	OpList
	OpLock
)

var kindNames = [...]string{"", "create", "open", "read", "write", "sync", "sync directory", "rename", "remove", "truncate",
	"preallocate", "mkdir", "list", "lock"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Changes says whether the operation can change what a crash leaves behind.
func (k Kind) Changes() bool { return k != OpOpen && k != OpRead && k != OpList }

// Allocates says whether the operation can run out of space.
func (k Kind) Allocates() bool {
	switch k {
	case OpCreate, OpWrite, OpTruncate, OpPreallocate, OpMkdir, OpLock, OpRename:
		return true
	}
	return false
}

// Op is one operation as a hook sees it, before it takes effect.
type Op struct {
	Kind   Kind
	Name   string // cleaned; of a Rename, the old name
	To     string // of a Rename, the new name
	Offset int64  // of Read and Write; of a Truncate, the new size
	Len    int    // bytes of Read, Write and Preallocate
	N      int    // running count over all operations of this Mem, from 1
}

func (o Op) String() string {
	s := fmt.Sprintf("op %d: %s %s", o.N, o.Kind, o.Name)
	switch o.Kind {
	case OpRename:
		s += " to " + o.To
	case OpRead, OpWrite:
		s += fmt.Sprintf(" [%d,+%d)", o.Offset, o.Len)
	case OpTruncate:
		s += fmt.Sprintf(" to %d bytes", o.Offset)
	case OpPreallocate:
		s += fmt.Sprintf(" %d bytes", o.Len)
	}
	return s
}
