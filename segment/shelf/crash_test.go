package shelf

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"path"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// history is something that a node does with its shelf. It notes what was promised, for the check.
type history struct {
	t     *testing.T
	do    func(h *history, t *testing.T, m *vfs.Mem) error
	whole []stored // segments that must be here, whole
	bad   []byte   // a damaged file that must not be gone
	want  []stored // what the manifest lists in the end
}

// run is a vfs.Trial's Workload.
func (h *history) run(fsys vfs.FS) (err error) {
	h.whole, h.bad, h.want = nil, nil, nil
	bubble(h.t, func(t *testing.T) { err = h.do(h, t, fsys.(*vfs.Mem)) })
	return err
}

// check is a vfs.Trial's Check: a new process on what is left.
func (h *history) check(fsys vfs.FS) (err error) {
	bubble(h.t, func(t *testing.T) { err = h.recovered(t, fsys) })
	return err
}

func (h *history) recovered(t *testing.T, fsys vfs.FS) error {
	s, err := Open(fsys, testDir, small())
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Want(manifest(h.want...)); err != nil {
		return err
	}
	for _, want := range h.whole {
		if !s.Complete(manifest(want)) {
			return fmt.Errorf("segment %s was promised and is not here", want.info.Name)
		}
		if err := s.Check(t.Context(), want.info.Name); err != nil {
			return err
		}
	}
	for _, want := range h.want { // whatever is served is whole
		if err := readable(s, want); err != nil && !errors.Is(err, ErrNotHere) && !errors.Is(err, segment.ErrCorrupt) {
			return err
		}
	}
	if err := pullAll(t, s, h.want); err != nil {
		return err
	}
	for _, want := range h.want {
		if err := errors.Join(s.Check(t.Context(), want.info.Name), readable(s, want)); err != nil {
			return err
		}
	}
	if h.bad != nil && !anywhere(fsys, h.bad) {
		return errors.New("the damaged file is gone")
	}
	return h.onlyWhole(fsys)
}

// onlyWhole checks that every file at a segment's place is that segment.
func (h *history) onlyWhole(fsys vfs.FS) error {
	files, err := fsys.List(testDir)
	if err != nil {
		return err
	}
	for _, file := range files {
		name, extension, ok := parseFile(file)
		if !ok || extension == partExtension {
			if file != quarantineName && extension != partExtension {
				return fmt.Errorf("%s was left behind", file)
			}
			continue
		}
		data, err := vfs.ReadFile(fsys, path.Join(testDir, file), 1<<20)
		if err != nil {
			return err
		}
		if sha256.Sum256(data) != name {
			return fmt.Errorf("%s holds something else", file)
		}
	}
	return nil
}

func anywhere(fsys vfs.FS, want []byte) bool {
	for _, dir := range []string{testDir, path.Join(testDir, quarantineName)} {
		files, _ := fsys.List(dir)
		for _, file := range files {
			if data, err := vfs.ReadFile(fsys, path.Join(dir, file), 1<<20); err == nil && bytes.Equal(data, want) {
				return true
			}
		}
	}
	return false
}

// pullAll pulls for some minutes of fake time at most.
func pullAll(t *testing.T, s *Shelf, all []stored) error {
	p := startPull(t, s, newNetwork(segs(4)...).fetch, peers("b", "c"))
	defer p.stop()
	limit := time.After(3 * time.Minute)
	for {
		changed := s.Changed()
		if s.Complete(manifest(all...)) {
			return nil
		}
		select {
		case <-changed:
		case <-limit:
			return fmt.Errorf("not complete after minutes: %+v", s.Status())
		}
	}
}

// oneAtATime makes a pull do the same operations in the same order every time.
func oneAtATime() Options {
	opt := small()
	opt.Parallel = 1
	return opt
}

