package floor

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// script is a history of a store. It knows after every step which floors were promised.
type script struct {
	opt   Options
	steps []step

	before []want // what is here if the running step did not happen
	after  []want // and if it did
}

// step does something to a store, and says what is here afterwards.
type step struct {
	name  string
	do    func(s *Store) error
	after []want
	then  func(m *vfs.Mem) error // to the disk, before the store is opened again
}

func publish(index uint64, after ...want) step {
	return step{name: fmt.Sprintf("publish %d", index), after: after, do: func(s *Store) error {
		_, sizes, err := s.Publish(testHeader(index), state(index, 0))
		if err == nil && len(sizes) != 3 {
			err = fmt.Errorf("%d parts", len(sizes))
		}
		return err
	}}
}

func receive(index, variant uint64, after ...want) step {
	return step{name: fmt.Sprintf("install %d/%d", index, variant), after: after, do: func(s *Store) error {
		_, err := install(s, index, variant, fileOf(index, variant))
		return err
	}}
}

func adopt(index, variant uint64, after ...want) step {
	return step{name: fmt.Sprintf("adopt %d/%d", index, variant), after: after, do: func(s *Store) error {
		_, err := s.Adopt(bytes.NewReader(fileOf(index, variant)), hashOf(index, variant))
		return err
	}}
}

// spoil damages a file and opens the store again.
func spoil(index uint64, installed bool, after ...want) step {
	return step{name: fmt.Sprintf("damage %d", index), after: after, do: func(*Store) error { return nil },
		then: func(m *vfs.Mem) error { return m.Flip(path.Join(testDir, fileName(index, installed)), 1000, 2) }}
}

func fileOf(index, variant uint64) []byte {
	var b bytes.Buffer
	if _, err := write(&b, testHeader(index), state(index, variant)); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// run is a vfs.Trial's Workload.
func (sc *script) run(fsys vfs.FS) error {
	sc.before, sc.after = nil, nil
	s, err := Open(fsys, testDir, sc.opt)
	if err != nil {
		return err
	}
	for _, st := range sc.steps {
		sc.after = st.after
		if err := st.do(s); err != nil {
			return fmt.Errorf("%s: %w", st.name, err)
		}
		if st.then != nil {
			sc.before = st.after // the damage is done: what was before is not to be seen again
			if err := st.then(fsys.(*vfs.Mem)); err != nil {
				return err
			}
			if s, err = Open(fsys, testDir, sc.opt); err != nil {
				return err
			}
		}
		sc.before = st.after
		if err := holds(s, sc.after); err != nil {
			return fmt.Errorf("%s: %w", st.name, err)
		}
	}
	return nil
}

// check is a vfs.Trial's Check: one of the two states is here, each floor of it whole, and it is still here after the next power
// cut and takes new floors.
func (sc *script) check(fsys vfs.FS) error {
	s, err := Open(fsys, testDir, sc.opt)
	if err != nil {
		return err
	}
	floors := sc.before
	if err := holds(s, floors); err != nil {
		floors = sc.after
		if other := holds(s, floors); other != nil {
			return errors.Join(err, other)
		}
	}
	if len(sc.before) > 0 && len(floors) == 0 {
		return errors.New("no floor where there was one")
	}
	if err := onlyFloors(fsys, floors); err != nil {
		return err
	}
	cut := fsys.(*vfs.Mem).CrashClone(vfs.Crash{})
	if s, err = Open(cut, testDir, sc.opt); err != nil {
		return fmt.Errorf("after recovery and a power cut: %w", err)
	}
	if err := holds(s, floors); err != nil {
		return fmt.Errorf("after recovery and a power cut: %w", err)
	}
	if _, _, err := s.Publish(testHeader(9000), state(9000, 0)); err != nil {
		return fmt.Errorf("publish after recovery: %w", err)
	}
	return nil
}

// onlyFloors says which files are left besides the floors and what was damaged.
func onlyFloors(fsys vfs.FS, floors []want) error {
	names, err := fsys.List(testDir)
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		known := strings.HasSuffix(name, damagedSuffix)
		for _, f := range floors {
			known = known || name == fileName(f.index, f.installed)
		}
		return known
	})
	if len(names) > 0 {
		return fmt.Errorf("left behind: %q", names)
	}
	return nil
}

// history is everything that happens to a store.
func history() *script {
	var (
		f100, f200, f300, f500 = want{index: 100}, want{index: 200}, want{index: 300}, want{index: 500}
		i400, o500, p500       = want{400, 0, true}, want{500, 1, true}, want{500, 2, true}
		o400                   = want{400, 3, true}
	)
	return &script{steps: []step{
		publish(100, f100),
		publish(200, f200, f100),
		publish(300, f300, f200),
		publish(300, f300, f200),
		receive(400, 0, i400, f300),
		receive(400, 0, i400, f300),
		publish(500, f500, i400),
		adopt(500, 1, o500, i400),
		receive(500, 2, p500, i400),
		adopt(400, 3, p500, o400),
		spoil(500, true, o400),
		publish(500, f500, o400),
		publish(600, want{index: 600}, f500),
	}}
}

// After a crash at any operation the old floors are here, or the new ones, and each of them whole.
func TestCrash(t *testing.T) {
	sc := history()
	c := vfs.Trial{Workload: sc.run, Check: sc.check, Seeds: 3, Recovery: 4}
	if testing.Short() {
		c.Points, c.Recovery = 40, 2
	}
	vfs.EachCrash(t, c)
}

// A fault at any operation is reported, and costs no floor.
func TestFault(t *testing.T) {
	sc := history()
	c := vfs.Trial{Workload: sc.run, Check: sc.check, Seeds: 1}
	if testing.Short() {
		c.Points = 40
	}
	vfs.EachFault(t, c)
}

// A floor of several blocks, whose writes and syncs go out in pieces, survives as a whole.
func TestCrashLarge(t *testing.T) {
	large := func(index uint64) []Part { return []Part{bytesPart("l", sample(index, writeBuffer+3*chunkSize))} }
	var acked []uint64
	vfs.EachCrash(t, vfs.Trial{
		Workload: func(fsys vfs.FS) error {
			acked = nil
			s, err := Open(fsys, testDir, Options{})
			for _, i := range []uint64{10, 20} {
				if err == nil {
					_, _, err = s.Publish(testHeader(i), large(i))
				}
				if err == nil {
					acked = append(acked, i)
				}
			}
			return err
		},
		Check: func(fsys vfs.FS) error {
			s, err := Open(fsys, testDir, Options{})
			if err != nil {
				return err
			}
			floors := s.Floors()
			if len(floors) < len(acked) {
				return fmt.Errorf("%d floors after %d", len(floors), len(acked))
			}
			for _, f := range floors {
				if err := s.Read(f.Index, nil, nil); err != nil {
					return err
				}
			}
			return nil
		},
		Seeds: 2,
	})
}
