package shelf

import (
	"context"
	"errors"
	"io/fs"

	"github.com/gaplessdb/gapless/segment"
)

// salvage looks at the newest copy in quarantine. If it is whole it was damaged only on its way from the disk, and is copied to where it
// belongs as if it came from a peer.
func (p *puller) salvage(ctx context.Context, e *entry) (bool, error) {
	p.mu.Lock()
	if !e.salvage {
		p.mu.Unlock()
		return false, nil
	}
	path := p.quarantinePlace(e.name, e.copies[len(e.copies)-1])
	p.mu.Unlock()
	f, err := p.fs.Open(path)
	if err == nil {
		defer f.Close()
		err = verify(ctx, f, path, e.name)
	}
	if damaged(err) || errors.Is(err, fs.ErrNotExist) {
		p.mu.Lock()
		e.salvage = false
		p.mu.Unlock()
		return false, nil
	}
	if err != nil {
		return false, err
	}
	p.log.Warn("shelf: a segment in quarantine is whole, it is copied back", "segment", e.name.String(), "path", path)
	read := func(_ context.Context, _ string, _ segment.Name, offset int64, n int) ([]byte, error) {
		b := make([]byte, n)
		if got, err := f.ReadAt(b, offset); got < n {
			return nil, err
		}
		return b, nil
	}
	local := p.newPuller(read, func() []string { return []string{quarantineName} })
	local.throttle = &throttle{}
	err = local.attempt(ctx, e)
	return err == nil, err
}
