package wal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/hashicorp/raft"
)

const testDir = "data/wal"

// salts gives every generation its own salt, the same in every run.
type salts struct{ n atomic.Uint64 }

func (s *salts) Read(p []byte) (int, error) {
	return copy(p, binary.LittleEndian.AppendUint64(nil, s.n.Add(1)*0x9e3779b97f4a7c15)), nil
}

// smallOptions make a log of files of one block that does the same operations in every run.
func smallOptions() Options {
	return Options{FileBytes: 4096, SpareFiles: 2, PrefillBytes: -1, TailCacheBytes: 8 << 10, Inline: true, Rand: &salts{}}
}

// makeEntry returns an entry of one of every kind that raft writes, in turn; its bytes depend on index, term and size only.
func makeEntry(index, term uint64, size int) *raft.Log {
	e := &raft.Log{Index: index, Term: term, Type: raft.LogType(index % 6), AppendedAt: time.Unix(int64(index), int64(term)).UTC()}
	switch e.Type {
	case raft.LogNoop, raft.LogBarrier:
		e.AppendedAt = time.Time{} // no data either
		return e
	}
	e.Data = make([]byte, size)
	for i := range e.Data {
		e.Data[i] = byte(uint64(i)*7 + index*31 + term*101)
	}
	if index%4 == 0 {
		e.Extensions = fmt.Appendf(nil, "ext %d", index)
	}
	return e
}

func makeEntries(first, last, term uint64, size int) []*raft.Log {
	var es []*raft.Log
	for i := first; i <= last; i++ {
		es = append(es, makeEntry(i, term, size))
	}
	return es
}

func mustOpen(t testing.TB, fsys vfs.FS, opt Options) *Log {
	t.Helper()
	l, err := Open(fsys, testDir, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // most tests have closed it
	return l
}

func mustStore(t testing.TB, l *Log, es ...*raft.Log) {
	t.Helper()
	if err := l.StoreLogs(es); err != nil {
		t.Fatal(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// contents reads all there is. It fails if the log contradicts itself.
func contents(l *Log) ([]*raft.Log, error) {
	first, err := l.FirstIndex()
	if err != nil {
		return nil, err
	}
	last, err := l.LastIndex()
	if err != nil {
		return nil, err
	}
	if (first == 0) != (last == 0) || first > last {
		return nil, fmt.Errorf("first index %d, last index %d", first, last)
	}
	var es []*raft.Log
	for i := first; i <= last && i > 0; i++ {
		e := new(raft.Log)
		if err := l.GetLog(i, e); err != nil {
			return nil, fmt.Errorf("entry %d of %d..%d: %w", i, first, last, err)
		}
		es = append(es, e)
	}
	for _, i := range []uint64{0, first - 1, last + 1, last + 1000} {
		if i >= first && i <= last && i != 0 {
			continue
		}
		if err := l.GetLog(i, new(raft.Log)); err != raft.ErrLogNotFound {
			return nil, fmt.Errorf("entry %d outside %d..%d: %v, want ErrLogNotFound itself", i, first, last, err)
		}
	}
	return es, nil
}

func equalEntry(a, b *raft.Log) bool {
	return a.Index == b.Index && a.Term == b.Term && a.Type == b.Type && bytes.Equal(a.Data, b.Data) &&
		bytes.Equal(a.Extensions, b.Extensions) && a.AppendedAt.Equal(b.AppendedAt) && a.AppendedAt.IsZero() == b.AppendedAt.IsZero()
}

// diff says where two logs differ, "" if they do not.
func diff(got, want []*raft.Log) string {
	describe := func(es []*raft.Log) string {
		if len(es) == 0 {
			return "empty"
		}
		return fmt.Sprintf("%d..%d", es[0].Index, es[len(es)-1].Index)
	}
	if len(got) != len(want) {
		return fmt.Sprintf("the log is %s, want %s", describe(got), describe(want))
	}
	for i := range got {
		if !equalEntry(got[i], want[i]) {
			return fmt.Sprintf("entry %d: got %v, want %v", want[i].Index, got[i], want[i])
		}
	}
	return ""
}

func wantContents(t testing.TB, l *Log, want []*raft.Log) {
	t.Helper()
	got, err := contents(l)
	must(t, err)
	if d := diff(got, want); d != "" {
		t.Fatal(d)
	}
}

// reopened returns what the log in fsys holds after an Open, without leaving anything open.
func reopened(fsys vfs.FS, opt Options) (es []*raft.Log, err error) {
	l, err := Open(fsys, testDir, opt)
	if err != nil {
		return nil, err
	}
	es, err = contents(l)
	return es, errors.Join(err, l.Close())
}

// kill returns what the next process finds if this one dies now.
func kill(m *vfs.Mem) *vfs.Mem { return m.CrashClone(vfs.Crash{Kill: true}) }

// powerCut returns what the next process finds if the power fails now and everything unsynced is lost.
func powerCut(m *vfs.Mem) *vfs.Mem { return m.CrashClone(vfs.Crash{}) }

// list returns the names in the log's directory with a suffix or prefix.
func list(t testing.TB, fsys vfs.FS, pattern string) []string {
	t.Helper()
	names, err := fsys.List(testDir)
	must(t, err)
	return slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, pattern) && !strings.HasPrefix(n, pattern) })
}

func readFile(t testing.TB, fsys vfs.FS, name string) []byte {
	t.Helper()
	f, err := fsys.Open(path.Join(testDir, name))
	must(t, err)
	defer f.Close()
	size, err := f.Size()
	must(t, err)
	b := make([]byte, size)
	must(t, readFull(f, b, 0))
	return b
}

// writeFile overwrites a file that exists, as damage does.
func writeFile(t testing.TB, fsys vfs.FS, name string, b []byte) {
	t.Helper()
	f, err := fsys.OpenReadWrite(path.Join(testDir, name))
	must(t, err)
	defer f.Close()
	must(t, f.Truncate(int64(len(b))))
	_, err = f.WriteAt(b, 0)
	must(t, err)
	must(t, f.Sync())
}

// files returns the generations that meta names, and where.
func metaOf(t testing.TB, fsys vfs.FS) *meta {
	t.Helper()
	m, err := readMeta(fsys, testDir)
	must(t, err)
	return m
}

func crcOf(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }
