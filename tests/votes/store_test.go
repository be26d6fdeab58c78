package votes

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"

	boltdb "github.com/hashicorp/raft-boltdb/v2"

	"github.com/gaplessdb/gapless/vfs"
)

const file = "raft.db"

var term, candidate = []byte("CurrentTerm"), []byte("LastVoteCand")

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, fsys vfs.FS, opt Options) *Store {
	t.Helper()
	s, err := Open(fsys, file, opt)
	must(t, err)
	return s
}

func TestStore(t *testing.T) {
	m := vfs.NewMem()
	s := open(t, m, Options{})
	if _, err := s.Get(term); err != boltdb.ErrKeyNotFound {
		t.Errorf("a missing key: %v, want ErrKeyNotFound itself", err)
	}
	if _, err := s.GetUint64(term); err != boltdb.ErrKeyNotFound {
		t.Errorf("a missing number: %v, want ErrKeyNotFound itself", err)
	}
	name := []byte("n1.8c37b284")
	must(t, s.SetUint64(term, 1<<63+7))
	must(t, s.Set(candidate, name))
	name[0] = 'x' // the caller's own again
	for range 2 {
		n, err := s.GetUint64(term)
		c, err2 := s.Get(candidate)
		if err != nil || err2 != nil || n != 1<<63+7 || string(c) != "n1.8c37b284" {
			t.Errorf("read %d, %v, %q, %v", n, err, c, err2)
		}
		c[0] = 'y'
		must(t, s.Close())
		if _, err := s.Get(term); !errors.Is(err, ErrClosed) {
			t.Errorf("a closed store answers %v", err)
		}
		s = open(t, m, Options{})
	}
	if _, err := s.GetUint64(candidate); err == nil {
		t.Error("a name passed for a number")
	}
}

// TestNoted: what the hook hears of is durable already, and comes in order.
func TestNoted(t *testing.T) {
	m := vfs.NewMem()
	var heard []string
	s := open(t, m, Options{Noted: func(key, value []byte) {
		heard = append(heard, fmt.Sprintf("%s=%x", key, value))
		again, err := Open(m.CrashClone(vfs.Crash{}), file, Options{})
		must(t, err)
		if got, err := again.Get(key); err != nil || !bytes.Equal(got, value) {
			t.Errorf("heard of %s=%x, and after a power loss it is %x, %v", key, value, got, err)
		}
	}})
	must(t, s.SetUint64(term, 5))
	must(t, s.Set(candidate, []byte("n")))
	m.Inject(vfs.FailKind(vfs.OpRename, syscall.EIO))
	if err := s.SetUint64(term, 6); err == nil {
		t.Error("a failed rename was not noticed")
	}
	if want := []string{"CurrentTerm=0000000000000005", "LastVoteCand=6e"}; !slices.Equal(heard, want) {
		t.Errorf("heard %q, want %q", heard, want)
	}
}

// TestFailureIsFinal: the disk pretends to be well again, and the store does not believe it.
func TestFailureIsFinal(t *testing.T) {
	m := vfs.NewMem()
	s := open(t, m, Options{})
	must(t, s.SetUint64(term, 5))
	m.Inject(vfs.FailNth(vfs.OpSync, 1, vfs.DropOnSync()))
	first := s.SetUint64(term, 6)
	ops := m.Ops()
	_, read := s.Get(term)
	for name, err := range map[string]error{"the failed set": first, "the next": s.SetUint64(term, 6), "a read": read} {
		if !errors.Is(err, ErrFailed) || !errors.Is(err, syscall.EIO) {
			t.Errorf("%s returned %v", name, err)
		}
	}
	if m.Ops() != ops {
		t.Error("the store went on using the disk")
	}
	must(t, s.Close())
}

func TestDamageIsRefused(t *testing.T) {
	m := vfs.NewMem()
	s := open(t, m, Options{})
	must(t, s.SetUint64(term, 5))
	b, err := vfs.ReadFile(m, file, maxBytes)
	must(t, err)
	for i := range b {
		for bit := range uint(8) {
			must(t, m.Flip(file, int64(i), bit))
			if _, err := Open(m, file, Options{}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), file) {
				t.Errorf("bit %d of byte %d flipped: %v", bit, i, err)
			}
			must(t, m.Flip(file, int64(i), bit))
		}
		must(t, vfs.WriteFile(m, "cut", b[:i]))
		if _, err := Open(m, "cut", Options{}); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
}
