//go:build linux

package faultfs

import (
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
)

// A database that is known to be careful loses nothing that it acknowledged, and stays whole, whenever the power is cut. Each round holds its
// process at some write or sync, kills it there, and cuts.
func TestBoltSurvivesPowerCuts(t *testing.T) {
	rounds := 50
	if testing.Short() || raced {
		rounds = 9
	}
	fs, dir := mounted(t, Options{})
	path := filepath.Join(dir, "bolt.db")
	must(t, start(t, "bolt-make", path).wait())
	acked, held, torn := 0, 0, 0
	for round := range rounds {
		rng := dice(uint64(round))
		at, came := int64(rng.IntN(150)), make(chan struct{})
		var count atomic.Int64
		hang := fs.Hang(func(_ string, op Op) bool {
			if op != Write && op != Sync && op != Truncate {
				return false
			}
			n := count.Add(1) - 1
			if n == at {
				close(came)
			}
			return n >= at
		})
		c := start(t, "bolt-write", path)
		<-came
		must(t, c.cmd.Process.Kill())
		for c.out.Scan() { // what it said, until it has ended
			n, err := strconv.Atoi(c.out.Text())
			must(t, err)
			acked = max(acked, n+1)
		}
		c.kill()
		hang.Release()
		held += int(hang.Bites())
		lost := fs.PowerCut([]Survive{Lose, Random, Torn}[round%3], rng)
		torn += lost.Torn
		check := start(t, "bolt-check", path)
		got, err := strconv.Atoi(check.line())
		must(t, err)
		if err := check.wait(); err != nil || got < acked || got > acked+1 {
			t.Fatalf("round %d: %d numbers after the cut, %d were acknowledged; %v; %v", round, got, acked, lost, err)
		}
		acked = got
	}
	if acked < 5*rounds || held < rounds || torn < rounds/9 {
		t.Errorf("%d numbers, %d operations held, %d pages torn: too little to prove anything", acked, held, torn)
	}
}

// The same database on a disk that lies loses what it acknowledged: the test above could have failed.
func TestBoltLosesOnALyingDisk(t *testing.T) {
	fs, dir := mounted(t, Options{})
	path := filepath.Join(dir, "bolt.db")
	must(t, start(t, "bolt-make", path).wait())
	fault := fs.LyingSync()
	c := start(t, "bolt-write", path)
	for range 20 {
		c.line()
	}
	c.kill()
	fault.Clear()
	fs.PowerCut(Lose, nil)
	check := start(t, "bolt-check", path)
	if got := check.line(); got != "0" || fault.Bites() < 20 {
		t.Errorf("%s numbers after a cut on a disk that synced nothing, %d bites", got, fault.Bites())
	}
	must(t, check.wait())
}
