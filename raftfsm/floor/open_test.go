package floor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// damageTests damage a directory that holds the floors 100 and 200, both of this node.
var damageTests = []struct {
	name   string
	damage func(t *testing.T, m *vfs.Mem)
	opt    Options
	want   []want   // floors after Open
	dir    []string // and files
	err    error
}{
	{
		name: "none", damage: func(*testing.T, *vfs.Mem) {},
		want: []want{{index: 200}, {index: 100}}, dir: []string{local200, local100},
	},
	{
		name:   "the newest, in the middle",
		damage: func(t *testing.T, m *vfs.Mem) { flip(t, m, local200, 1000) },
		want:   []want{{index: 100}}, dir: []string{local100, local200 + damagedSuffix},
	},
	{
		name:   "the newest, in its header",
		damage: func(t *testing.T, m *vfs.Mem) { flip(t, m, local200, 20) },
		want:   []want{{index: 100}}, dir: []string{local100, local200 + damagedSuffix},
	},
	{
		name:   "the newest is cut",
		damage: func(t *testing.T, m *vfs.Mem) { putFile(t, m, local200, encoded(t, 200, 0)[:1500]) },
		want:   []want{{index: 100}}, dir: []string{local100, local200 + damagedSuffix},
	},
	{
		name:   "the newest is empty",
		damage: func(t *testing.T, m *vfs.Mem) { putFile(t, m, local200, nil) },
		want:   []want{{index: 100}}, dir: []string{local100, local200 + damagedSuffix},
	},
	{
		name:   "the newest is another floor",
		damage: func(t *testing.T, m *vfs.Mem) { putFile(t, m, local200, encoded(t, 201, 0)) },
		want:   []want{{index: 100}}, dir: []string{local100, local200 + damagedSuffix},
	},
	{
		name:   "the older one, at its end",
		damage: func(t *testing.T, m *vfs.Mem) { flip(t, m, local100, int64(len(encoded(t, 100, 0)))-60) },
		want:   []want{{index: 200}}, dir: []string{local200, local100 + damagedSuffix},
	},
	{
		name:   "both",
		damage: func(t *testing.T, m *vfs.Mem) { flip(t, m, local200, 1000); flip(t, m, local100, 20) },
		dir:    []string{local200 + damagedSuffix, local100 + damagedSuffix}, err: ErrUnusable,
	},
	{
		name: "both, and the log is complete", opt: Options{LogComplete: true},
		damage: func(t *testing.T, m *vfs.Mem) { flip(t, m, local200, 1000); flip(t, m, local100, 20) },
		dir:    []string{local200 + damagedSuffix, local100 + damagedSuffix},
	},
	{
		name: "the newest has another version",
		damage: func(t *testing.T, m *vfs.Mem) {
			b := encoded(t, 200, 0)
			binary.LittleEndian.PutUint16(b[4:], 9)
			putFile(t, m, local200, resum(b))
			flip(t, m, local100, 20)
		},
		dir: []string{local200, local100}, err: ErrVersion,
	},
	{
		name:   "one unfinished",
		damage: func(t *testing.T, m *vfs.Mem) { putFile(t, m, "17.tmp", encoded(t, 300, 0)) },
		want:   []want{{index: 200}, {index: 100}}, dir: []string{local200, local100},
	},
	{
		name: "one more than are kept, and one that was damaged long ago",
		damage: func(t *testing.T, m *vfs.Mem) {
			putFile(t, m, local300, encoded(t, 300, 0))
			putFile(t, m, fileName(150, true)+damagedSuffix, nil)
			putFile(t, m, fileName(250, true)+damagedSuffix, nil)
		},
		want: []want{{index: 300}, {index: 200}}, dir: []string{local300, local200, fileName(250, true) + damagedSuffix},
	},
	{
		name:   "the same installed",
		damage: func(t *testing.T, m *vfs.Mem) { putFile(t, m, installed200, encoded(t, 200, 0)) },
		want:   []want{{index: 200}, {index: 100}}, dir: []string{local200, local100},
	},
	{
		name:   "another one installed",
		damage: func(t *testing.T, m *vfs.Mem) { putFile(t, m, installed200, encoded(t, 200, 1)) },
		want:   []want{{200, 1, true}, {index: 100}}, dir: []string{installed200, local100},
	},
	{
		name: "another one installed in place of the older one",
		damage: func(t *testing.T, m *vfs.Mem) {
			putFile(t, m, fileName(100, true), encoded(t, 100, 1))
		},
		want: []want{{index: 200}, {100, 1, true}}, dir: []string{local200, fileName(100, true)},
	},
	{
		name: "another one installed, and damaged in the middle",
		damage: func(t *testing.T, m *vfs.Mem) {
			putFile(t, m, installed200, encoded(t, 200, 1))
			flip(t, m, installed200, 1000)
		},
		want: []want{{index: 200}, {index: 100}}, dir: []string{local200, local100, installed200 + damagedSuffix},
	},
	{
		name: "another one installed in place of the older one, which is damaged in the middle",
		damage: func(t *testing.T, m *vfs.Mem) {
			putFile(t, m, fileName(100, true), encoded(t, 100, 1))
			flip(t, m, local100, 1000)
		},
		want: []want{{index: 200}, {100, 1, true}}, dir: []string{local200, fileName(100, true), local100 + damagedSuffix},
	},
	{
		name: "other files are nobody's business",
		damage: func(t *testing.T, m *vfs.Mem) {
			putFile(t, m, "notes.gfl", nil)
			putFile(t, m, "200-l.gfl", nil)
		},
		want: []want{{index: 200}, {index: 100}}, dir: []string{local200, local100, "notes.gfl", "200-l.gfl"},
	},
}

