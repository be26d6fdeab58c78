//go:build linux

package host

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// maxHosts is what four bits of an address tell apart; the table below has a place for each pair.
const maxHosts = 15

// pair is an entry of the table that this program and the kernel's share. Both sides load and store whole words.
type pair struct {
	share   uint64 // of 1<<32: how much of the packets is dropped
	dropped uint64
}

const wholeShare = 1 << 32

// wire holds the table and the program that reads it. All of it ends with the descriptors, and these with the process.
type wire struct {
	table *[256]pair
	fds   []int // table, program, one link per port
}

func newWire() (*wire, error) {
	table, err := bpf(unix.BPF_MAP_CREATE, &struct{ kind, keySize, valueSize, entries, flags uint32 }{
		unix.BPF_MAP_TYPE_ARRAY, 4, uint32(unsafe.Sizeof(pair{})), 256, unix.BPF_F_MMAPABLE})
	if err != nil {
		return nil, fmt.Errorf("the table of the wire: %w", err)
	}
	w := &wire{fds: []int{table}}
	memory, err := unix.Mmap(table, 0, int(unsafe.Sizeof(*w.table)), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		w.close()
		return nil, fmt.Errorf("mapping the table of the wire: %w", err)
	}
	w.table = (*[256]pair)(unsafe.Pointer(&memory[0]))
	if err := w.load(table); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// load gives the kernel the program.
func (w *wire) load(table int) error {
	code, license := program(table), []byte("Apache-2.0\x00")
	attr := struct {
		kind, count            uint32
		code, license          uint64
		logLevel, logSize      uint32
		log                    uint64
		kernel, flags          uint32
		name                   [16]byte
		ifindex, expectsAttach uint32
	}{
		kind: unix.BPF_PROG_TYPE_SCHED_CLS, count: uint32(len(code)), code: address(&code[0]), license: address(&license[0]),
		expectsAttach: unix.BPF_TCX_INGRESS,
	}
	fd, err := bpf(unix.BPF_PROG_LOAD, &attr)
	runtime.KeepAlive(code)
	runtime.KeepAlive(license)
	if err != nil {
		return fmt.Errorf("the program of the wire: %w", err)
	}
	w.fds = append(w.fds, fd)
	return nil
}

// attach runs the program on all that arrives at an interface of the calling thread's namespace.
func (w *wire) attach(ifindex int) error {
	fd, err := bpf(unix.BPF_LINK_CREATE, &struct {
		program, ifindex, kind, flags, relative, pad uint32
		revision                                     uint64
	}{program: uint32(w.fds[1]), ifindex: uint32(ifindex), kind: unix.BPF_TCX_INGRESS})
	if err != nil {
		return fmt.Errorf("the program of the wire at interface %d: %w", ifindex, err)
	}
	w.fds = append(w.fds, fd)
	return nil
}

// bpf makes a kernel object of attr, which is what bpf(2) lays down for the command.
func bpf[T any](command uintptr, attr *T) (int, error) {
	for again := 0; ; again++ {
		fd, _, errno := unix.Syscall(unix.SYS_BPF, command, uintptr(unsafe.Pointer(attr)), unsafe.Sizeof(*attr))
		if errno == 0 {
			return int(fd), nil
		}
		if errno != unix.EAGAIN || again == maxAgain { // a signal, such as those of the Go runtime, interrupted the verifier
			return 0, os.NewSyscallError("bpf", errno)
		}
	}
}

// maxAgain is how often an interrupted call is tried again.
const maxAgain = 100

// close lets go of all but the memory of the table: what comes late, such as a Mend, finds it still.
func (w *wire) close() {
	for _, fd := range w.fds {
		unix.Close(fd)
	}
	w.fds = nil
}

func (w *wire) set(from, to int, share float64) {
	atomic.StoreUint64(&w.table[from<<4|to].share, uint64(math.Round(share*wholeShare)))
}

func (w *wire) dropped(from, to int) uint64 { return atomic.LoadUint64(&w.table[from<<4|to].dropped) }
