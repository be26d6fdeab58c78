package segment

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
	"pgregory.net/rapid"
)

// refused merges what must not be merged, and makes sure that nothing is left of it.
func refused(t *testing.T, name string, opt MergeOptions, files ...[]byte) error {
	t.Helper()
	fs := vfs.NewMem()
	outputs, err := Merge(fs, ".", opt, readersOf(t, files))
	if err == nil || outputs != nil {
		t.Errorf("%s: %v, %v", name, outputs, err)
	}
	if names, listErr := fs.List("."); listErr != nil || len(names) > 0 {
		t.Errorf("%s: left behind: %v, %v", name, names, listErr)
	}
	return err
}

func TestMergeRefuses(t *testing.T) {
	a := fileOf(t, mergeInput(0), series([]numbers{{1, 0, 5000, 1}, {2, 0, 10, 1}}, oneField))
	b := fileOf(t, mergeInput(1), series([]numbers{{1, 5000, 5010, 1}, {2, 9, 20, 1}}, oneField))
	if err := refused(t, "nothing", mergeAbout); !errors.Is(err, ErrEmpty) {
		t.Errorf("no inputs: %v", err)
	}
	const place = `seq 9 of epoch 1 of "acme\x00mill-000002`
	if err := refused(t, "a frame in two of them", mergeAbout, a, b); !errors.Is(err, ErrTwice) || !strings.Contains(err.Error(), place) {
		t.Errorf("a frame in two of them: %v", err)
	}
	if err := refused(t, "one twice", mergeAbout, a, a); !errors.Is(err, ErrTwice) {
		t.Errorf("one twice: %v", err)
	}
	c := fileOf(t, mergeInput(2), series([]numbers{{1, 4095, 4100, 1}}, oneField))
	if err := refused(t, "the last frame of a full block again", mergeAbout, a, c); !errors.Is(err, ErrTwice) {
		t.Errorf("the last frame of a full block again: %v", err)
	}
	for name, change := range map[string]func(o *MergeOptions){
		"another cluster":   func(o *MergeOptions) { o.Cluster = "plant-8" },
		"another partition": func(o *MergeOptions) { o.Partition++ },
		"another history":   func(o *MergeOptions) { o.History++ },
		"a window of less":  func(o *MergeOptions) { o.WindowNS = -1 },
	} {
		opt := mergeAbout
		change(&opt)
		refused(t, name, opt, a)
	}
	for name, change := range map[string]func(h *header){
		"a newer minor version": func(h *header) { h.minor++ },
		"a compatible feature":  func(h *header) { h.compatible = 1 },
	} {
		p := partsOf(t, a)
		change(&p.footer.header)
		if err := refused(t, name, mergeAbout, p.file(nil)); !errors.Is(err, ErrVersion) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _, _, mixed := mixedFile(t)
	unknown := refused(t, "a column that nobody knows", mergeAbout, withUnknownColumns(t, mixed))
	if !errors.Is(unknown, ErrVersion) || errors.Is(unknown, ErrCorrupt) {
		t.Errorf("a column that nobody knows: %v", unknown)
	}
}

// The header says which encoders made the blocks: those of others are not copied.
func TestMergeCopiesBlocksOfItsEncodersOnly(t *testing.T) {
	file := fileOf(t, mergeInput(0), series([]numbers{{1, 0, 4096, 1}}, oneField))
	p := partsOf(t, file)
	p.footer.header.encoder = 9
	other := p.file(nil)
	outputs, made := mergeFiles(t, mergeAbout, other)
	if outputs[0].Copied != 0 || outputs[0].Info.Encoder != EncoderFast {
		t.Errorf("%+v", outputs[0])
	}
	if err := Compare(readersOf(t, made), readersOf(t, [][]byte{other}), 0, nil); err != nil {
		t.Error(err)
	}
}

// Whatever byte of an input is damaged, the merge says so and leaves nothing: also in blocks that it copies undecoded.
func TestMergeFindsDamage(t *testing.T) {
	_, _, _, mixed := mixedFile(t)
	whole := fileOf(t, mergeInput(1), series([]numbers{{9, 0, 3500, 1}}, oneField))
	for _, file := range [][]byte{mixed, whole} {
		body := openBytes(t, file, ReaderOptions{}).footer
		for at := body.body.offset; at < body.pages.end(); at += 1 + int64(len(file))/700 {
			b := bytes.Clone(file)
			b[at] ^= 1 << (at % 8)
			fs := vfs.NewMem()
			_, err := Merge(fs, ".", MergeOptions{Options: body.header.options}, []*Reader{openBytes(t, b, ReaderOptions{Path: "x.gseg"})})
			if names, _ := fs.List("."); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "x.gseg") || len(names) > 0 {
				t.Fatalf("byte %d: %v; left behind: %v", at, err, names)
			}
		}
	}
}

