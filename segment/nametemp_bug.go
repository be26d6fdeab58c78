//go:build bug_missing_dirsync

package segment

import (
	"fmt"
	"path"

	"github.com/gaplessdb/gapless/vfs"
)

// Breaks: a segment that a floor lists is there after a power loss. Its bytes are, and its name may not be.
func nameTemp(fs vfs.FS, temp, dir string, name Name) error {
	if err := fs.Rename(temp, path.Join(dir, name.FileName())); err != nil {
		return fmt.Errorf("segment: %w", err)
	}
	return nil
}
