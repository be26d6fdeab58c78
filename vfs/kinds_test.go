package vfs

import (
	"io"
	"testing"
)

// fsFile is a file system and an open file of it, which is called f.
type fsFile struct {
	m *Mem
	f File
}

// everyKind does each kind of operation once.
var everyKind = []struct {
	kind Kind
	do   func(fsFile) error
}{
	{OpCreate, func(x fsFile) error { return fileErr(x.m.Create("new")) }},
	{OpOpen, func(x fsFile) error { return fileErr(x.m.Open("f")) }},
	{OpRead, func(x fsFile) error { return second(x.f.ReadAt(make([]byte, 1), 0)) }},
	{OpWrite, func(x fsFile) error { return second(x.f.WriteAt([]byte("Z"), 0)) }},
	{OpSync, func(x fsFile) error { return x.f.Sync() }},
	{OpSyncDir, func(x fsFile) error { return x.m.SyncDir(".") }},
	{OpRename, func(x fsFile) error { return x.m.Rename("f", "g") }},
	{OpRemove, func(x fsFile) error { return x.m.Remove("f") }},
	{OpTruncate, func(x fsFile) error { return x.f.Truncate(0) }},
	{OpPreallocate, func(x fsFile) error { return x.f.Preallocate(9) }},
	{OpMkdir, func(x fsFile) error { return x.m.MkdirAll("d") }},
	{OpList, func(x fsFile) error { return lastErr(x.m.List(".")) }},
	{OpLock, func(x fsFile) error { return second2(x.m.Lock("L")) }},
}

// newFsFile holds "abc", of which nothing is synced.
func newFsFile(t *testing.T) fsFile {
	t.Helper()
	m := NewMem()
	f, err := m.Create("f")
	must(t, err)
	_, err = f.WriteAt([]byte("abc"), 0)
	must(t, err)
	return fsFile{m, f}
}

func fileErr(_ File, err error) error      { return err }
func second2(_ io.Closer, err error) error { return err }
