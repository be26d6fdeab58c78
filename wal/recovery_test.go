package wal

import (
	"errors"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// What survives any damage, and what makes Open refuse.
func TestRecovery(t *testing.T) {
	for _, tt := range recoveryTests {
		t.Run(tt.name, func(t *testing.T) {
			s := sick(t, tt.closed)
			tt.damage(s)
			before := snapshot(t, s.Mem)
			l, err := Open(s, testDir, smallOptions())
			if tt.last == none {
				wantDamage(t, err, tt.err)
				var c *CorruptError
				if errors.As(err, &c) && tt.index > 0 && (c.Path != s.where[tt.index].Path || c.Offset != s.where[tt.index].Offset) {
					t.Errorf("the error points to %s at %d, want the record of %d: %v", c.Path, c.Offset, tt.index, err)
				}
				if after := snapshot(t, s.Mem); after != before {
					t.Errorf("a refused Open changed the directory\nbefore: %q\nafter:  %q", before, after)
				}
				return
			}
			must(t, err)
			want := makeEntries(1, tt.last, 1, 400)
			wantContents(t, l, want)
			if torn := list(t, s, tornPrefix); len(torn) != tt.torn {
				t.Errorf("kept aside: %v, want %d files", torn, tt.torn)
			}
			next := makeEntries(tt.last+1, tt.last+2, 2, 400)
			mustStore(t, l, next...)
			got, err := reopened(kill(s.Mem), smallOptions())
			must(t, err)
			if d := diff(got, append(want, next...)); d != "" {
				t.Errorf("after writing on: %s", d)
			}
			must(t, l.Close())
		})
	}
}

func wantDamage(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("Open returned %v, want %v", err, want)
	}
	for _, other := range []error{ErrCorrupt, ErrVersion} {
		if other != want && errors.Is(err, other) {
			t.Errorf("%v is also %v", err, other)
		}
	}
	var c *CorruptError
	if errors.Is(err, ErrCorrupt) && (!errors.As(err, &c) || !strings.HasPrefix(c.Path, testDir) || c.Want == "" || c.Got == "") {
		t.Errorf("the error does not say what is wrong where: %#v", err)
	}
}

// snapshot is everything in the directory but the lock.
func snapshot(t *testing.T, m *vfs.Mem) string {
	t.Helper()
	names, err := m.List(testDir)
	must(t, err)
	var b strings.Builder
	for _, name := range names {
		if name != lockName {
			b.WriteString(name + "\x00" + string(readFile(t, m, name)) + "\x00")
		}
	}
	return b.String()
}

// A file was filled, and the next one begun, before meta was written anew: it names two files and knows of neither what it holds.
func TestRecoveryOfTwoUnsealed(t *testing.T) {
	tests := []struct {
		name   string
		damage func(s *sickbed)
		last   uint64 // none: ErrCorrupt
		torn   int
		stored uint64 // 15 if 0
	}{
		{name: "crash", damage: func(s *sickbed) {}, last: 15},
		{name: "first file emptied", damage: func(s *sickbed) { s.edit(1, func([]byte) []byte { return nil }) }},
		{name: "first file's header", damage: func(s *sickbed) { s.flip(s.where[1].Path, 20) }},
		{name: "first file's last write", damage: func(s *sickbed) { s.flip(s.where[9].Path, s.behind(9)-1) }},
		{name: "first file's end marker", damage: func(s *sickbed) { s.flip(s.where[9].Path, s.behind(9)) }},
		{name: "first file's last write lost", damage: func(s *sickbed) {
			s.put(9, s.where[7].Offset, append(appendEnd(nil, s.seed(7), 7, 3), make([]byte, s.behind(9)-s.where[7].Offset)...))
		}},
		{name: "first file's last write, second file's header", stored: 12, damage: func(s *sickbed) {
			s.flip(s.where[9].Path, s.behind(9)-1)
			s.flip(s.where[10].Path, 20)
		}},
		{name: "second file's header, after one write", stored: 12, damage: func(s *sickbed) { s.flip(s.where[10].Path, 20) }, last: 9, torn: 1},
		{name: "second file's first write", damage: func(s *sickbed) { s.flip(s.where[10].Path, s.behind(10)-1) }},
		{name: "second file's last write", damage: func(s *sickbed) { s.flip(s.where[13].Path, s.behind(13)-1) }, last: 12, torn: 1},
		{name: "second file emptied", damage: func(s *sickbed) { s.edit(10, func([]byte) []byte { return nil }) }, last: 9},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := vfs.NewMem()
			l := mustOpen(t, m, smallOptions())
			l.opt.Inline = false // nobody tidies from here on
			stored := uint64(or(int64(tt.stored), 15))
			for i := uint64(1); i <= stored; i += 3 {
				mustStore(t, l, makeEntries(i, i+2, 1, 500)...)
			}
			s := newSickbed(t, kill(m))
			if files := metaOf(t, s).files; len(files) != 2 || files[0].last+files[1].last > 0 || s.file(9) == s.file(10) || s.file(10) != s.file(stored) {
				t.Fatalf("the log is not laid out as the test wants it: %+v", files)
			}
			tt.damage(s)
			got, err := reopened(s, smallOptions())
			if tt.last == none {
				wantDamage(t, err, ErrCorrupt)
				return
			}
			must(t, err)
			if d := diff(got, makeEntries(1, tt.last, 1, 500)); d != "" {
				t.Error(d)
			}
			if torn := list(t, s, tornPrefix); len(torn) != tt.torn {
				t.Errorf("kept aside: %v", torn)
			}
		})
	}
}

// Meta knows of entries that no file holds.
func TestEntriesMissing(t *testing.T) {
	for _, first := range []uint64{1, 5, 8, 9} {
		m := vfs.NewMem()
		l := mustOpen(t, m, smallOptions())
		l.opt.Inline = false
		mustStore(t, l, makeEntries(5, 8, 1, 10)...)
		m = kill(m)
		b := metaOf(t, m)
		b.first = first
		writeFile(t, m, metaName, b.append(nil))
		got, err := reopened(m, smallOptions())
		if first < 5 || first > 8 {
			wantDamage(t, err, ErrCorrupt)
			continue
		}
		must(t, err)
		if d := diff(got, makeEntries(first, 8, 1, 10)); d != "" {
			t.Error(d)
		}
	}
}
