package gapless

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/tests/network"
	"github.com/gaplessdb/gapless/tests/votes"
	"github.com/gaplessdb/gapless/vfs"
)

// TestOneFlushAtATime: while a head waits for its floor, nothing else that brings a flush point gets into the log: neither FLUSH nor the cut of a seal.
func TestOneFlushAtATime(t *testing.T) {
	new(fasthttp.ResponseHeader).Header() // starts the one clock of all servers outside of the bubble
	synctest.Test(t, func(t *testing.T) {
		disk, full := vfs.NewMem(), atomic.Bool{}
		disk.Inject(func(op vfs.Op) error {
			if full.Load() && op.Kind == vfs.OpWrite && strings.HasPrefix(op.Name, floorsDir+"/") {
				return syscall.ENOSPC
			}
			return nil
		})
		cfg := Defaults()
		cfg.Node, cfg.Data, cfg.HTTP, cfg.Listen = "n1", "n1", "127.0.0.1:7400", "127.0.0.1:7500"
		cfg.Logger = slog.New(slog.DiscardHandler)
		host := network.New(1).Host("127.0.0.1")
		cfg.Machine = Machine{
			Files: func(string) (vfs.FS, error) { return disk, nil }, Listen: host.Listen, Dial: host.Dial,
			Votes: func(dir vfs.FS, _, name string) (VoteStore, error) { return votes.Open(dir, name, votes.Options{}) },
		}
		n, err := Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := n.Close(); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute) // the HTTP server looks at its end every ten seconds
		}()
		until := func(what string, done func() bool) {
			for deadline := time.Now().Add(5 * time.Minute); !done(); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("never: ", what)
				}
			}
		}
		open := func() (ordinal uint32) {
			n.state.View(func(v raftfsm.View) { ordinal = proofOf(&v).Ordinal() })
			return ordinal
		}
		cut := func() error {
			body, err := json.Marshal(map[string]uint32{"ordinal": open()})
			if err != nil {
				t.Fatal(err)
			}
			_, err = n.commandHere(proof.KindCut, proof.CommandVersion, body)
			return err
		}
		flush := func() error {
			_, err := n.commandHere(raftfsm.KindFlush, 1, nil)
			return err
		}
		refused := func(err error) bool {
			var refused *ingest.RefusedError
			return errors.As(err, &refused) && refused.Code == "flush_under_way" && refused.Status == http.StatusTooManyRequests
		}
		late := func() error { // an overdue cut
			body, err := json.Marshal(map[string]uint32{"ordinal": open()})
			if err != nil {
				t.Fatal(err)
			}
			return (&proofCatalog{n}).ProposeOverdue(t.Context(), proof.KindCut, proof.CommandVersion, body)
		}
		idle := func() bool { return n.state.Pressure() == 0 }
		until("a leader", func() bool { return n.proposer.Term() != 0 })
		for name, first := range map[string]func() error{"a flush": flush, "a cut": cut} {
			until("all flushed", idle)
			full.Store(true)
			if err := first(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if err := cut(); !refused(err) {
				t.Errorf("a cut behind %s that is under way: %v", name, err)
			}
			if err := flush(); !refused(err) {
				t.Errorf("a flush behind %s that is under way: %v", name, err)
			}
			if err := late(); err != nil {
				t.Errorf("a cut that is overdue, behind %s: %v", name, err)
			}
			var refused *proof.Refusal
			if err := late(); !errors.As(err, &refused) || refused.Code != proof.CodeFlushUnderWay {
				t.Errorf("a cut that is overdue, behind two flushes: %v", err)
			}
			full.Store(false)
			until("flushed at last", idle)
		}
		if err := cut(); err != nil {
			t.Errorf("a cut when nothing is under way: %v", err)
		}
	})
}
