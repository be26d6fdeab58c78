package wal

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
)

// keptBytes is how much log a benchmark keeps: old entries are deleted, so that both stores are in their stride.
const keptBytes = 128 << 20

type closingStore interface {
	raft.LogStore
	Close() error
}

// stores are opened on the real disk, with their defaults.
var stores = []struct {
	name string
	open func(b *testing.B, dir string) closingStore
}{
	{"wal", func(b *testing.B, dir string) closingStore {
		fsys, err := vfs.OS(dir)
		must(b, err)
		l, err := Open(fsys, "wal", Options{})
		must(b, err)
		l.SetFloor(1 << 62)
		return l
	}},
	{"boltdb", func(b *testing.B, dir string) closingStore {
		s, err := raftboltdb.New(raftboltdb.Options{Path: filepath.Join(dir, "raft.db")})
		must(b, err)
		return s
	}},
}

// randomEntries do not compress and are not all the same.
func randomEntries(batch, size int) []*raft.Log {
	r := rand.NewChaCha8([32]byte{1})
	es := make([]*raft.Log, batch)
	for i := range es {
		es[i] = &raft.Log{Term: 3, Data: make([]byte, size)}
		_, _ = r.Read(es[i].Data)
	}
	return es
}

func BenchmarkStore(b *testing.B) {
	for _, size := range []int{4 << 10, 64 << 10} {
		for _, batch := range []int{1, 16} {
			for _, s := range stores {
				b.Run(fmt.Sprintf("size=%dKiB/batch=%d/%s", size>>10, batch, s.name), func(b *testing.B) {
					l := s.open(b, b.TempDir())
					defer l.Close()
					es := randomEntries(batch, size)
					next := fill(b, l, es, 1, 2*keptBytes) // until files are recycled
					b.SetBytes(int64(batch * size))
					for b.Loop() {
						next = storeOnce(b, l, es, next)
					}
				})
			}
		}
	}
}

// fill stores total bytes in larger calls and returns the next index.
func fill(b *testing.B, l raft.LogStore, es []*raft.Log, next uint64, total int) uint64 {
	size := len(es[0].Data)
	large := randomEntries(max(1, (4<<20)/size), size)
	for n := 0; n < total; n += len(large) * size {
		next = storeOnce(b, l, large, next)
	}
	return next
}

// storeOnce appends es at next, and deletes the older half of the log when it has grown to keptBytes.
func storeOnce(b *testing.B, l raft.LogStore, es []*raft.Log, next uint64) uint64 {
	for i, e := range es {
		e.Index = next + uint64(i)
	}
	must(b, l.StoreLogs(es))
	end := next + uint64(len(es))
	keep := uint64(keptBytes / len(es[0].Data))
	if next/keep != end/keep && end > keep {
		must(b, l.DeleteRange(1, end-keep/2))
	}
	return end
}

// Sequential reads of a whole log, as a replay after a start does them, from the page cache.
func BenchmarkReplay(b *testing.B) {
	const total = 256 << 20
	for _, size := range []int{4 << 10, 64 << 10} {
		for _, s := range stores {
			b.Run(fmt.Sprintf("size=%dKiB/%s", size>>10, s.name), func(b *testing.B) {
				l := s.open(b, b.TempDir())
				defer l.Close()
				next := uint64(1)
				es := randomEntries((4<<20)/size, size)
				for n := 0; n < total; n += 4 << 20 {
					for i, e := range es {
						e.Index = next + uint64(i)
					}
					must(b, l.StoreLogs(es))
					next += uint64(len(es))
				}
				b.SetBytes(total)
				var e raft.Log
				for b.Loop() {
					if w, ok := l.(*Log); ok {
						w.ahead.forget()
					}
					for i := uint64(1); i < next; i++ {
						must(b, l.GetLog(i, &e))
					}
				}
			})
		}
	}
}

// An Open reads and checks everything.
func BenchmarkOpen(b *testing.B) {
	fsys, err := vfs.OS(b.TempDir())
	must(b, err)
	const total, size = 256 << 20, 64 << 10
	l, err := Open(fsys, "wal", Options{})
	must(b, err)
	fill(b, l, randomEntries(1, size), 1, total)
	must(b, l.Close())
	b.SetBytes(total)
	for b.Loop() {
		l, err := Open(fsys, "wal", Options{})
		must(b, err)
		must(b, l.Close())
	}
}

// How long a follower that reads along waits for an entry of the tail cache.
func BenchmarkTailRead(b *testing.B) {
	l, err := Open(vfs.NewMem(), testDir, Options{})
	must(b, err)
	defer l.Close()
	fill(b, l, randomEntries(1, 64<<10), 1, 16<<20)
	var e raft.Log
	b.SetBytes(64 << 10)
	for b.Loop() {
		must(b, l.GetLog(200, &e))
	}
}
