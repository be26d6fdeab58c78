package floor

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/vfs"
)

func TestInstall(t *testing.T) {
	m := vfs.NewMem()
	s := mustOpen(t, m, Options{})
	mustPublish(t, s, 100)
	id, err := install(s, 200, 0, encoded(t, 200, 0))
	must(t, err)
	if id != installed200 {
		t.Errorf("its id is %q", id)
	}
	wantFloors(t, s, want{200, 0, true}, want{index: 100})
	list, err := s.List()
	must(t, err)
	if len(list) != 1 || list[0].Index != 200 { // the library would take an older one where the newest cannot be read once
		t.Fatalf("List: %v", list)
	}
	meta, r, err := s.Open(id)
	must(t, err)
	b, err := io.ReadAll(r)
	must(t, errors.Join(err, r.Close()))
	h := testHeader(200)
	if !bytes.Equal(b, encoded(t, 200, 0)) || meta.Size != int64(len(b)) || meta.Version != 1 || meta.ID != id || meta.Index != 200 ||
		meta.Term != h.Term || meta.ConfigurationIndex != 1 || !bytes.Equal(raft.EncodeConfiguration(meta.Configuration), h.Configuration) {
		t.Errorf("%+v with %d bytes", meta, len(b))
	}
	wantFloors(t, mustOpen(t, m.CrashClone(vfs.Crash{}), Options{}), want{200, 0, true}, want{index: 100})
	if _, _, err := s.Open("nothing"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown id: %v", err)
	}
}

// Of one index there is one floor: the same bytes again change nothing, others from the leader replace what is here.
func TestInstallAgain(t *testing.T) {
	m := vfs.NewMem()
	s := mustOpen(t, m, Options{})
	mustPublish(t, s, 100, 200)
	id, err := install(s, 200, 0, encoded(t, 200, 0))
	must(t, err)
	if _, r, err := s.Open(id); err != nil || id != local200 {
		t.Errorf("%q: %v", id, err)
	} else {
		must(t, r.Close())
	}
	wantFloors(t, s, want{index: 200}, want{index: 100})
	for _, v := range []uint64{1, 2, 2} {
		id, err = install(s, 200, v, encoded(t, 200, v))
		must(t, err)
		if id != installed200 {
			t.Errorf("its id is %q", id)
		}
		wantFloors(t, s, want{200, v, true}, want{index: 100})
		wantDir(t, m, installed200, local100)
	}
}

// What is not whole, or not what was announced, leaves nothing.
func TestInstallRefuses(t *testing.T) {
	whole := encoded(t, 200, 0)
	damaged := bytes.Clone(whole)
	damaged[len(damaged)/2] ^= 4
	for name, tt := range map[string]struct {
		index, term, confIndex uint64
		servers                int
		file                   []byte
		err                    error
	}{
		"nothing":                     {200, 3, 1, 3, nil, ErrCorrupt},
		"short":                       {200, 3, 1, 3, whole[:len(whole)-1], ErrCorrupt},
		"long":                        {200, 3, 1, 3, append(bytes.Clone(whole), 1), ErrCorrupt},
		"damaged":                     {200, 3, 1, 3, damaged, ErrCorrupt},
		"another index":               {201, 3, 1, 3, whole, nil},
		"another term":                {200, 4, 1, 3, whole, nil},
		"another configuration":       {200, 3, 1, 2, whole, nil},
		"another configuration index": {200, 3, 2, 3, whole, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := vfs.NewMem()
			s := mustOpen(t, m, Options{})
			mustPublish(t, s, 100)
			k, err := s.Create(1, tt.index, tt.term, testConfiguration(tt.servers), tt.confIndex, nil)
			must(t, err)
			_, err = io.Copy(k, bytes.NewReader(tt.file))
			must(t, err)
			err = k.Close()
			if err == nil || tt.err != nil && !errors.Is(err, tt.err) {
				t.Errorf("Close: %v", err)
			}
			if again := k.Close(); again != err {
				t.Errorf("the second Close: %v", again)
			}
			must(t, k.Cancel())
			wantFloors(t, s, want{index: 100})
			wantDir(t, m, local100)
		})
	}
	if _, err := mustOpen(t, vfs.NewMem(), Options{}).Create(0, 1, 1, testConfiguration(1), 1, nil); err == nil {
		t.Error("a snapshot without configuration is taken")
	}
}

func TestCancel(t *testing.T) {
	m := vfs.NewMem()
	s := mustOpen(t, m, Options{})
	create := func() raft.SnapshotSink {
		k, err := s.Create(1, 200, 3, testConfiguration(3), 1, nil)
		must(t, err)
		return k
	}
	k := create() // without a byte
	must(t, k.Cancel())
	must(t, k.Cancel())
	must(t, k.Close())
	k = create()
	_, err := k.Write(encoded(t, 200, 0))
	must(t, err)
	must(t, k.Cancel())
	must(t, k.Close())
	if _, err := k.Write([]byte("x")); !errors.Is(err, ErrClosed) {
		t.Errorf("Write after Cancel: %v", err)
	}
	if len(s.Floors()) != 0 {
		t.Error("a cancelled floor is listed")
	}
	wantDir(t, m)
	k = create()
	_, err = k.Write(encoded(t, 200, 0))
	must(t, err)
	must(t, k.Close())
	must(t, k.Cancel())
	must(t, k.Close())
	if _, err := k.Write([]byte("x")); !errors.Is(err, ErrClosed) {
		t.Errorf("Write after Close: %v", err)
	}
	wantFloors(t, s, want{200, 0, true})
}

// A snapshot that Raft takes itself is the floor that is there, whatever index the library has in mind.
func TestExisting(t *testing.T) {
	m := vfs.NewMem()
	s := mustOpen(t, m, Options{})
	mustPublish(t, s, 100)
	k, err := s.Create(1, 177, 3, testConfiguration(3), 1, nil)
	must(t, err)
	if err := k.(*Sink).Existing(99); !errors.Is(err, ErrNotFound) {
		t.Errorf("a floor that is not there: %v", err)
	}
	must(t, k.(*Sink).Existing(100))
	if _, err := k.Write([]byte("x")); err == nil {
		t.Error("it can be written to")
	}
	must(t, k.Close())
	must(t, k.Cancel())
	meta, r, err := s.Open(k.ID())
	must(t, err)
	must(t, r.Close())
	if meta.Index != 100 {
		t.Errorf("%+v", meta)
	}
	wantDir(t, m, local100)
	k, err = s.Create(1, 177, 3, testConfiguration(3), 1, nil)
	must(t, err)
	_, err = k.Write([]byte("x"))
	must(t, err)
	if k.(*Sink).Existing(100) == nil {
		t.Error("a sink that was written to stands for a floor")
	}
	must(t, k.Cancel())
	if k.(*Sink).Existing(100) == nil {
		t.Error("a sink that was cancelled stands for a floor")
	}
}
