package vfs

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestFailAfterEach: every kind of operation can take effect and fail all the same.
func TestFailAfterEach(t *testing.T) {
	for _, test := range everyKind {
		t.Run(test.kind.String(), func(t *testing.T) {
			x, twin := newFsFile(t), newFsFile(t)
			must(t, test.do(twin))
			x.m.Inject(FailAt(x.m.Ops()+1, FailAfter(syscall.EIO)))
			err := test.do(x)
			if !errors.Is(err, syscall.EIO) || !strings.HasPrefix(err.Error(), "vfs: "+test.kind.String()) {
				t.Errorf("got error %v", err)
			}
			if got, want := tree(x.m), tree(twin.m); got != want {
				t.Errorf("it left %q, want %q", got, want)
			}
			if got, want := tree(x.m.CrashClone(Crash{})), tree(twin.m.CrashClone(Crash{})); got != want {
				t.Errorf("it made durable %q, want %q", got, want)
			}
		})
	}
}

// TestFailAfterOpens: a handle that nobody got is not open, and holds no lock and no space.
func TestFailAfterOpens(t *testing.T) {
	m := NewMem()
	m.SetCapacity(10)
	create(t, m, "f", "0123456789")
	m.Inject(FailAt(m.Ops()+1, FailAfter(syscall.EIO)))
	if f, err := m.Open("f"); err == nil || f != nil {
		t.Fatalf("opened %v, %v", f, err)
	}
	m.Inject(FailAt(m.Ops()+1, FailAfter(syscall.EIO)))
	if l, err := m.Lock("L"); err == nil || l != nil {
		t.Fatalf("locked %v, %v", l, err)
	}
	l, err := m.Lock("L")
	must(t, err)
	must(t, l.Close())
	must(t, m.Remove("f"))
	if free, err := m.Free(); free != 10 || err != nil {
		t.Errorf("%d bytes free of a file that is gone, %v", free, err)
	}
}

// TestLateAnswer: what took effect is there before its answer, and a machine that crashed meanwhile gives none.
func TestLateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, crashes := range []bool{false, true} {
			m := durable(t, "old")
			f := open(t, m, "f")
			m.Inject(func(op Op) error {
				if op.Kind != OpWrite {
					return nil
				}
				return &Fault{After: func() error { time.Sleep(time.Minute); return nil }}
			})
			done := make(chan error)
			go func() { done <- second(f.WriteAt([]byte("NEW"), 0)) }()
			synctest.Wait()
			if got := get(m.CrashClone(Crash{Kill: true}), "f"); got != "NEW" {
				t.Errorf("the file is %q while the answer is under way", got)
			}
			if crashes {
				must(t, m.MkdirAll("d"))
				m.CrashAt(m.Ops())
			}
			if err := <-done; errors.Is(err, ErrCrashed) != crashes || !crashes && err != nil {
				t.Errorf("crashed %v: the write returned %v", crashes, err)
			}
		}
	})
}
