package floor

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

func TestPublish(t *testing.T) {
	m := vfs.NewMem()
	s := mustOpen(t, m, Options{})
	if _, ok := s.Oldest(); ok || len(s.Floors()) != 0 {
		t.Error("a new store has a floor")
	}
	p, sizes, err := s.Publish(testHeader(100), state(100, 0))
	must(t, err)
	file := encoded(t, 100, 0)
	if p != (Published{100, 2, hashOf(100, 0), int64(len(file)), false}) || len(sizes) != 3 || sizes[0] != 700 || sizes[1] != 1500 || sizes[2] != 0 {
		t.Errorf("%+v with parts of %v bytes", p, sizes)
	}
	if _, ok := s.Oldest(); ok {
		t.Error("with one floor there is nothing to go back to, the log must stay whole")
	}
	mustPublish(t, s, 200)
	if old, ok := s.Oldest(); !ok || old.Index != 100 {
		t.Errorf("the oldest floor is %d, %v", old.Index, ok)
	}
	mustPublish(t, s, 300)
	if old, ok := s.Oldest(); !ok || old.Index != 200 {
		t.Errorf("the oldest floor is %d, %v", old.Index, ok)
	}
	wantFloors(t, s, want{index: 300}, want{index: 200})
	wantDir(t, m, fileName(300, false), fileName(200, false))
	got, err := vfs.ReadFile(m, testDir+"/"+fileName(300, false), 1<<20)
	must(t, err)
	if !bytes.Equal(got, encoded(t, 300, 0)) {
		t.Error("the file is not what the encoder writes")
	}
	s = mustOpen(t, m, Options{Keep: 3})
	wantFloors(t, s, want{index: 300}, want{index: 200})
	mustPublish(t, s, 400, 500)
	wantFloors(t, s, want{index: 500}, want{index: 400}, want{index: 300})
}

// What a part returns is an error of Publish and leaves nothing, also when it ignores that the disk failed.
func TestPublishFails(t *testing.T) {
	m := vfs.NewMem()
	s := mustOpen(t, m, Options{})
	mustPublish(t, s, 100)
	mine := errors.New("mine")
	half := []Part{bytesPart("a", sample(1, chunkSize*3)), {"b", func(w io.Writer) error { _, _ = w.Write([]byte("x")); return mine }}}
	if _, _, err := s.Publish(testHeader(200), half); !errors.Is(err, mine) || errors.Is(err, ErrSync) {
		t.Errorf("a part's error gives %v", err)
	}
	bad := testHeader(200)
	bad.Configuration = nil
	if _, _, err := s.Publish(bad, nil); err == nil {
		t.Error("a header without configuration is published")
	}
	for _, say := range []error{nil, mine} {
		m.Inject(vfs.FailNth(vfs.OpWrite, 1, vfs.ShortWrite(100, nil)))
		deaf := Part{"deaf", func(w io.Writer) error {
			for range 10 {
				_, _ = w.Write(make([]byte, chunkSize))
			}
			return say
		}}
		after := Part{"after", func(io.Writer) error { t.Error("a part is asked for after the disk has failed"); return nil }}
		if _, _, err := s.Publish(testHeader(200), []Part{deaf, after}); !errors.Is(err, ErrSync) {
			t.Errorf("a part that ignores a failed write and says %v gives %v", say, err)
		}
	}
	wantFloors(t, s, want{index: 100})
	wantDir(t, m, fileName(100, false))
	mustPublish(t, s, 200)
}

// The same floor again is fine, another one of the same index is not, and floors only go forward.
func TestPublishAgain(t *testing.T) {
	m := vfs.NewMem()
	s := mustOpen(t, m, Options{})
	mustPublish(t, s, 100, 200)
	mustPublish(t, s, 200, 100)
	_, _, err := s.Publish(testHeader(200), state(200, 1))
	var diverged *DivergedError
	if !errors.Is(err, ErrDiverged) || !errors.As(err, &diverged) || diverged.Index != 200 || diverged.Have != hashOf(200, 0) || diverged.Made != hashOf(200, 1) {
		t.Errorf("another floor 200: %v", err)
	}
	if _, _, err := s.Publish(testHeader(150), state(150, 0)); !errors.Is(err, ErrOlder) {
		t.Errorf("floor 150 after 200: %v", err)
	}
	if _, err := install(s, 150, 0, encoded(t, 150, 0)); !errors.Is(err, ErrOlder) {
		t.Errorf("install of floor 150 after 200: %v", err)
	}
	wantFloors(t, s, want{index: 200}, want{index: 100})
	wantDir(t, m, fileName(200, false), fileName(100, false))
}

