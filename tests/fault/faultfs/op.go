//go:build linux

package faultfs

// Op is what a process asks of the file system, for the matchers of Slow and Hang and for Events.
type Op string

const (
	Look      Op = "look" // lookup, stat
	List      Op = "list"
	Open      Op = "open" // to read, or a directory
	OpenWrite Op = "open to write"
	Read      Op = "read"
	Write     Op = "write"
	Truncate  Op = "truncate"
	Allocate  Op = "allocate"
	Sync      Op = "sync"
	SyncDir   Op = "sync directory"
	Create    Op = "create" // files, directories, links
	Remove    Op = "remove" // files, directories
	Rename    Op = "rename" // matched by either path
	Attr      Op = "attributes"
)

// changes tells what needs a disk that can be written.
func (op Op) changes() bool {
	switch op {
	case Write, Truncate, Allocate, Sync, SyncDir, Create, Remove, Rename, Attr:
		return true
	}
	return false
}

// logged tells what is worth an event after a refused change, though it was carried out.
func (op Op) logged() bool {
	return op.isSync() || op == Write || op == Truncate || op == Allocate
}

func (op Op) isSync() bool { return op == Sync || op == SyncDir }
