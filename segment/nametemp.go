//go:build !bug_missing_dirsync

package segment

import (
	"fmt"
	"path"

	"github.com/gaplessdb/gapless/vfs"
)

// nameTemp gives a finished file its name in dir. No power loss takes the name away again, for a floor file that lists it is written next.
func nameTemp(fs vfs.FS, temp, dir string, name Name) error {
	if err := fs.Rename(temp, path.Join(dir, name.FileName())); err != nil {
		return fmt.Errorf("segment: %w", err)
	}
	if err := fs.SyncDir(dir); err != nil {
		return fmt.Errorf("segment: %w", err)
	}
	return nil
}
