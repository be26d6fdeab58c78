package vfs

import (
	"io/fs"
	"path"
	"strings"
)

// clean returns the canonical form of name: relative, slash-separated, "." for the root. A name that leaves the root, is
// absolute, holds a NUL or is not UTF-8 is fs.ErrInvalid.
func clean(op, name string) (string, error) {
	c := path.Clean(name)
	if !fs.ValidPath(c) || strings.ContainsRune(c, 0) {
		return "", pathError(op, name, fs.ErrInvalid)
	}
	return c, nil
}

// cleanEntry is clean for operations that create, replace or remove a name: the root itself cannot be one.
func cleanEntry(op, name string) (string, error) {
	c, err := clean(op, name)
	if err == nil && c == "." {
		return "", pathError(op, name, fs.ErrInvalid)
	}
	return c, err
}

func pathError(op, name string, err error) error {
	return &fs.PathError{Op: "vfs: " + op, Path: name, Err: err}
}
