package shelf

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// After a restart a pull goes on behind the last certain sync.
func TestResumeAfterRestart(t *testing.T) {
	for _, tt := range []struct {
		name  string
		crash vfs.Crash
		have  int64 // of the file
		from  int64 // first offset asked for
	}{
		{"killed", vfs.Crash{Kill: true}, 3072, 2048},
		{"power lost", vfs.Crash{}, 2048, 0}, // nobody can know that the first 2048 bytes were synced
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				m := vfs.NewMem()
				s := wanting(t, m, small(), seg(0))
				n := newNetwork(seg(0))
				n.answer = func(_ string, _ segment.Name, offset int64, b []byte) ([]byte, error) {
					if offset == 3072 {
						return nil, errors.New("down")
					}
					return b, nil
				}
				p := startPull(t, s, n.fetch, peers("b"))
				waitSecond()
				m = m.CrashClone(tt.crash)
				p.stop()
				if data, err := vfs.ReadFile(m, seg(0).part(), 1<<20); err != nil || int64(len(data)) != tt.have {
					t.Fatalf("%d bytes are left, %v; want %d", len(data), err, tt.have)
				}
				s = wanting(t, m, small(), seg(0))
				n = newNetwork(seg(0))
				startPull(t, s, n.fetch, peers("b")).complete(manifest(seg(0)))
				if want := fmt.Sprintf("b %d", tt.from); n.asked[0] != want || slices.Contains(n.asked[1:], want) {
					t.Errorf("asked for %q, want %q first", n.asked, want)
				}
				wantReadable(t, s, seg(0))
			})
		})
	}
}

// An unfinished file that is wrong, or longer than the segment, costs one more go.
func TestResumeOfRubbish(t *testing.T) {
	for name, rubbish := range map[string][]byte{
		"wrong": bytes.Repeat([]byte{1}, 4097), "too long": bytes.Repeat(seg(0).data, 5), "empty": nil,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				m := vfs.NewMem()
				must(t, vfs.MakeDir(m, testDir))
				must(t, vfs.WriteFile(m, seg(0).part(), rubbish))
				s := wanting(t, m, small(), seg(0))
				n := newNetwork(seg(0))
				p := startPull(t, s, n.fetch, peers("b")) // who is not to be blamed
				if took := p.complete(manifest(seg(0))); took > 2*time.Second {
					t.Errorf("took %v", took)
				}
				wantReadable(t, s, seg(0))
			})
		})
	}
}

// What stands behind the certain part of an unfinished file is cut off.
func TestResumeCutsTheTail(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		must(t, vfs.MakeDir(m, testDir))
		data := append(bytes.Clone(seg(0).data), 1, 2, 3)
		must(t, vfs.WriteFile(m, seg(0).part(), data))
		s := wanting(t, m, small(), seg(0))
		n := newNetwork(seg(0))
		startPull(t, s, n.fetch, peers("b")).complete(manifest(seg(0)))
		from := certain(int64(len(data)), 2048)
		if want := ranges(from); len(n.asked) != want || n.asked[0] != fmt.Sprint("b ", from) {
			t.Errorf("asked for %q, want %d ranges from %d on", n.asked, want, from)
		}
	})
}

// An unfinished file that somebody has cut is begun anew.
func TestResumeOfAFileThatWasCut(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		s := wanting(t, m, small(), seg(0))
		n := newNetwork(seg(0))
		var up atomic.Bool
		n.answer = func(_ string, _ segment.Name, offset int64, b []byte) ([]byte, error) {
			if !up.Load() && offset == 3072 {
				return nil, errors.New("down")
			}
			return b, nil
		}
		p := startPull(t, s, n.fetch, peers("b"))
		synctest.Wait()
		f, err := m.OpenReadWrite(seg(0).part())
		must(t, err)
		must(t, errors.Join(f.Truncate(700), f.Close()))
		up.Store(true)
		n.forget()
		p.complete(manifest(seg(0)))
		if len(n.asked) != ranges(0) || n.asked[0] != "b 0" {
			t.Errorf("asked for %q", n.asked)
		}
	})
}

// ranges is how many ranges the first segment has from an offset on.
func ranges(from int64) int { return int((seg(0).info.Bytes - from + 511) / 512) }

// What this disk does to a file that was pulled is not blamed on the peer.
func TestOwnDiskIsNotThePeersFault(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		s := wanting(t, m, small(), seg(0))
		m.Inject(vfs.FailNth(vfs.OpRead, 1, syscall.EIO))
		p := startPull(t, s, newNetwork(seg(0)).fetch, peers("b"))
		synctest.Wait()
		if st := wantStatus(t, s, seg(0), Missing); st.Done != 0 || st.Error == "" {
			t.Errorf("status: %+v", st)
		}
		p.complete(manifest(seg(0)))
		for reason, want := range map[string]float64{reasonDisk: 1, reasonCorrupt: 0, reasonNoPeer: 0} {
			if got := testutil.ToFloat64(s.metrics.pullErrors.WithLabelValues(reason)); got != want {
				t.Errorf("%v failures because of %s, want %v", got, reason, want)
			}
		}
	})
}

// A flush brings the segment when the pull has everything and is about to finish.
func TestPullOvertakenAtTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		s := wanting(t, m, small(), seg(0))
		var done atomic.Bool
		m.Inject(func(op vfs.Op) error {
			if op.Kind == vfs.OpRead && op.Name == seg(0).part() && done.CompareAndSwap(false, true) {
				return flushed(m, s, seg(0))
			}
			return nil
		})
		startPull(t, s, newNetwork(seg(0)).fetch, peers("b"))
		waitSecond()
		wantReadable(t, s, seg(0))
		if exists(m, seg(0).part()) || s.openFiles() != 1 {
			t.Errorf("%d files open, left behind:\n%s", s.openFiles(), m)
		}
	})
}

// A segment that nobody wants any more is no longer pulled, and one that a flush brings meanwhile neither.
func TestPullOvertaken(t *testing.T) {
	for name, overtake := range map[string]func(m vfs.FS, s *Shelf) error{
		"unwanted": func(m vfs.FS, s *Shelf) error {
			err := errors.Join(s.Want(manifest(seg(1))), s.Prune(none))
			if !exists(m, seg(0).part()) {
				err = errors.New("Prune took the file of a running pull")
			}
			return err
		},
		"flushed": func(m vfs.FS, s *Shelf) error { return flushed(m, s, seg(0)) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				m := vfs.NewMem()
				put(t, m, seg(1))
				s := wanting(t, m, small(), segs(2)...)
				n := newNetwork(segs(2)...)
				var once sync.Once
				n.answer = func(_ string, _ segment.Name, offset int64, b []byte) ([]byte, error) {
					if offset == 1024 {
						once.Do(func() { must(t, overtake(m, s)) })
					}
					return b, nil
				}
				startPull(t, s, n.fetch, peers("b"))
				waitSecond()
				if len(s.Missing()) > 0 || len(n.asked) != 3 {
					t.Errorf("asked for %q, missing %v", n.asked, s.Missing())
				}
				if name == "flushed" {
					wantReadable(t, s, seg(0))
					if exists(m, seg(0).part()) {
						t.Error("the unfinished pull is left behind")
					}
				}
				if name == "unwanted" {
					must(t, s.Prune(none))
					if exists(m, seg(0).part()) {
						t.Error("the unfinished pull is left behind by Prune")
					}
				}
			})
		})
	}
}
