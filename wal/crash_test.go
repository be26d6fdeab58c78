package wal

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/vfs"
)

func TestCrashEverywhere(t *testing.T) {
	for name, st := range scripts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{opt: smallOptions, steps: st}
			vfs.EachCrash(t, vfs.Trial{Workload: s.run, Check: s.check, Recovery: 2, Points: points})
		})
	}
}

// Recovery is itself interrupted at each of its operations, wherever the first crash was.
func TestCrashDuringRecovery(t *testing.T) {
	s := &script{opt: smallOptions, steps: steps(
		store(1, 3, 1, 900), store(4, 6, 1, 900), floor(4), remove(1, 5, 1, 3), remove(6, 6, 6, 6), store(6, 9, 2, 700))}
	vfs.EachCrash(t, vfs.Trial{Workload: s.run, Check: s.check, Seeds: 1, Recovery: 1000, Points: points})
}

func TestFaultEverywhere(t *testing.T) {
	for name, st := range scripts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{opt: smallOptions, steps: st}
			vfs.EachFault(t, vfs.Trial{Workload: s.run, Check: s.check, Seeds: 1, Points: points})
		})
	}
}

// A recovery whose disk fails is not worse than one that is interrupted.
func TestFaultDuringRecovery(t *testing.T) {
	s := &script{opt: smallOptions, steps: steps(
		store(1, 3, 1, 900), store(4, 6, 1, 900), floor(4), remove(1, 5, 1, 3), remove(6, 6, 6, 6), store(6, 9, 2, 700))}
	vfs.EachFault(t, vfs.Trial{Workload: s.run, Check: s.check, Seeds: 1, Recovery: 50, Points: points})
}

// Each operation of the writer and of the housekeeper in turn takes a minute, and the power fails meanwhile.
func TestStallEverywhere(t *testing.T) {
	for name, st := range scripts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &script{steps: st, opt: besideHousekeeper}
				vfs.EachStall(t, vfs.Trial{Workload: s.run, Check: s.check, Seeds: -1, Points: points}, time.Minute)
			})
		})
	}
}

func besideHousekeeper() Options {
	opt := smallOptions()
	opt.Inline = false
	return opt
}

// The same histories with a housekeeper, whose operations mix with the writer's in any order: crashes at every count of operations.
func TestCrashBesideHousekeeper(t *testing.T) {
	for name, st := range scripts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{opt: smallOptions, steps: st}
			beside := &script{steps: st, opt: besideHousekeeper}
			for k, done := 0, false; !done; k += stride {
				m := vfs.NewMem()
				m.CrashAt(k)
				done = beside.run(m) == nil
				s.promise(beside.before, beside.after, beside.writes, beside.broken)
				for seed := range uint64(4) {
					crash := vfs.Crash{Kill: seed == 1}
					if seed > 1 {
						crash.Rand = rand.New(rand.NewPCG(uint64(k), seed))
					}
					if err := s.check(m.CrashClone(crash)); err != nil {
						t.Fatalf("crash after operation %d, outcome %d: %v\nleft behind:\n%v", k, seed, err, m.CrashClone(crash))
					}
				}
			}
		})
	}
}
