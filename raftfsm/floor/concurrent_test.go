package floor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// Floors are published, installed and adopted while others read them: whoever gets a reader gets the whole floor, and there is always
// exactly one to start from.
func TestConcurrent(t *testing.T) {
	s := mustOpen(t, vfs.NewMem(), Options{})
	mustPublish(t, s, 1)
	done := make(chan struct{})
	var writers, readers sync.WaitGroup
	for way := range uint64(3) {
		writers.Go(func() {
			for i := uint64(2); i < 40; i++ {
				var err error
				switch way {
				case 0:
					_, _, err = s.Publish(testHeader(i), state(i, 0))
				case 1:
					_, err = install(s, i, 0, fileOf(i, 0))
				case 2:
					_, err = s.Adopt(bytes.NewReader(fileOf(i, 0)), hashOf(i, 0))
				}
				if err != nil && !errors.Is(err, ErrOlder) {
					t.Errorf("floor %d: %v", i, err)
				}
			}
		})
	}
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := readNewest(s); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	floors := s.Floors()
	if len(floors) != 2 || floors[0].Index != 39 || floors[0].Hash != hashOf(39, 0) || floors[1].Index != 38 {
		t.Errorf("in the end: %v", describe(floors))
	}
}

func readNewest(s *Store) error {
	list, err := s.List()
	if err != nil {
		return err
	}
	if len(list) != 1 {
		return fmt.Errorf("%d floors are listed", len(list))
	}
	_, r, err := s.Open(list[0].ID)
	if errors.Is(err, ErrNotFound) || errors.Is(err, fs.ErrNotExist) { // removed meanwhile
		return nil
	}
	if err != nil {
		return err
	}
	_, _, err = Read(r, nil, func(_ string, r io.Reader) error { _, err := io.Copy(io.Discard, r); return err })
	return errors.Join(err, r.Close())
}
