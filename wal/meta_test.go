package wal

import (
	"errors"
	"reflect"
	"testing"
)

func goodMetas() []*meta {
	sealed := func(n, first, last uint64) metaFile {
		return metaFile{generation: generation{n, n * 7}, sealed: true, first: first, last: last, end: 4000}
	}
	open := func(n uint64) metaFile { return metaFile{generation: generation{number: n, salt: n * 9}} }
	holds := open(8)
	holds.first, holds.last, holds.end = 21, 25, 2000
	return []*meta{
		{},
		{files: []metaFile{open(1)}},
		{first: 7, files: []metaFile{sealed(1, 7, 7)}},
		{first: 12, files: []metaFile{sealed(3, 10, 14), sealed(7, 15, 20), open(9), open(12)}},
		{first: 12, files: []metaFile{sealed(3, 10, 20), holds, open(9)}},
	}
}

func TestMeta(t *testing.T) {
	for _, m := range goodMetas() {
		b := m.append(nil)
		got, err := parseMeta("m", b)
		if err != nil {
			t.Fatalf("%+v: %v", m, err)
		}
		if len(got.files) == 0 {
			got.files = nil
		}
		if !reflect.DeepEqual(got, m) {
			t.Errorf("got %+v, want %+v", got, m)
		}
		for i := range b { // every byte matters
			b[i] ^= 1
			if _, err := parseMeta("m", b); !errors.Is(err, ErrCorrupt) || errors.Is(err, ErrVersion) {
				t.Errorf("byte %d changed: %v", i, err)
			}
			if _, err := parseMeta("m", b[:i]); !errors.Is(err, ErrCorrupt) {
				t.Errorf("cut to %d bytes: %v", i, err)
			}
			b[i] ^= 1
		}
		b[4]++
		if _, err := parseMeta("m", resum(b, len(b)-4)); !errors.Is(err, ErrVersion) || errors.Is(err, ErrCorrupt) {
			t.Errorf("another version: %v", err)
		}
	}
}

// A meta with a right CRC that breaks the rules is damage, too.
func TestMetaRules(t *testing.T) {
	good := goodMetas()[3]
	tests := map[string]func(m *meta){
		"numbers do not ascend":       func(m *meta) { m.files[1].number = 3 },
		"a gap between the files":     func(m *meta) { m.files[1].first++ },
		"an overlap":                  func(m *meta) { m.files[1].first-- },
		"sealed after unsealed":       func(m *meta) { m.files[2], m.files[1].sealed = m.files[1], false; m.files[2].number = 9 },
		"sealed without entries":      func(m *meta) { m.files[0].last = 9 },
		"sealed with a short end":     func(m *meta) { m.files[0].end = 64 },
		"entries of index 0":          func(m *meta) { m.files[0].first = 0 },
		"first below all entries":     func(m *meta) { m.first = 9 },
		"first beyond first file":     func(m *meta) { m.first = 15 },
		"unsealed, last but no first": func(m *meta) { m.files[3].last = 30 },
	}
	for name, damage := range tests {
		m := &meta{first: good.first, files: append([]metaFile(nil), good.files...)}
		damage(m)
		if _, err := parseMeta("m", m.append(nil)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
