package votes

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	boltdb "github.com/hashicorp/raft-boltdb/v2"

	"github.com/gaplessdb/gapless/vfs"
)

// elections is a workload: terms go up, and in each there is one vote.
type elections struct {
	early bool // planted: answers before the file is written

	answered map[string][]byte
	asked    struct {
		key   string
		value []byte
	}
}

const terms = 4

func (e *elections) run(fsys vfs.FS) error {
	e.answered = map[string][]byte{}
	e.asked.key = ""
	for t := uint64(1); t <= terms; t++ { // a process per term
		s, err := Open(fsys, file, Options{})
		if err != nil {
			return err
		}
		if err := e.set(s, term, binary.BigEndian.AppendUint64(nil, t)); err != nil {
			return errors.Join(err, s.Close())
		}
		if err := e.set(s, candidate, fmt.Appendf(nil, "n%d.%08x", t%3, t)); err != nil {
			return errors.Join(err, s.Close())
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (e *elections) set(s *Store, key, value []byte) error {
	if e.early {
		e.answered[string(key)] = value
	}
	e.asked.key, e.asked.value = string(key), value
	err := s.Set(key, value)
	if err == nil {
		e.answered[string(key)] = value
		e.asked.key = ""
	}
	return err
}

// check wants of each key the last value answered, or the one asked for, and wants what it read to stay.
func (e *elections) check(fsys vfs.FS) error {
	got, err := read(fsys)
	if err != nil {
		return err
	}
	for _, key := range []string{string(term), string(candidate)} {
		if !bytes.Equal(got[key], e.answered[key]) && (key != e.asked.key || !bytes.Equal(got[key], e.asked.value)) {
			return fmt.Errorf("%s is %x, answered was %x, asked for %x", key, got[key], e.answered[key], e.asked.value)
		}
	}
	again, err := read(fsys.(*vfs.Mem).CrashClone(vfs.Crash{}))
	if err != nil {
		return err
	}
	for key := range got {
		if !bytes.Equal(got[key], again[key]) {
			return fmt.Errorf("%s was read as %x, and after a power loss it is %x", key, got[key], again[key])
		}
	}
	return nil
}

func read(fsys vfs.FS) (map[string][]byte, error) {
	s, err := Open(fsys, file, Options{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	got := map[string][]byte{}
	for _, key := range [][]byte{term, candidate} {
		value, err := s.Get(key)
		if err == boltdb.ErrKeyNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		got[string(key)] = value
	}
	return got, nil
}

// trials are the ways in which a disk is sick.
func trials(t *testing.T, e *elections) map[string]func(vfs.TB) {
	trial := vfs.Trial{Workload: e.run, Check: e.check, Recovery: 100}
	return map[string]func(vfs.TB){
		"crash": func(tb vfs.TB) { vfs.EachCrash(tb, trial) },
		"fault": func(tb vfs.TB) { vfs.EachFault(tb, trial) },
		"stall": func(tb vfs.TB) {
			synctest.Test(t, func(*testing.T) { vfs.EachStall(tb, trial, time.Minute) })
		},
	}
}

func TestVotesOnASickDisk(t *testing.T) {
	for _, name := range []string{"crash", "fault", "stall"} {
		t.Run(name, func(t *testing.T) { trials(t, new(elections))[name](t) })
	}
}

// TestEarlyAnswerIsCaught: the trials can fail.
func TestEarlyAnswerIsCaught(t *testing.T) {
	for name, run := range trials(t, &elections{early: true}) {
		var r recorder
		run(&r)
		if r.failures == 0 {
			t.Errorf("%s: a vote that was answered before it was written went unnoticed", name)
		}
	}
}

// recorder counts what a trial reports.
type recorder struct{ failures int }

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failures++ }
func (r *recorder) Logf(string, ...any)   {}