// histories are interrupted at every operation.
var histories = map[string]func(h *history, t *testing.T, m *vfs.Mem) error{
	"add": func(h *history, t *testing.T, m *vfs.Mem) error {
		s, err := Open(m, testDir, oneAtATime())
		if err != nil {
			return err
		}
		defer s.Close()
		for _, next := range segs(3) {
			if err := flushed(m, s, next); err != nil {
				return err
			}
			h.whole, h.want = append(h.whole, next), append(h.want, next)
			if err := s.Want(manifest(h.want...)); err != nil {
				return err
			}
		}
		return nil
	},
	"pull": func(h *history, t *testing.T, m *vfs.Mem) error {
		s, err := Open(m, testDir, oneAtATime())
		if err != nil {
			return err
		}
		defer s.Close()
		h.want = segs(3)
		if err := s.Want(manifest(h.want...)); err != nil {
			return err
		}
		if err := pullAll(t, s, h.want[:2]); err != nil {
			return err
		}
		h.whole = h.want[:2]
		if err := pullAll(t, s, h.want); err != nil {
			return err
		}
		h.whole = h.want
		return nil
	},
	"quarantine": func(h *history, t *testing.T, m *vfs.Mem) error {
		s, err := Open(m, testDir, oneAtATime())
		if err != nil {
			return err
		}
		defer s.Close()
		for _, next := range segs(2) {
			if err := flushed(m, s, next); err != nil {
				return err
			}
		}
		h.want, h.whole = segs(2), segs(2)[1:]
		if err := s.Want(manifest(h.want...)); err != nil {
			return err
		}
		offset := int64(len(seg(0).data) / 3)
		if err := m.Flip(seg(0).place(), offset, 3); err != nil {
			return err
		}
		h.bad = bytes.Clone(seg(0).data)
		h.bad[offset] ^= 1 << 3
		if err := s.Check(t.Context(), seg(0).info.Name); err == nil {
			return errors.New("damage was not found")
		}
		if s.Complete(manifest(seg(0))) {
			return errors.New("a damaged segment counts")
		}
		if err := pullAll(t, s, h.want); err != nil {
			return err
		}
		h.whole = h.want
		return nil
	},
	"salvage": func(h *history, t *testing.T, m *vfs.Mem) error {
		s, err := Open(m, testDir, oneAtATime())
		if err != nil {
			return err
		}
		defer s.Close()
		if err := flushed(m, s, seg(0)); err != nil {
			return err
		}
		h.want, h.bad = segs(1), seg(0).data // the only copy: it must be somewhere, whatever happens
		if err := s.Want(manifest(h.want...)); err != nil {
			return err
		}
		e := s.find(seg(0).info.Name)
		if e.handle == nil {
			return errors.New("its file is not open")
		}
		s.damage(e.handle, errors.New("a bit flipped in memory"))
		if err := pullAll(t, s, h.want); err != nil {
			return err
		}
		h.whole = h.want
		return nil
	},
	"prune": func(h *history, t *testing.T, m *vfs.Mem) error {
		s, err := Open(m, testDir, oneAtATime())
		if err != nil {
			return err
		}
		defer s.Close()
		for _, next := range segs(3) {
			if err := flushed(m, s, next); err != nil {
				return err
			}
		}
		h.want, h.whole = segs(1), segs(1)
		if err := s.Want(manifest(h.want...)); err != nil {
			return err
		}
		return s.Prune(func(segment.Name) bool { return false })
	},
	"obtain": func(h *history, t *testing.T, m *vfs.Mem) error {
		s, err := Open(m, testDir, oneAtATime())
		if err != nil {
			return err
		}
		defer s.Close()
		if err := flushed(m, s, seg(0)); err != nil {
			return err
		}
		h.want, h.whole = segs(2), segs(1) // the second is a merge's, and takes effect in the end
		if err := s.Want(manifest(seg(0))); err != nil {
			return err
		}
		if err := s.Obtain(t.Context(), seg(1).info, newNetwork(seg(1)).fetch, peers("b")); err != nil {
			return err
		}
		h.whole = h.want
		if err := s.Prune(func(name segment.Name) bool { return name == seg(1).info.Name }); err != nil {
			return err
		}
		return s.Want(manifest(h.want...))
	},
	"full quarantine": func(h *history, t *testing.T, m *vfs.Mem) error {
		opt := oneAtATime()
		opt.QuarantineCopies = 1
		s, err := Open(m, testDir, opt)
		if err != nil {
			return err
		}
		defer s.Close()
		for _, next := range segs(2) {
			if err := flushed(m, s, next); err != nil {
				return err
			}
		}
		if err := s.Want(manifest(seg(1))); err != nil {
			return err
		}
		h.want, h.bad = segs(2), seg(0).data // whole, and the only copy: its place is in quarantine, however full that is
		s.damage(s.find(seg(0).info.Name).handle, errors.New("a bit flipped in memory"))
		for range 2 {
			if err := m.Flip(seg(1).place(), 1000, 3); err != nil {
				return err
			}
			if err := s.Check(t.Context(), seg(1).info.Name); err == nil {
				return errors.New("damage was not found")
			}
			if err := s.Bring(t.Context(), newNetwork(seg(1)).fetch, peers("b")); err != nil {
				return err
			}
		}
		return nil
	},
}

func TestCrashEverywhere(t *testing.T) {
	for name, do := range histories {
		t.Run(name, func(t *testing.T) {
			h := &history{t: t, do: do}
			vfs.EachCrash(t, vfs.Trial{Workload: h.run, Check: h.check, Recovery: 4, Points: points})
		})
	}
}

func TestFaultEverywhere(t *testing.T) {
	for name, do := range histories {
		t.Run(name, func(t *testing.T) {
			h := &history{t: t, do: do}
			vfs.EachFault(t, vfs.Trial{Workload: h.run, Check: h.check, Seeds: 1, Points: points})
		})
	}
}
