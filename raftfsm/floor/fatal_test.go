package floor

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// Every failed change of the disk is ErrSync. What leaves its state in doubt is also final: nothing is written any more and the owner is
// told, once.
func TestFatal(t *testing.T) {
	ways := map[string]func(s *Store) error{
		"publish": func(s *Store) error { _, _, err := s.Publish(testHeader(300), state(300, 0)); return err },
		"install": func(s *Store) error { _, err := install(s, 300, 0, fileOf(300, 0)); return err },
		"adopt": func(s *Store) error {
			_, err := s.Adopt(bytes.NewReader(fileOf(300, 0)), hashOf(300, 0))
			return err
		},
		"replace": func(s *Store) error {
			_, err := s.Adopt(bytes.NewReader(fileOf(200, 1)), hashOf(200, 1))
			return err
		},
		"damaged": func(s *Store) error { return s.Read(100, nil, nil) },
	}
	for _, tt := range []struct {
		kind        vfs.Kind
		sync, final bool
	}{
		{vfs.OpCreate, true, false},
		{vfs.OpWrite, true, false},
		{vfs.OpRead, false, false},
		{vfs.OpSync, true, true},
		{vfs.OpRename, true, true},
		{vfs.OpSyncDir, true, true},
		{vfs.OpRemove, true, true},
	} {
		for name, do := range ways {
			if name == "damaged" && (tt.kind == vfs.OpCreate || tt.kind == vfs.OpWrite || tt.kind == vfs.OpSync || tt.kind == vfs.OpRemove) {
				continue
			}
			t.Run(fmt.Sprintf("%s, %s fails", name, tt.kind), func(t *testing.T) {
				m := vfs.NewMem()
				var fatal []error
				s := mustOpen(t, m, Options{OnFatal: func(err error) { fatal = append(fatal, err) }})
				mustPublish(t, s, 100, 200)
				flip(t, m, local100, 1000)
				m.Inject(vfs.FailNth(tt.kind, 1, syscall.EIO))
				err := do(s)
				if !errors.Is(err, syscall.EIO) || errors.Is(err, ErrSync) != tt.sync || !strings.Contains(err.Error(), testDir) {
					t.Errorf("%v", err)
				}
				if want := map[bool]int{true: 1, false: 0}[tt.final]; len(fatal) != want {
					t.Errorf("the owner was told %d times: %v", len(fatal), fatal)
				}
				_, _, err = s.Publish(testHeader(400), state(400, 0))
				if (err == nil) == tt.final || tt.final && !errors.Is(err, ErrSync) {
					t.Errorf("afterwards: %v", err)
				}
				if _, err := s.Create(1, 500, 6, testConfiguration(3), 1, nil); (err == nil) == tt.final {
					t.Errorf("a sink afterwards: %v", err)
				}
				if tt.final && len(fatal) != 1 {
					t.Errorf("the owner was told %d times", len(fatal))
				}
				must(t, s.Read(200, nil, nil)) // what is here can still be read
			})
		}
	}
}

// What fails in Open is told to the caller alone.
func TestOpenFails(t *testing.T) {
	for _, kind := range []vfs.Kind{vfs.OpMkdir, vfs.OpSyncDir, vfs.OpRename, vfs.OpRemove} {
		m := vfs.NewMem()
		mustPublish(t, mustOpen(t, m, Options{}), 100, 200)
		flip(t, m, local200, 1000)
		putFile(t, m, "1.tmp", nil)
		m.Inject(vfs.FailKind(kind, syscall.EIO))
		_, err := Open(m, testDir, Options{OnFatal: func(err error) { t.Errorf("the owner is told: %v", err) }})
		if !errors.Is(err, syscall.EIO) || !errors.Is(err, ErrSync) {
			t.Errorf("%s fails: %v", kind, err)
		}
	}
}

// A full disk is an error that is over when there is room again.
func TestFullDisk(t *testing.T) {
	m := vfs.NewMem()
	told := false
	s := mustOpen(t, m, Options{OnFatal: func(error) { told = true }})
	mustPublish(t, s, 100)
	m.SetCapacity(4000)
	for _, err := range []error{
		func() error { _, _, err := s.Publish(testHeader(200), state(200, 0)); return err }(),
		func() error { _, err := install(s, 200, 0, fileOf(200, 0)); return err }(),
		func() error { _, err := s.Adopt(bytes.NewReader(fileOf(200, 0)), hashOf(200, 0)); return err }(),
	} {
		if !errors.Is(err, syscall.ENOSPC) || !errors.Is(err, ErrSync) {
			t.Errorf("on a full disk: %v", err)
		}
	}
	wantDir(t, m, local100)
	m.SetCapacity(-1)
	mustPublish(t, s, 200)
	if told {
		t.Error("a full disk is final")
	}
}

// What was read back is compared with what was written, before it has a name.
func TestReadBack(t *testing.T) {
	m := vfs.NewMem()
	s := mustOpen(t, m, Options{})
	mustPublish(t, s, 100)
	for name, do := range map[string]func() error{
		"publish": func() error { _, _, err := s.Publish(testHeader(200), state(200, 0)); return err },
		"install": func() error { _, err := install(s, 200, 0, fileOf(200, 0)); return err },
		"adopt":   func() error { _, err := s.Adopt(bytes.NewReader(fileOf(200, 0)), hashOf(200, 0)); return err },
	} {
		m.Inject(func(op vfs.Op) error {
			if op.Kind == vfs.OpSync { // the disk spoils what it is given
				_ = m.Flip(op.Name, 700, 1)
			}
			return nil
		})
		if err := do(); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
		m.Inject(nil)
		wantFloors(t, s, want{index: 100})
		wantDir(t, m, local100)
		if name == "install" { // whose hash nobody announces
			continue
		}
		m.Inject(func(op vfs.Op) error { // the disk holds another floor than it was given
			if op.Kind != vfs.OpSync {
				return nil
			}
			h, err := m.OpenReadWrite(op.Name)
			if err != nil {
				return err
			}
			_, err = h.WriteAt(fileOf(200, 7), 0)
			return errors.Join(err, h.Close())
		})
		if err := do(); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s of another floor: %v", name, err)
		}
		m.Inject(nil)
		wantFloors(t, s, want{index: 100})
		wantDir(t, m, local100)
	}
}

// A large floor goes to the disk in pieces: no sync of it has more to write than the log can wait for.
func TestSyncsInPieces(t *testing.T) {
	m := vfs.NewMem()
	s := mustOpen(t, m, Options{})
	unsynced, most, total := 0, 0, 0
	m.Inject(func(op vfs.Op) error {
		switch op.Kind {
		case vfs.OpWrite:
			unsynced += op.Len
			total += op.Len
			most = max(most, unsynced)
		case vfs.OpSync:
			unsynced = 0
		}
		return nil
	})
	_, _, err := s.Publish(testHeader(100), []Part{bytesPart("large", make([]byte, 3*syncEvery))})
	must(t, err)
	if most > syncEvery+writeBuffer || total < 3*syncEvery {
		t.Errorf("%d of %d bytes were synced at once", most, total)
	}
}
