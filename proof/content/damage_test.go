package content

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

func fileOf(t *testing.T, rows []stored) []byte {
	t.Helper()
	fs := vfs.NewMem()
	b, err := vfs.ReadFile(fs, flush(t, fs, 1, rows).Info().Name.FileName(), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A changed byte is found, or lies where no content is: there is never another root.
func TestDamageNeverMakesAnotherRoot(t *testing.T) {
	rows := someRows(rand.New(rand.NewPCG(5, 5)), 40)
	rows[3].rec.Seal, rows[50].rec.Seal = 5, 6
	good := fileOf(t, rows)
	want := oracle(rows, 1, math.MaxUint32)
	found := 0
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		r, err := segment.NewReader(bytes.NewReader(bad), int64(len(bad)), segment.ReaderOptions{})
		var got [][]byte
		if err == nil {
			got, err = strips([]*segment.Reader{r}, 1, math.MaxUint32)
		}
		if err == nil && !slices.EqualFunc(got, want, bytes.Equal) {
			t.Fatalf("byte %d of %d changed: other strips and no error", i, len(good))
		}
		if err != nil {
			found++
			if !errors.Is(err, segment.ErrCorrupt) && !errors.Is(err, segment.ErrVersion) {
				t.Fatalf("byte %d changed: %v", i, err)
			}
		}
	}
	if found < len(good)/2 {
		t.Errorf("of %d changed bytes %d were found", len(good), found)
	}
	for _, n := range []int{0, 10, len(good) / 2, len(good) - 1} {
		if r, err := segment.NewReader(bytes.NewReader(good[:n]), int64(n), segment.ReaderOptions{}); err == nil {
			t.Errorf("%d bytes of %d are a segment: %v", n, len(good), r.Info())
		}
	}
}

// The writer takes a class that no frame has; a proof refuses it, for it would have the bytes of another frame.
func TestWhatIsNoFrameHasNoRoot(t *testing.T) {
	row := stored{testKeys[0], 1, drawRecord(rand.New(rand.NewPCG(1, 1)), 0, 1)}
	row.rec.Class = 9
	var file bytes.Buffer
	w := segment.NewWriter(&file, about)
	err := errors.Join(w.Begin(row.key, row.epoch), w.Add(&row.rec))
	if _, finish := w.Finish(); err != nil || finish != nil {
		t.Fatal(err, finish)
	}
	if got, err := strips([]*segment.Reader{openBytes(t, file.Bytes(), segment.ReaderOptions{})}, 1, 9); !errors.Is(err, segment.ErrCorrupt) {
		t.Errorf("a frame of class 9: %x, %v", got, err)
	}
}

func TestSealsOfASegment(t *testing.T) {
	rnd := rand.New(rand.NewPCG(6, 6))
	for _, c := range []struct {
		seals       []uint32
		first, last uint32
	}{
		{[]uint32{0}, 1, 1}, {[]uint32{0, 1}, 1, 1}, {[]uint32{7}, 7, 7}, {[]uint32{7, 9, 3}, 3, 9}, {[]uint32{math.MaxUint32, 0}, 1, math.MaxUint32},
	} {
		var rows []stored
		for i := range 10_000 {
			row := stored{testKeys[0], 1, drawRecord(rnd, 2, uint64(i))}
			row.rec.Seal = c.seals[i*len(c.seals)/10_000]
			rows = append(rows, row)
		}
		b := fileOf(t, rows)
		var m segment.ReaderMetrics
		first, last, err := Seals(openBytes(t, b, segment.ReaderOptions{Metrics: &m}))
		if err != nil || first != c.first || last != c.last {
			t.Errorf("%v: %d to %d, %v", c.seals, first, last, err)
		}
		if read := m.Bytes.Load(); read > uint64(len(b)/2) { // 32 KiB of them are the end of the file
			t.Errorf("%v: read %d bytes of %d", c.seals, read, len(b))
		}
	}
}

// Blocks that have no row of the ordinals are not read but for their front, and what is read is asked for first.
func TestComputeReadsWhatItNeeds(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	var rows []stored
	for i := range 20_480 {
		row := stored{testKeys[0], 1, drawRecord(rnd, 2, uint64(i))}
		row.rec.Seal = uint32(1 + i/4096)
		rows = append(rows, row)
	}
	b := fileOf(t, rows)
	for _, c := range []struct {
		first, last uint32
		share       float64 // of the file, at most
		frames      uint64
	}{{1, 9, 1, 20_480}, {3, 3, 0.4, 4096}, {8, 9, 0.2, 0}} {
		var m segment.ReaderMetrics
		r := openBytes(t, b, segment.ReaderOptions{Metrics: &m})
		opened := m.Bytes.Load()
		asked, frames, calls := 0, uint64(0), 0
		opt := Options{
			Limit:    func(n int) error { asked += n; return nil },
			Progress: func(n uint64) { calls++; frames = max(frames, n) },
		}
		total := uint64(0)
		err := Compute(context.Background(), []*segment.Reader{r}, c.first, c.last, opt, func(s *Strip) error {
			total += s.Frames
			return nil
		})
		pages := m.Bytes.Load() - opened - uint64(asked) // of the index, which nobody is asked about
		if err != nil || total != c.frames || float64(asked) > c.share*float64(len(b)) || pages > 16<<10 || frames > total || calls == 0 {
			t.Errorf("ordinals %d to %d: %d frames, asked for %d bytes of %d and read %d more, told of %d frames: %v", c.first, c.last, total, asked,
				len(b), pages, frames, err)
		}
	}
}

func TestComputeEnds(t *testing.T) {
	in := []*segment.Reader{flush(t, vfs.NewMem(), 1, someRows(rand.New(rand.NewPCG(1, 2)), 70))}
	none := func(*Strip) error { return nil }
	stopped, stop := context.WithCancel(context.Background())
	stop()
	if err := Compute(stopped, in, 1, 9, Options{}, none); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that ended: %v", err)
	}
	full := errors.New("full")
	if err := Compute(context.Background(), in, 1, 9, Options{Limit: func(int) error { return full }}, none); !errors.Is(err, full) {
		t.Errorf("with a limit that refuses: %v", err)
	}
	emitted := 0
	if err := Compute(context.Background(), in, 1, 9, Options{}, func(*Strip) error { emitted++; return full }); !errors.Is(err, full) || emitted != 1 {
		t.Errorf("with a receiver that refuses: %d strips, %v", emitted, err)
	}
	if err := Compute(context.Background(), in, 3, 2, Options{}, none); err == nil {
		t.Error("ordinals from 3 to 2 are some")
	}
	if err := Compute(context.Background(), nil, 1, 9, Options{}, none); err != nil {
		t.Errorf("without segments: %v", err)
	}
}
