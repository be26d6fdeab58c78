package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gaplessdb/gapless/proof/verify"
)

// segmentDir is a directory with segment files that is only read: it may lie on media that nobody can write to, and it is no data directory.
func segmentDir(path string) (verify.Files, error) {
	stat, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !stat.IsDir() {
		return nil, fmt.Errorf("%s is not a directory", path)
	}
	return readOnlyDir(path), nil
}

// readOnlyDir is the path of a directory.
type readOnlyDir string

// List implements verify.Files.
func (d readOnlyDir) List() ([]string, error) {
	entries, err := os.ReadDir(string(d)) // sorted by name
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// Open implements verify.Files.
func (d readOnlyDir) Open(name string) (verify.File, error) {
	path := filepath.Join(string(d), name)
	stat, err := os.Stat(path) // before it is opened: a pipe would wait for whoever writes into it
	if err != nil {
		return nil, err
	}
	if !stat.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

// diskFile is a file that is only read.
type diskFile struct{ *os.File }

// Size implements verify.File.
func (f diskFile) Size() (int64, error) {
	stat, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return stat.Size(), nil
}
