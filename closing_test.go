package gapless

import (
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/tests/network"
	"github.com/gaplessdb/gapless/tests/votes"
	"github.com/gaplessdb/gapless/vfs"
)

// A disk that fails while the node closes is as fatal as before, and Close returns although Raft has ended in the middle of a write.
func TestDiskFailsWhileClosing(t *testing.T) {
	new(fasthttp.ResponseHeader).Header() // starts the one clock of all servers outside of the bubble
	defer func() {
		if r := recover(); r != nil && !strings.Contains(stacksOf(), "raft.(*deferError).Error") { // see raftfsm.Instance
			panic(r)
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		disk, sick := vfs.NewMem(), atomic.Bool{}
		var told atomic.Pointer[error]
		cfg := Defaults()
		cfg.Node, cfg.Data, cfg.HTTP, cfg.Listen = "n1", "n1", "127.0.0.1:7400", "127.0.0.1:7500"
		cfg.Logger = slog.New(slog.DiscardHandler)
		cfg.OnFatal = func(err error) { told.CompareAndSwap(nil, &err) }
		host := network.New(1).Host("127.0.0.1")
		cfg.Machine = Machine{
			Files: func(string) (vfs.FS, error) { return disk, nil }, Listen: host.Listen, Dial: host.Dial,
			Votes: func(dir vfs.FS, _, name string) (VoteStore, error) { return votes.Open(dir, name, votes.Options{}) },
		}
		stalled := make(chan struct{}, 1)
		disk.Inject(func(op vfs.Op) error {
			if op.Kind != vfs.OpSync || !strings.HasPrefix(op.Name, walDir+"/") || !sick.CompareAndSwap(true, false) {
				return nil
			}
			stalled <- struct{}{}
			time.Sleep(2 * cfg.FenceAfter)
			return syscall.EIO
		})
		n, err := Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for n.proposer.Term() == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		sick.Store(true)
		<-stalled                                                            // the sync of a TICK
		go func() { _, _ = n.proposer.Command(raftfsm.KindFlush, 1, nil) }() // it waits in the queue of Raft, which ends before it takes it
		closed := make(chan error, 1)
		go func() { closed <- n.Close() }()
		select {
		case <-closed:
		case <-time.After(time.Minute):
			t.Error("Close has not returned after a minute")
		}
		if told.Load() == nil {
			t.Error("nobody was told that the disk failed")
		}
		time.Sleep(time.Minute) // the HTTP server looks at its end every ten seconds
	})
}

func stacksOf() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}
