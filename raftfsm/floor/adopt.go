package floor

import (
	"errors"
	"fmt"
	"io"
)

// Adopt stores a floor that was pulled from another node and has the hash that was wanted. One of the same index that is here and
// differs is removed after the new one is durable.
func (s *Store) Adopt(r io.Reader, wantHash [32]byte) (Published, error) {
	t, err := s.newTemp()
	if err != nil {
		return Published{}, err
	}
	c, err := t.receive(r)
	if err == nil && c.hash != wantHash {
		err = &CorruptError{t.name, 0, fmt.Sprintf("SHA-256 %x", wantHash), fmt.Sprintf("%x", c.hash)}
	}
	if err != nil {
		return Published{}, errors.Join(fmt.Errorf("floor: adopt %x: %w", wantHash, err), t.discard())
	}
	f, err := s.place(t, c, true)
	if err != nil {
		return Published{}, err
	}
	s.installed(f)
	return f.published(), nil
}

// receive writes a whole floor file, each block of which is checked as it comes.
func (t *temp) receive(r io.Reader) (contents, error) {
	if _, err := io.Copy(t.buf, &rawReader{s: newScanner(r, "stream")}); err != nil {
		return contents{}, err
	}
	return t.finish()
}

// installed notes that f came from another node.
func (s *Store) installed(f *file) {
	s.metrics.installed.Inc()
	s.log.Info("floor: installed", "index", f.header.Index, "term", f.header.Term, "hash", hexText(f.hash), "bytes", f.bytes)
}