// Damage of any page of an input's index is damage, for a merge as for a comparison: no epoch behind it is taken for one that is not there.
func TestMergeFindsDamagedPages(t *testing.T) {
	var list []numbers
	for i := range 3000 {
		list = append(list, numbers{i, 0, 1, 1})
	}
	file := fileOf(t, mergeInput(0), series(list, oneField))
	pages := layoutOf(t, file).pages
	if len(pages) < 3 {
		t.Fatalf("%d pages", len(pages))
	}
	for i, p := range pages {
		b := bytes.Clone(file)
		b[p.from+9] ^= 1
		if err := refused(t, "a damaged page", mergeAbout, b); !errors.Is(err, ErrCorrupt) {
			t.Errorf("page %d: %v", i, err)
		}
		whole, damaged := readersOf(t, [][]byte{file}), readersOf(t, [][]byte{b})
		if err := Compare(whole, damaged, 0, nil); !errors.Is(err, ErrCorrupt) {
			t.Errorf("page %d of an input: %v", i, err)
		}
		if err := Compare(damaged, whole, 0, nil); !errors.Is(err, ErrCorrupt) {
			t.Errorf("page %d of an output: %v", i, err)
		}
	}
}

// A disk that fails under an input ends the merge with its error.
func TestMergeOfASickDisk(t *testing.T) {
	file := fileOf(t, mergeInput(0), series([]numbers{{1, 0, 20_000, 1}}, oneField))
	disk := &sick{bytes.NewReader(file), -1}
	r, err := NewReader(disk, int64(len(file)), ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	disk.from = int64(len(file)) / 2
	if _, err := Merge(vfs.NewMem(), ".", mergeAbout, []*Reader{r}); !errors.Is(err, errSick) {
		t.Error(err)
	}
	if err := Compare([]*Reader{openBytes(t, file, ReaderOptions{})}, []*Reader{r}, 0, nil); !errors.Is(err, errSick) {
		t.Error(err)
	}
}

// Every call of Limit can end the merge, which then leaves nothing; and Progress says how far it is.
func TestMergeIsStopped(t *testing.T) {
	a := fileOf(t, mergeInput(0), series([]numbers{{1, 0, 6000, 1}, {2, 0, 10, 1}}, oneField))
	b := fileOf(t, mergeInput(1), series([]numbers{{1, 6000, 6010, 1}, {2, 10, 20, 1}}, oneField))
	stop := errors.New("enough")
	written, calls, done := 0, 0, int64(0)
	opt := mergeAbout
	opt.WindowNS = 5000e9
	opt.Limit = func(n int) error { calls++; written += n; return nil }
	opt.Progress = func(now, total int64) {
		if now <= done || now > total {
			t.Errorf("%d of %d bytes after %d", now, total, done)
		}
		done = now
	}
	outputs, made := mergeFiles(t, opt, a, b)
	blocks := openBytes(t, a, ReaderOptions{}).footer.body.length + openBytes(t, b, ReaderOptions{}).footer.body.length
	if size := len(made[0]) + len(made[1]); len(outputs) != 2 || written != size || done != blocks {
		t.Errorf("%d outputs; Limit heard of %d bytes of %d, Progress of %d of %d", len(outputs), written, size, done, blocks)
	}
	if pieces := 2 * len(outputs); calls <= pieces { // it is asked before each block, too
		t.Errorf("Limit was asked %d times", calls)
	}
	opt.Progress = nil
	for n := range calls {
		left := n
		opt.Limit = func(int) error {
			if left--; left < 0 {
				return stop
			}
			return nil
		}
		if err := refused(t, "stopped", opt, a, b); !errors.Is(err, stop) {
			t.Fatalf("stopped at call %d of %d: %v", n, calls, err)
		}
	}
	read := 0
	count := func(n int) error { read += n; return nil }
	if err := Compare(readersOf(t, made), readersOf(t, [][]byte{a, b}), opt.WindowNS, count); err != nil || read < int(blocks) {
		t.Errorf("%v after %d bytes", err, read)
	}
	if err := Compare(readersOf(t, made), readersOf(t, [][]byte{a, b}), opt.WindowNS, func(int) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

// A merge reads each block of its inputs once, and keeps nothing of them in the cache but pages of the index.
func TestMergeReadsOnce(t *testing.T) {
	var metrics ReaderMetrics
	cache := NewCache(1 << 30)
	var inputs []*Reader
	size := 0
	for i := range 3 {
		n := uint64(i)
		file := fileOf(t, mergeInput(i), series([]numbers{{1, n * 5000, (n + 1) * 5000, 1}, {2, n, 12_000, 3}, {3, n * 7, n*7 + 7, 1}}, oneField))
		inputs = append(inputs, openBytes(t, file, ReaderOptions{Name: nameOf(file), Cache: cache, Metrics: &metrics}))
		size += len(file)
	}
	blocks := uint32(0)
	for _, r := range inputs {
		blocks += r.Info().Blocks
	}
	metrics.Bytes.Store(0)
	if _, err := Merge(vfs.NewMem(), ".", mergeAbout, inputs); err != nil {
		t.Fatal(err)
	}
	if got := metrics.Blocks.Load(); got != uint64(blocks) || metrics.Bytes.Load() > uint64(size) {
		t.Errorf("%d blocks of %d, %d bytes of %d", got, blocks, metrics.Bytes.Load(), size)
	}
	if st := cache.Stats(); st.Entries != int64(len(inputs)) {
		t.Errorf("%d entries in the cache, want a page of each input", st.Entries)
	}
}

// What a merge made is a segment like any other: whatever is asked, it answers as the head whose frames it has.
func TestMergedSegmentAgreesWithSortedSamples(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f, m := testFleet(rt, t)
		_, whole := f.write()
		n := rapid.IntRange(1, 4).Draw(rt, "inputs")
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "deal"), 2))
		hands := make([][]stored, n)
		for i, s := range storedIn(t, whole) {
			if rnd.IntN(10) == 0 || i == 0 {
				n = rnd.IntN(len(hands))
			}
			hands[n] = append(hands[n], s)
		}
		var files [][]byte
		for _, rows := range hands {
			if len(rows) > 0 {
				files = append(files, fileOf(t, testOptions, rows))
			}
		}
		outputs, made := mergeFiles(t, mergeAbout, files...)
		info, file := outputs[0].Info, made[0]
		r := openBytes(t, file, ReaderOptions{Name: info.Name, OnDamage: func(err error) { rt.Fatal(err) }})
		checkInfo(rt, r, f.head, m, info)
		for _, key := range testKeys {
			checkKey(rt, r, m, key)
			for _, o := range m.ordinals(key) {
				e, ok, err := r.Epoch(key, o)
				if err != nil || !ok {
					rt.Fatalf("Epoch(%v, %d): %v, %v", key, o, ok, err)
				}
				list := m[key][o]
				checkEpoch(rt, r, &e, list)
				checkPositions(rt, r, &e, f.head, f.ids[key], o)
				checkStatistics(rt, r, &e, list)
				checkSpan(rt, r, &e, list)
				checkNeighbours(rt, r, &e, list)
				checkTimes(rt, r, &e, f.head, f.ids[key], o, list)
			}
		}
	})
}
