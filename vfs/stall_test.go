package vfs

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := durable(t, "old")
		f := open(t, m, "f")
		release := make(chan struct{})
		m.Inject(func(op Op) error {
			switch op.Kind {
			case OpSync:
				time.Sleep(time.Minute)
			case OpWrite:
				<-release
			}
			return nil
		})
		start := time.Now()
		must(t, f.Sync())
		if d := time.Since(start); d != time.Minute {
			t.Errorf("sync took %v", d)
		}
		done := make(chan error)
		go func() { done <- second(f.WriteAt([]byte("NEW"), 0)) }()
		synctest.Wait()
		if got := get(m, "f"); got != "old" {
			t.Errorf("a stalled write has written %q", got)
		}
		close(release)
		must(t, <-done)
		if got := get(m, "f"); got != "NEW" {
			t.Errorf("a released write has written %q", got)
		}
	})
}

func TestStallIntoCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := durable(t, "old")
		f := open(t, m, "f")
		release := make(chan struct{})
		m.Inject(func(op Op) error {
			if op.Kind == OpWrite {
				<-release
			}
			return nil
		})
		m.CrashAt(m.Ops() + 2)
		done := make(chan error)
		go func() { done <- second(f.WriteAt([]byte("NEW"), 0)) }()
		synctest.Wait()
		must(t, m.MkdirAll("d"))
		close(release)
		if err := <-done; !errors.Is(err, ErrCrashed) {
			t.Errorf("the stalled write returned %v", err)
		}
		if got := get(m.CrashClone(Crash{Kill: true}), "f"); got != "old" {
			t.Errorf("the stalled write has written %q", got)
		}
	})
}

func TestConcurrent(t *testing.T) {
	m := NewMem()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			name := fmt.Sprintf("f%d", i)
			f, err := m.Create(name)
			if err != nil {
				t.Error(err)
				return
			}
			data := bytes.Repeat([]byte{byte('a' + i)}, 5000)
			for j := range 50 {
				_, werr := f.WriteAt(data, int64(j*100))
				if err := errors.Join(werr, f.Sync(), m.SyncDir(".")); err != nil {
					t.Error(err)
				}
				clone := m.CrashClone(Crash{Rand: newRand(uint64(j))})
				if got := get(clone, name); len(got) != 5000+j*100 || strings.Trim(got, string(data[:1])) != "" {
					t.Errorf("the clone has %d bytes", len(got))
				}
				if err := WriteFile(clone, name, []byte("other")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
