package drive

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	boltdb "github.com/hashicorp/raft-boltdb/v2"

	"github.com/gaplessdb/gapless/vfs"
)

// TestVoteBytes turns over every bit that a flip of the votes may meet: each lets a real vote store forget its term, which its node must notice.
func TestVoteBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), VoteFile)
	must(t, withVotes(path, func(s *boltdb.BoltStore) error {
		return errors.Join(s.SetUint64([]byte("CurrentTerm"), 7), s.SetUint64([]byte("LastVoteTerm"), 7),
			s.Set([]byte("LastVoteCand"), []byte("n1.abc")))
	}))
	whole, err := os.ReadFile(path)
	must(t, err)
	mem := vfs.NewMem()
	must(t, vfs.WriteFile(mem, VoteFile, whole))
	bits := 0
	for _, s := range voteBytes(mem) {
		for at := s.from; at < s.from+s.size; at++ {
			for bit := range 8 {
				bits++
				damaged := append([]byte(nil), whole...)
				damaged[at] ^= 1 << bit
				must(t, os.WriteFile(path, damaged, 0o600))
				must(t, withVotes(path, func(s *boltdb.BoltStore) error {
					if term, err := s.GetUint64([]byte("CurrentTerm")); !errors.Is(err, boltdb.ErrKeyNotFound) {
						t.Errorf("bit %d of byte %d: term %d, %v", bit, at, term, err)
					}
					return nil
				}))
			}
		}
	}
	if want := 8 * len("conf"+"CurrentTerm"); bits != want {
		t.Errorf("%d bits, want %d", bits, want)
	}
}

func withVotes(path string, do func(*boltdb.BoltStore) error) error {
	s, err := boltdb.New(boltdb.Options{Path: path})
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.Close())
}

// TestDamagedLog takes the file out of what a node says of its log.
func TestDamagedLog(t *testing.T) {
	const fatal = "gapless: wal: corrupt: wal/00000007.wal at 4096: want CRC 1, got CRC 2"
	if got := damagedLog(fatal); got != "wal/00000007.wal" {
		t.Errorf("%q of %q", got, fatal)
	}
	if got := damagedLog("wal: poisoned by an earlier failure"); got != "" {
		t.Errorf("%q of a log that is whole", got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
