package wal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/hashicorp/raft"
)

// history is one life of a log, told by bytes: calls, faults, crashes and recoveries that are interrupted themselves, one on top of
// the other on the same disk. The model says what must be left.
type history struct {
	model
	fs   *vfs.Mem
	log  *Log
	term uint64

	lost       vfs.Crash // what the next failure leaves
	inRecovery int       // operations after which the next recovery is interrupted; 0: it is not
	told       strings.Builder
}

func (h *history) tell(format string, args ...any) { fmt.Fprintf(&h.told, format+"\n", args...) }

// live does what script says, two bytes a time, and returns the first broken promise.
func (h *history) live(script []byte) error {
	if err := h.restart(); err != nil {
		return err
	}
	for ; len(script) >= 2; script = script[2:] {
		if err := h.step(script[0], int(script[1])); err != nil {
			return err
		}
	}
	h.lost = vfs.Crash{}
	return h.restart()
}

func (h *history) step(what byte, arg int) error {
	switch what % 10 {
	case 0, 1, 2:
		return h.append(1+uint64(arg%5), []int{0, 50, 700, 5000}[arg/8%4], uint64(arg))
	case 3:
		h.term++
		return h.delete(h.last()-uint64(arg)%max(uint64(len(h.es)), 1), h.last())
	case 4:
		h.floor = h.first() + uint64(arg%20)
		h.log.SetFloor(h.floor)
		return h.delete(h.first(), max(h.last(), 1)-1)
	case 5:
		return h.delete(h.first(), h.last())
	case 6:
		h.tell("reopen")
		_ = h.log.Close() // if it fails, it is as if the process had died
		return h.restart()
	case 7:
		h.tell("the machine dies in %d operations, leaving %d", arg%16, arg/16)
		h.leave(arg / 16)
		h.fs.CrashAt(h.fs.Ops() + arg%16)
	case 8:
		fault := []error{syscall.EIO, syscall.ENOSPC, vfs.ShortWrite(arg, syscall.ENOSPC), vfs.DropOnSync(), vfs.FailAfter(syscall.EIO)}[arg%5]
		h.tell("%d operations from now one fails: %v (%d), leaving %d", arg/5%16, fault, arg%5, arg/16)
		h.leave(arg / 16)
		h.fs.Inject(vfs.FailAt(h.fs.Ops()+1+arg/5%16, fault))
	case 9:
		h.tell("the next recovery dies after %d operations", arg%64)
		h.inRecovery = arg % 64
	}
	return nil
}

// leave decides what a failure leaves: what was synced, everything, or something in between.
func (h *history) leave(what int) {
	switch what % 4 {
	case 0:
		h.lost = vfs.Crash{}
	case 1:
		h.lost = vfs.Crash{Kill: true}
	default:
		h.lost = vfs.Crash{Rand: rand.New(rand.NewPCG(uint64(what), uint64(h.fs.Ops())))}
	}
}

func (h *history) append(n uint64, size int, start uint64) error {
	next := h.last() + 1
	if len(h.es) == 0 {
		next = 1 + start
	}
	es := makeEntries(next, next+n-1, h.term, size)
	h.tell("store %d..%d of term %d, %d bytes each", next, next+n-1, h.term, size)
	before := h.es
	h.es, h.cutShort = append(before[:len(before):len(before)], es...), false
	return h.judge(h.log.StoreLogs(es), before, true)
}

func (h *history) delete(lo, hi uint64) error {
	h.tell("delete %d..%d of %d..%d, floor %d", lo, hi, h.first(), h.last(), h.floor)
	before := h.es
	if h.deleteRange(lo, hi) {
		return fmt.Errorf("delete %d..%d is not a legal call", lo, hi)
	}
	return h.judge(h.log.DeleteRange(lo, hi), before, false)
}

// judge looks at a call that returned err. If it failed, the process ends, and of the call all may have happened, or nothing, or of an
// append its beginning.
func (h *history) judge(err error, before []*raft.Log, appends bool) error {
	if err == nil {
		return nil
	}
	h.tell("failed: %v", err)
	if !errors.Is(err, ErrPoisoned) {
		return fmt.Errorf("a call failed with %w", err)
	}
	_ = h.log.Close()
	after := h.es
	got, err := h.recover()
	if err != nil {
		return err
	}
	n := len(got)
	if diff(got, before) != "" && diff(got, after) != "" && !(appends && n > len(before) && n < len(after) && diff(got, after[:n]) == "") {
		return fmt.Errorf("neither before the call nor after it: %s; %s", diff(got, before), diff(got, after))
	}
	h.es = got
	return nil
}

// restart begins a new process, which must find what the model has.
func (h *history) restart() error {
	got, err := h.recover()
	if err != nil {
		return err
	}
	if d := diff(got, h.es); d != "" {
		return errors.New(d)
	}
	return nil
}

// recover opens the log that the last process left, on a healthy disk, and returns what it holds, now and after a power loss.
func (h *history) recover() ([]*raft.Log, error) {
	h.fs = h.fs.CrashClone(h.lost)
	if h.inRecovery > 0 {
		h.fs.CrashAt(h.inRecovery)
		if l, err := Open(h.fs, testDir, smallOptions()); err == nil {
			_ = l.Close()
		}
		h.fs, h.inRecovery = h.fs.CrashClone(h.lost), 0
	}
	h.lost = vfs.Crash{Kill: true} // as the process leaves it, if nothing else is said
	l, err := Open(h.fs, testDir, smallOptions())
	if err != nil {
		return nil, fmt.Errorf("a healthy disk is refused: %w", err)
	}
	l.SetFloor(h.floor)
	h.log, h.cutShort = l, false
	got, err := contents(l)
	if err != nil {
		return nil, err
	}
	h.tell("recovered %d..%d", l.first, l.last)
	return got, sameAfterPowerCut(h.fs, smallOptions(), got)
}

// runHistory fails the test with the story of a history that breaks a promise.
func runHistory(t *testing.T, script []byte) {
	h := &history{fs: vfs.NewMem(), term: 1}
	if err := h.live(script); err != nil {
		t.Fatalf("%v\nafter %x:\n%s", err, script, h.told.String())
	}
}

// TestHistories lives a few hundred lives.
func TestHistories(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 4))
		script := make([]byte, 2*r.IntN(100))
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		runHistory(t, script)
	}
}

// FuzzHistory looks for a life that ends badly.
func FuzzHistory(f *testing.F) {
	f.Add([]byte{0, 12, 0, 20, 7, 35, 0, 28, 3, 2, 8, 23, 0, 4, 9, 11, 6, 0, 4, 9, 0, 1})
	f.Add([]byte{0, 28, 0, 28, 4, 3, 0, 28, 7, 2, 5, 0, 9, 7, 0, 5, 6, 0, 8, 8, 0, 9})
	f.Fuzz(func(t *testing.T, script []byte) { runHistory(t, script[:min(len(script), 400)]) })
}