var local100, local200, local300 = fileName(100, false), fileName(200, false), fileName(300, false)
var installed200 = fileName(200, true)

func TestOpen(t *testing.T) {
	for _, tt := range damageTests {
		t.Run(tt.name, func(t *testing.T) {
			m := vfs.NewMem()
			mustPublish(t, mustOpen(t, m, Options{}), 100, 200)
			tt.damage(t, m)
			s, err := Open(m, testDir, tt.opt)
			wantDir(t, m, tt.dir...)
			if tt.err != nil {
				if !errors.Is(err, tt.err) {
					t.Fatalf("Open: %v, want %v", err, tt.err)
				}
				if _, again := Open(m, testDir, tt.opt); !errors.Is(again, tt.err) {
					t.Errorf("the second Open: %v", again)
				}
				return
			}
			must(t, err)
			wantFloors(t, s, tt.want...)
			after := m.CrashClone(vfs.Crash{})
			wantFloors(t, mustOpen(t, after, tt.opt), tt.want...)
			wantDir(t, after, tt.dir...)
			mustPublish(t, s, 400) // life goes on
		})
	}
}

// What is damaged is logged with its place, and the hint of a node without floors says what to do.
func TestOpenSays(t *testing.T) {
	m := vfs.NewMem()
	mustPublish(t, mustOpen(t, m, Options{}), 100)
	flip(t, m, local100, 1000)
	var out bytes.Buffer
	_, err := Open(m, testDir, Options{Logger: slog.New(slog.NewTextHandler(&out, nil))})
	if !errors.Is(err, ErrUnusable) || !strings.Contains(err.Error(), "join as a new one") || !strings.Contains(err.Error(), local100) {
		t.Errorf("%v", err)
	}
	for _, word := range []string{"path=" + testDir + "/" + local100, "offset=", "want=", "got="} {
		if !strings.Contains(out.String(), word) {
			t.Errorf("the log does not say %q: %s", word, out.String())
		}
	}
}

// A directory that cannot be read is no reason to call anything damaged.
func TestOpenUnreadable(t *testing.T) {
	m := vfs.NewMem()
	mustPublish(t, mustOpen(t, m, Options{}), 100, 200)
	for _, kind := range []vfs.Kind{vfs.OpList, vfs.OpOpen, vfs.OpRead} {
		for n := 1; ; n++ {
			c := m.CrashClone(vfs.Crash{})
			hit := false
			c.Inject(func(op vfs.Op) error {
				if op.Kind == kind {
					if n--; n == 0 {
						hit = true
						return fs.ErrPermission
					}
				}
				return nil
			})
			k := n
			_, err := Open(c, testDir, Options{})
			n = k
			if !hit {
				break
			}
			if !errors.Is(err, fs.ErrPermission) || errors.Is(err, ErrCorrupt) || errors.Is(err, ErrSync) {
				t.Errorf("%s %d fails: %v", kind, n, err)
			}
			c.Inject(nil)
			wantDir(t, c, local100, local200)
		}
	}
}

// Damage that shows only later is found by whoever reads, and the floor is out of use from then on.
func TestDamageLater(t *testing.T) {
	for name, read := range map[string]func(s *Store) error{
		"Read": func(s *Store) error { return s.Read(200, nil, nil) },
		"Open": func(s *Store) error {
			_, r, err := s.Open(local200)
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = io.Copy(io.Discard, r)
			if _, again := r.Read(make([]byte, 1)); err == nil || again == nil || again == io.EOF {
				t.Errorf("after %v the reader says %v", err, again)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := vfs.NewMem()
			s := mustOpen(t, m, Options{})
			mustPublish(t, s, 100, 200)
			flip(t, m, local200, 1000)
			if err := read(s); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%v", err)
			}
			wantFloors(t, s, want{index: 100})
			if list, err := s.List(); err != nil || len(list) != 1 || list[0].Index != 100 {
				t.Errorf("%v, %v", list, err)
			}
			wantDir(t, m, local100, local200+damagedSuffix)
			if err := read(s); !errors.Is(err, ErrNotFound) {
				t.Errorf("the second time: %v", err)
			}
			wantFloors(t, mustOpen(t, m.CrashClone(vfs.Crash{}), Options{}), want{index: 100})
			mustPublish(t, s, 200, 300)
			wantFloors(t, s, want{index: 300}, want{index: 200})
			wantDir(t, m, local300, local200, local200+damagedSuffix)
			flip(t, m, local200, 1000) // again
			if err := s.Read(200, nil, nil); !errors.Is(err, ErrCorrupt) {
				t.Errorf("damaged again: %v", err)
			}
			mustPublish(t, s, 400)
			wantDir(t, m, fileName(400, false), local300)
		})
	}
}

// Damage of a floor that was replaced while somebody read it is not the new one's.
func TestDamageOfReplaced(t *testing.T) {
	m := vfs.NewMem()
	s := mustOpen(t, m, Options{})
	_, err := s.Adopt(bytes.NewReader(encoded(t, 200, 1)), hashOf(200, 1))
	must(t, err)
	flip(t, m, installed200, 1000)
	_, r, err := s.Open(installed200)
	must(t, err)
	defer r.Close()
	_, err = s.Adopt(bytes.NewReader(encoded(t, 200, 2)), hashOf(200, 2))
	must(t, err)
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, ErrCorrupt) {
		t.Errorf("%v", err)
	}
	wantFloors(t, s, want{200, 2, true})
}
