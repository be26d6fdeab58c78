package wal

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/hashicorp/raft"
)

// dumped is what Dump finds: indexes of live entries, of others, and damage.
type dumped struct {
	live, dead []uint64
	errs       []error
}

func dumpAll(t testing.TB, m *vfs.Mem) (d dumped) {
	t.Helper()
	ops := m.Ops()
	before := kill(m)
	must(t, Dump(m, testDir, func(r Record) error {
		switch {
		case r.Err != nil:
			d.errs = append(d.errs, r.Err)
		case r.Live:
			d.live = append(d.live, r.Log.Index)
		default:
			d.dead = append(d.dead, r.Log.Index)
		}
		return nil
	}))
	if a, b := fmt.Sprint(before), fmt.Sprint(kill(m)); a != b || m.Ops() == ops {
		t.Errorf("Dump changed the directory:\n%s\n%s", a, b)
	}
	return d
}

func indexes(first, last uint64) (is []uint64) {
	for i := first; i <= last; i++ {
		is = append(is, i)
	}
	return is
}

func TestDump(t *testing.T) {
	m := goldenLog(t, false)
	d := dumpAll(t, m)
	if fmt.Sprint(d.live) != fmt.Sprint(indexes(9, 16)) || len(d.errs) > 0 || len(d.dead) == 0 {
		t.Errorf("a sound log: %+v", d)
	}
	stop := errors.New("enough")
	n := 0
	if err := Dump(m, testDir, func(Record) error { n++; return stop }); err != stop || n != 1 {
		t.Errorf("stopped by %v after %d records", err, n)
	}
	var got []*raft.Log
	must(t, Dump(m, testDir, func(r Record) error {
		if r.Live {
			e := r.Log
			e.Data = append([]byte(nil), e.Data...)
			e.Extensions = append([]byte(nil), e.Extensions...)
			got = append(got, &e)
		}
		return nil
	}))
	if s := diff(got, goldenEntries()); s != "" {
		t.Error(s)
	}
}

func TestDumpDamaged(t *testing.T) {
	tests := []struct {
		name   string
		closed bool
		damage func(s *sickbed)
		live   []uint64
		found  []uint64 // live or not
		errs   int
	}{
		{name: "one record", damage: func(s *sickbed) { s.flip(s.where[6].Path, s.behind(6)-1) },
			live: append(indexes(1, 5), indexes(14, 24)...), found: append(indexes(1, 5), indexes(7, 24)...), errs: 1},
		{name: "torn tail", damage: func(s *sickbed) { s.flip(s.where[23].Path, s.behind(23)-1) },
			live: indexes(1, 22), found: append(indexes(1, 22), 24), errs: 1},
		{name: "file header", damage: func(s *sickbed) { s.flip(s.where[1].Path, 1) }, live: indexes(1, 24), found: indexes(1, 24), errs: 1},
		{name: "header of the last file", damage: func(s *sickbed) { s.flip(s.where[24].Path, 1) }, live: indexes(1, 24), found: indexes(1, 24), errs: 1},
		{name: "meta", damage: func(s *sickbed) { s.flip(path.Join(testDir, metaName), 10) }, found: indexes(1, 24), errs: 1},
		{name: "meta missing", damage: func(s *sickbed) { must(s, s.Remove(path.Join(testDir, metaName))) }, found: indexes(1, 24)},
		{name: "file missing", damage: func(s *sickbed) { must(s, s.Remove(s.where[24].Path)) }, live: indexes(1, 13), found: indexes(1, 13), errs: 1},
		{name: "file cut, after a close", closed: true, damage: func(s *sickbed) {
			s.edit(24, func(b []byte) []byte { return b[:s.where[20].Offset] })
		}, live: indexes(1, 19), found: indexes(1, 19), errs: 1},
		{name: "newer version", damage: func(s *sickbed) {
			s.edit(1, func(b []byte) []byte { b[4] = 9; resum(b[:fileHeaderSize], fileHeaderCRC); return b })
		}, live: indexes(1, 24), found: indexes(1, 24), errs: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := sick(t, tt.closed)
			tt.damage(s)
			d := dumpAll(t, s.Mem)
			found := map[uint64]bool{}
			for _, i := range append(d.live, d.dead...) {
				found[i] = true
			}
			for i := uint64(1); i <= 30; i++ {
				if want := slices.Contains(tt.found, i); want != found[i] {
					t.Errorf("entry %d: found %v, want %v", i, found[i], want)
				}
			}
			if fmt.Sprint(d.live) != fmt.Sprint(tt.live) || len(d.errs) != tt.errs {
				t.Errorf("live %v, want %v; damage %v, want %d", d.live, tt.live, d.errs, tt.errs)
			}
		})
	}
}

// Torn tails are part of the dump.
func TestDumpTorn(t *testing.T) {
	s := sick(t, false)
	s.flip(s.where[22].Path, s.behind(22)-1) // 23 and 24 are whole, and go with it
	l := mustOpen(t, s, smallOptions())
	must(t, l.Close())
	torn := path.Join(testDir, tornName(22, 1))
	var got []uint64
	must(t, Dump(s, testDir, func(r Record) error {
		if r.Path == torn {
			got = append(got, r.Log.Index)
		}
		return r.Err
	}))
	if fmt.Sprint(got) != fmt.Sprint(indexes(23, 24)) {
		t.Errorf("the torn tail holds %v", got)
	}
}
