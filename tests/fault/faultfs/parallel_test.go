//go:build linux

package faultfs

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// Requests come in parallel, also about the same file, while the disk is broken and cut beneath them.
func TestParallel(t *testing.T) {
	fs, dir := mounted(t, Options{})
	did := make(chan bool)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for n := 0; ; n++ {
				ok := work(dir, w, n) // its errors are those of the faults
				select {
				case <-stop:
					return
				case did <- ok:
				}
			}
		})
	}
	done := 0
	for seed := range uint64(40) {
		for range 20 {
			if <-did {
				done++
			}
		}
		breakAndCut(fs, seed)
	}
	close(stop)
	wg.Wait()
	if done < 200 {
		t.Errorf("%d of 800 turns succeeded: too few to prove anything", done)
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if held := fs.held(); fs.disk.used != held {
		t.Errorf("%d pages are accounted for, there are %d", fs.disk.used, held)
	}
}

func breakAndCut(fs *FS, seed uint64) {
	fault := fs.SyncError(3, seed%2 == 0)
	for _, f := range fs.Files() {
		if f.Size > 0 {
			_, _ = fs.Flip(f.Path, f.Size-1, 0) // it may be gone by now
		}
	}
	image := fs.Snapshot()
	if seed%3 == 0 {
		fs.PowerCut([]Survive{Lose, Random, Torn}[seed/3%3], dice(seed))
	}
	if seed%10 == 0 {
		fs.Restore(image)
	}
	fault.Clear()
}

// held counts the pages of all that has a name or is open.
func (fs *FS) held() (pages int64) {
	seen := map[*inode]bool{}
	count := func(i *inode) {
		if !seen[i] && !i.gone {
			pages += i.live.used
		}
		seen[i] = true
	}
	fs.disk.walk(fs.disk.root, func(_ *inode, _ string, i *inode) { count(i) })
	for _, i := range fs.nodes {
		count(i)
	}
	return pages
}

func work(dir string, w, n int) bool {
	path := filepath.Join(dir, fmt.Sprint(n%5))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return false
	}
	defer f.Close()
	b := make([]byte, 10_000)
	_, err = f.WriteAt(b, int64(w*5000))
	f.ReadAt(b, 0)
	if err == nil {
		err = f.Sync()
	}
	switch n % 4 {
	case 0:
		os.Rename(path, path+"r")
	case 1:
		os.Remove(path + "r")
	case 2:
		f.Truncate(int64(n % 9000))
	case 3:
		tryDir(dir, syscall.Fsync)
	}
	return err == nil
}
