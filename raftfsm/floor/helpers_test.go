package floor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/vfs"
)

const testDir = "data/floors"

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func testConfiguration(servers int) raft.Configuration {
	var c raft.Configuration
	for i := range servers {
		id := fmt.Sprintf("node%d.1", i+1)
		c.Servers = append(c.Servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(id + "@127.0.0.1:7000")})
	}
	return c
}

func testHeader(index uint64) Header {
	return Header{
		Cluster: "c1", Partition: 3, History: 2, Index: index, Term: index/100 + 1,
		ConfigurationIndex: 1, Configuration: raft.EncodeConfiguration(testConfiguration(3)),
	}
}

// sample is a part's contents: its bytes depend on seed and size alone.
func sample(seed uint64, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		seed = seed*6364136223846793005 + 1442695040888963407
		b[i] = byte(seed >> 56)
	}
	return b
}

func bytesPart(name string, b []byte) Part {
	return Part{name, func(w io.Writer) error {
		for rest := b; len(rest) > 0; { // in uneven pieces
			n := min(len(rest), 1+len(rest)*2/3)
			if _, err := w.Write(rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		return nil
	}}
}

// state is what the sections of a test hold as of index. Variant 0 is what the log says.
func state(index, variant uint64) []Part {
	return []Part{
		bytesPart("manifest", sample(index+variant*1000003, 700)),
		bytesPart("ledger", sample(index*7, 1500)),
		bytesPart("empty", nil),
	}
}

// encoded is the floor file at index as it should be.
func encoded(t testing.TB, index, variant uint64) []byte {
	t.Helper()
	b, _ := encode(t, testHeader(index), state(index, variant))
	return b
}

func encode(t testing.TB, h Header, parts []Part) ([]byte, contents) {
	t.Helper()
	var b bytes.Buffer
	c, err := write(&b, h, parts)
	must(t, err)
	return b.Bytes(), c
}

func hashOf(index, variant uint64) [32]byte {
	c, err := write(io.Discard, testHeader(index), state(index, variant))
	if err != nil {
		panic(err)
	}
	return c.hash
}

func mustOpen(t testing.TB, fsys vfs.FS, opt Options) *Store {
	t.Helper()
	s, err := Open(fsys, testDir, opt)
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func mustPublish(t testing.TB, s *Store, indexes ...uint64) {
	t.Helper()
	for _, i := range indexes {
		_, _, err := s.Publish(testHeader(i), state(i, 0))
		must(t, err)
	}
}

// install sends a floor file to the store as Raft does.
func install(s *Store, index, variant uint64, file []byte) (id string, err error) {
	h := testHeader(index)
	k, err := s.Create(1, h.Index, h.Term, testConfiguration(3), h.ConfigurationIndex, nil)
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(k, onlyReader{bytes.NewReader(file)}); err != nil {
		return "", errors.Join(err, k.Cancel())
	}
	err = k.Close()
	return k.ID(), err
}

type onlyReader struct{ io.Reader }

// want is a floor as a test expects it.
type want struct {
	index, variant uint64
	installed      bool
}

// holds says how a store differs from floors, newest first; every file is read whole.
func holds(s *Store, floors []want) error {
	got := s.Floors()
	if len(got) != len(floors) {
		return fmt.Errorf("%d floors %v, want %v", len(got), describe(got), floors)
	}
	for i, w := range floors {
		g := got[i]
		if g.Index != w.index || g.Installed != w.installed || g.Hash != hashOf(w.index, w.variant) {
			return fmt.Errorf("floors %v, want %v", describe(got), floors)
		}
		if err := s.Read(g.Index, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

func describe(floors []Published) []string {
	var list []string
	for _, f := range floors {
		list = append(list, fmt.Sprintf("%s %x", fileName(f.Index, f.Installed), f.Hash[:4]))
	}
	return list
}

func wantFloors(t testing.TB, s *Store, floors ...want) {
	t.Helper()
	must(t, holds(s, floors))
}

func listDir(t testing.TB, fsys vfs.FS) []string {
	t.Helper()
	names, err := fsys.List(testDir)
	must(t, err)
	return names
}

func wantDir(t testing.TB, fsys vfs.FS, names ...string) {
	t.Helper()
	slices.Sort(names)
	if got := listDir(t, fsys); !slices.Equal(got, names) {
		t.Errorf("the directory holds %q, want %q", got, names)
	}
}

// putFile writes a file that no store made.
func putFile(t testing.TB, fsys vfs.FS, name string, b []byte) {
	t.Helper()
	must(t, vfs.MakeDir(fsys, testDir))
	must(t, vfs.WriteFile(fsys, path.Join(testDir, name), b))
}

func flip(t testing.TB, m *vfs.Mem, name string, offset int64) {
	t.Helper()
	must(t, m.Flip(path.Join(testDir, name), offset, 3))
}
