package proof

import (
	"errors"
	"fmt"
	"path"

	"github.com/gaplessdb/gapless/proof/tiles"
)

// Suspect hears of every error of a reader of this node's files. Where that is damage, the file is made again: strips are counted again, the log's
// hashes computed again, a census is taken again while its floor is here. The error is ErrNotCounted then; any other one is returned as it is.
func (s *Sealer) Suspect(err error) error {
	var damage *tiles.CorruptionError
	if !errors.As(err, &damage) || damage.Path != path.Join(s.opt.Dir, storeName) {
		return s.archive.Suspect(err)
	}
	s.trouble.warn("the hashes of the log are damaged: they are made again", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spoiled = true
	s.move()
	return fmt.Errorf("%w any more: %w", ErrNotCounted, err)
}

// isSpoiled reports whether a reader found damage in the hashes of the log.
func (s *Sealer) isSpoiled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spoiled
}
