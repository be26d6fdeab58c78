//go:build linux

package faultfs

import (
	"fmt"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/gaplessdb/gapless/wal"
	"github.com/hashicorp/raft"
)

// Our own log: what it acknowledged is there after power cuts, and a failed sync poisons it.
func TestOurLogSurvivesPowerCuts(t *testing.T) {
	fs, dir := mounted(t, Options{})
	disk, err := vfs.OS(dir)
	must(t, err)
	acked := uint64(0)
	for round := range 12 {
		log, err := wal.Open(disk, "wal", wal.Options{FileBytes: 256 << 10, PrefillBytes: -1, Inline: true}) // the fault is for StoreLog alone
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		last, err := log.LastIndex()
		must(t, err)
		if last < acked || last > acked+1 {
			t.Fatalf("round %d: the last index is %d, %d were acknowledged", round, last, acked)
		}
		for index := uint64(1); index <= last; index++ {
			var entry raft.Log
			must(t, log.GetLog(index, &entry))
			if string(entry.Data) != text(index) {
				t.Fatalf("round %d: entry %d holds %q", round, index, entry.Data)
			}
		}
		for acked = last; acked < last+uint64(20+round); acked++ {
			must(t, log.StoreLog(&raft.Log{Index: acked + 1, Term: 1, Data: []byte(text(acked + 1))}))
		}
		fault := fs.SyncError(1, round%2 == 0)
		for range 2 { // the second must not be believed either
			if err := log.StoreLog(&raft.Log{Index: acked + 1, Term: 1, Data: []byte(text(acked + 1))}); err == nil {
				t.Fatalf("round %d: acknowledged though the sync failed", round)
			}
		}
		wantBites(t, fault, 1)
		_ = log.Close() // it is poisoned, and nothing of it may run on beyond the cut
		fs.PowerCut([]Survive{Lose, Random, Torn}[round%3], dice(uint64(round)))
	}
	if list, _ := fs.Events(); len(list) < 12 {
		t.Errorf("%d events, want one for each failed sync", len(list))
	}
}

func text(index uint64) string { return fmt.Sprintf("%0*d", 1+index*37%3000, index) }
