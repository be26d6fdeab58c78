package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// watch freezes a ledger again and again and remembers what was there at once.
type watch struct{ frozen []frozen }

type frozen struct {
	write  func(io.Writer) error
	atOnce []byte
}

// freeze freezes l; the checkpoint by its side is written before anything is frozen.
func (w *watch) freeze(t testing.TB, l *Ledger) {
	t.Helper()
	b := checkpointOf(t, l)
	w.frozen = append(w.frozen, frozen{l.Freeze(), b})
}

// compare says what is wrong with the newest of the frozen checkpoints, written now.
func (w *watch) compare(newest int) error {
	for i := max(0, len(w.frozen)-newest); i < len(w.frozen); i++ {
		if err := w.frozen[i].compare(); err != nil {
			return fmt.Errorf("freeze %d of %d: %w", i+1, len(w.frozen), err)
		}
	}
	return nil
}

func (f *frozen) compare() error {
	var later bytes.Buffer
	if err := f.write(&later); err != nil {
		return err
	}
	if !bytes.Equal(later.Bytes(), f.atOnce) {
		return errors.New("the checkpoint that is written later differs from the one that was written at once")
	}
	return nil
}

// TestFreezeWhileWriting writes checkpoints on other goroutines while the ledger changes. The race detector sees who writes to what is frozen.
func TestFreezeWhileWriting(t *testing.T) {
	next := scripts(7)
	for i := range 60 {
		l := New(policies[i%len(policies)])
		work := make(chan frozen, 16)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				for f := range work {
					if err := f.compare(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		play(l, next(), t0, func() {
			b := checkpointOf(t, l)
			work <- frozen{l.Freeze(), b}
		})
		close(work)
		wg.Wait()
	}
}

// Several writers of one frozen checkpoint do not disturb each other.
func TestFreezeIsWrittenAtOnceByMany(t *testing.T) {
	l := everything(t)
	w := &watch{}
	w.freeze(t, l)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := w.compare(1); err != nil {
				t.Error(err)
			}
		})
	}
	play(l, scripts(1)(), t0, func() {})
	wg.Wait()
}

// A fleet larger than a page of the table: streams change, come and are restored over, and what was frozen stays.
func TestFreezeOfAFleet(t *testing.T) {
	l, ids := manyStreams(t, 3*pageStreams, 64)
	w := &watch{}
	for i, id := range ids[:40] {
		w.freeze(t, l)
		n := uint64(3 + i%2) // some lose a number
		for k := range 3 {
			g := frame.Group{Stream: ids[(i*97+k)%len(ids)], Bits: 64}
			l.Arrive(&g, t0, t0, &frame.Item{Seq: n, TimeNS: t0 * 1_000_000, Fingerprint: uint32(id)})
		}
		if _, err := l.Intern(frame.StreamKey{Tenant: "new", Device: fmt.Sprint(i), Stream: "0"}); err != nil {
			t.Fatal(err)
		}
		l.Tick(t0+int64(i)*1000, false)
		l.SetPolicy(Policy{GraceMS: int64(i + 1)})
		if err := w.compare(3); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Restore(bytes.NewReader(w.frozen[5].atOnce)); err != nil {
		t.Fatal(err)
	}
	w.freeze(t, l)
	l.Arrive(&frame.Group{Stream: ids[0]}, t0, t0, &frame.Item{Seq: 77})
	if err := w.compare(len(w.frozen)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(w.frozen[40].atOnce, w.frozen[5].atOnce) {
		t.Error("the ledger that was restored over another is not what was restored")
	}
}

// countedWriter fails at one of its calls.
type countedWriter struct {
	bytes.Buffer
	calls, failAt int
	err           error
}

func (w *countedWriter) Write(b []byte) (int, error) {
	if w.calls++; w.calls == w.failAt {
		return 0, w.err
	}
	return w.Buffer.Write(b)
}

// A writer that fails at any of its calls gets its error back and no further call, and nothing changes: the next writer gets everything.
func TestFreezeWriterFails(t *testing.T) {
	l, _ := manyStreams(t, 3000, 64)
	w := &watch{}
	w.freeze(t, l)
	full := errors.New("disk full")
	for at := 1; ; at++ {
		out := &countedWriter{failAt: at, err: full}
		err := w.frozen[0].write(out)
		if err == nil {
			if out.calls >= at || at < 6 || !bytes.Equal(out.Bytes(), w.frozen[0].atOnce) {
				t.Errorf("no error after %d calls of %d", out.calls, at)
			}
			break
		}
		if !errors.Is(err, full) || out.calls != at {
			t.Fatalf("call %d fails, %d calls: %v", at, out.calls, err)
		}
	}
	if err := w.compare(1); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(checkpointOf(t, l), w.frozen[0].atOnce) {
		t.Error("the ledger changed")
	}
}
