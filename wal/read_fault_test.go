package wal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/hashicorp/raft"
)

// slowDisk lets every operation take up to 3 ms, so that readers, writer, compaction and housekeeper meet at each other's every step,
// and some reads long enough for their file to be dropped, recycled and filled anew. Some reads fail, and the operation deadAt fails as well.
type slowDisk struct {
	mu     sync.Mutex // protects rand; never held across an operation
	rand   *rand.Rand
	deadAt int
}

func (d *slowDisk) hook(op vfs.Op) error {
	d.mu.Lock()
	long, sick := time.Duration(d.rand.IntN(3000))*time.Microsecond, d.rand.IntN(20) == 0
	if op.Kind == vfs.OpRead && d.rand.IntN(5) == 0 {
		long *= 200
	}
	d.mu.Unlock()
	time.Sleep(long)
	switch {
	case op.N == d.deadAt && op.Kind == vfs.OpSync:
		return vfs.DropOnSync()
	case op.N >= d.deadAt && op.Kind.Changes(), op.Kind == vfs.OpRead && sick:
		return syscall.EIO
	}
	return nil
}

// reader goes on until the log is closed or poisoned, at any index from well before the first to behind the last. What was replaced
// once by an entry of a later term must not come back.
func reader(l *Log, r *rand.Rand) error {
	seen := map[uint64]uint64{} // terms
	for {
		first, err := l.FirstIndex()
		if err != nil {
			return endOf(err)
		}
		last, err := l.LastIndex()
		if err != nil {
			return endOf(err)
		}
		from := max(first, 20) - 20 + r.Uint64N(last-first+40)
		for i := from; i < from+5; i++ {
			var got raft.Log
			err := l.GetLog(i, &got)
			switch {
			case err == raft.ErrLogNotFound || errors.Is(err, syscall.EIO) && !errors.Is(err, ErrPoisoned):
				continue
			case err != nil:
				return endOf(err)
			case got.Term < max(1, seen[i]) || !equalEntry(&got, makeEntry(i, got.Term, 400)):
				return fmt.Errorf("entry %d of term %d was there, and now it is %v", i, seen[i], &got)
			}
			seen[i] = got.Term
		}
		time.Sleep(time.Millisecond)
	}
}

func endOf(err error) error {
	if errors.Is(err, ErrPoisoned) || errors.Is(err, ErrClosed) {
		return nil
	}
	return err
}

// live appends, truncates and appends again, in terms that rise, while another goroutine deletes and recycles all but the newest.
// It returns what was acknowledged and not truncated.
func live(l *Log, calls int) (acked []*raft.Log, err error) {
	done := make(chan struct{})
	var compacting sync.WaitGroup
	compacting.Go(func() { compact(l, done) })
	defer compacting.Wait()
	defer close(done)
	term := uint64(1)
	for i := range calls {
		next := uint64(len(acked)) + 1
		if i%15 == 14 {
			term++
			acked = acked[:len(acked)-5]
			if err := l.DeleteRange(next-5, next-1); err != nil {
				return acked, err
			}
			continue
		}
		es := makeEntries(next, next+uint64(i%3), term, 400)
		if err := l.StoreLogs(es); err != nil {
			return acked, err
		}
		acked = append(acked, es...)
	}
	return acked, nil
}

func compact(l *Log, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case <-time.After(10 * time.Millisecond):
		}
		first, _ := l.FirstIndex()
		last, err := l.LastIndex()
		if err != nil || last < 40 {
			continue
		}
		l.SetFloor(last - 20)
		_ = l.DeleteRange(first, last-21) // the writer finds out whether it failed
	}
}

// Whatever goes on at a slow and sick disk, a reader gets the right entry, none, or an error.
func TestReadsOnASlowDisk(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			m := vfs.NewMem()
			opt := smallOptions()
			opt.Inline, opt.TailCacheBytes = false, 2<<10
			l := mustOpen(t, m, opt)
			d := &slowDisk{rand: rand.New(rand.NewPCG(seed, 1)), deadAt: 1 << 30}
			if seed%2 == 1 {
				d.deadAt = 100 + int(seed)*25
			}
			m.Inject(d.hook)
			var readers sync.WaitGroup
			for i := range uint64(4) {
				readers.Go(func() {
					if err := reader(l, rand.New(rand.NewPCG(seed, i+2))); err != nil {
						t.Errorf("seed %d: %v", seed, err)
					}
				})
			}
			acked, err := live(l, 200)
			if (err != nil) != (seed%2 == 1) || err != nil && !errors.Is(err, ErrPoisoned) {
				t.Errorf("seed %d: the writer ended with %v", seed, err)
			}
			_ = l.Close()
			readers.Wait()
			got, err := reopened(powerCut(m), opt)
			must(t, err)
			if err := endsWith(got, acked); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
		})
	}
}

// endsWith says whether got holds the end of acked, perhaps with a few more behind it.
func endsWith(got, acked []*raft.Log) error {
	if len(got) == 0 || len(acked) == 0 || got[0].Index > acked[len(acked)-1].Index {
		return fmt.Errorf("%d entries left of %d", len(got), len(acked))
	}
	want := acked[got[0].Index-1:]
	if len(got) < len(want) || len(got) > len(want)+10 {
		return fmt.Errorf("%d entries from %d on, %d were acknowledged", len(got), got[0].Index, len(want))
	}
	if d := diff(got[:len(want)], want); d != "" {
		return errors.New(d)
	}
	return nil
}