func TestReadRange(t *testing.T) {
	m := vfs.NewMem()
	s := mustOpen(t, m, Options{})
	big := testHeader(300)
	p, _, err := s.Publish(big, []Part{bytesPart("b", sample(1, 5<<20))})
	must(t, err)
	var got []byte
	for {
		b, err := s.ReadRange(p.Hash, int64(len(got)), 5<<20)
		if err == io.EOF {
			break
		}
		must(t, err)
		if len(b) > maxRange {
			t.Fatalf("%d bytes at once", len(b))
		}
		got = append(got, b...)
	}
	file, _ := encode(t, big, []Part{bytesPart("b", sample(1, 5<<20))})
	if !bytes.Equal(got, file) {
		t.Error("the ranges do not make the file")
	}
	if b, err := s.ReadRange(p.Hash, 7, 9); err != nil || !bytes.Equal(b, file[7:16]) {
		t.Errorf("%x, %v", b, err)
	}
	if _, err := s.ReadRange([32]byte{1}, 0, 10); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown hash: %v", err)
	}
	for _, r := range [][2]int64{{-1, 10}, {0, 0}, {0, -1}} {
		if _, err := s.ReadRange(p.Hash, r[0], int(r[1])); err == nil || err == io.EOF {
			t.Errorf("range %v: %v", r, err)
		}
	}
}

// A floor from another node takes the place of this node's own, wherever it stands.
func TestAdopt(t *testing.T) {
	m := vfs.NewMem()
	s := mustOpen(t, m, Options{})
	mustPublish(t, s, 100, 200)
	adopt := func(index, variant uint64) (Published, error) {
		return s.Adopt(onlyReader{bytes.NewReader(encoded(t, index, variant))}, hashOf(index, variant))
	}
	if _, err := s.Adopt(bytes.NewReader(encoded(t, 200, 1)), hashOf(200, 2)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("another hash than wanted: %v", err)
	}
	bad := encoded(t, 200, 1)
	bad[len(bad)/2] ^= 1
	if _, err := s.Adopt(bytes.NewReader(bad), hashOf(200, 1)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a damaged stream: %v", err)
	}
	if _, err := adopt(150, 0); !errors.Is(err, ErrOlder) {
		t.Errorf("an older floor: %v", err)
	}
	wantFloors(t, s, want{index: 200}, want{index: 100})
	wantDir(t, m, fileName(200, false), fileName(100, false))

	p, err := adopt(100, 1)
	must(t, err)
	if !p.Installed || p.Index != 100 || p.Hash != hashOf(100, 1) {
		t.Errorf("%+v", p)
	}
	if p, err := adopt(200, 0); err != nil || p.Installed { // the same bytes: it stays ours
		t.Errorf("%+v, %v", p, err)
	}
	wantFloors(t, s, want{index: 200}, want{100, 1, true})
	wantDir(t, m, fileName(200, false), fileName(100, true))
	for _, v := range []uint64{1, 2} { // the second one replaces the first, under one name
		_, err = adopt(200, v)
		must(t, err)
		wantFloors(t, s, want{200, v, true}, want{100, 1, true})
	}
	_, err = adopt(300, 0)
	must(t, err)
	wantFloors(t, s, want{300, 0, true}, want{200, 2, true})
	wantFloors(t, mustOpen(t, m.CrashClone(vfs.Crash{}), Options{}), want{300, 0, true}, want{200, 2, true})
	mustPublish(t, s, 300) // this node comes to the same
	if _, _, err := s.Publish(testHeader(300), state(300, 1)); !errors.Is(err, ErrDiverged) {
		t.Errorf("another floor than the adopted one: %v", err)
	}
	wantDir(t, m, fileName(300, true), fileName(200, true))
}
