package tiles

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/vfs"
)

func TestStoreSurvivesCrashes(t *testing.T) { vfs.EachCrash(t, storeTrial(t, whole)) }

// A sync that failed and dropped the data lets the next process read what the next power loss takes: what is left then need not be all.
func TestStoreSurvivesFaults(t *testing.T) { vfs.EachFault(t, storeTrial(t, 0)) }

const first, cut, whole = 13, 6, 21 // leaves at first, what they are cut to, and at last

// storeTrial appends, cuts and appends others; a sync stands for the system's own. After any interruption Open gives a prefix of what the log was or
// became, with every hash right, not shorter than what was synced and not cut since; and appending the rest leads to the whole log, of which least leaves
// survive the next power loss.
func storeTrial(t *testing.T, least int64) vfs.Trial {
	before, after := modelOf(t, "a", first), modelOf(t, "a", cut)
	for i := int64(cut); i < whole; i++ {
		hs, err := tlog.StoredHashesForRecordHash(i, leaf("b", i), after)
		if err != nil {
			t.Fatal(err)
		}
		after = append(after, hs...)
	}
	var synced int64
	var cutting, isCut bool // may have been cut, was
	return vfs.Trial{
		Workload: func(fsys vfs.FS) error {
			synced, cutting, isCut = 0, false, false
			if err := vfs.MakeDir(fsys, "tlog"); err != nil {
				return err
			}
			s, err := Open(fsys, storeFile)
			if err != nil {
				return err
			}
			defer s.Close()
			for n := int64(0); n < first; n += 3 {
				if err := s.Append(leaves("a", n, min(3, first-n))...); err != nil {
					return err
				}
			}
			if err := s.file.Sync(); err != nil {
				return err
			}
			synced, cutting = cut, true
			if err := s.Truncate(cut); err != nil {
				return err
			}
			isCut = true
			if err := errors.Join(s.Append(leaves("b", cut, 4)...), s.Append(leaves("b", cut+4, whole-cut-4)...), s.file.Sync()); err != nil {
				return err
			}
			synced = whole
			return nil
		},
		Check: func(fsys vfs.FS) error {
			if err := vfs.MakeDir(fsys, "tlog"); err != nil {
				return err
			}
			s, err := Open(fsys, storeFile)
			if err != nil {
				return err
			}
			defer s.Close()
			n := s.Size()
			if n < synced {
				return fmt.Errorf("%d leaves, %d were synced", n, synced)
			}
			now := sameAs(s, "", n, after)
			if was := n <= first && sameAs(s, "", n, before) == nil; now != nil && (isCut || !was) {
				return fmt.Errorf("cut %v: %w", isCut, now)
			}
			if now != nil || !cutting { // still the log of before: the owner cuts it again
				if err := s.Truncate(min(n, cut)); err != nil {
					return err
				}
			}
			for i := s.Size(); i < whole; i++ {
				salt := "a"
				if i >= cut {
					salt = "b"
				}
				if err := s.Append(leaf(salt, i)); err != nil {
					return err
				}
			}
			if err := errors.Join(s.file.Sync(), sameAs(s, "", whole, after)); err != nil {
				return err
			}
			again, err := Open(fsys.(*vfs.Mem).CrashClone(vfs.Crash{}), storeFile)
			if err != nil {
				return fmt.Errorf("after the repair was synced: %w", err)
			}
			defer again.Close()
			if again.Size() < least {
				return fmt.Errorf("%d leaves survive, want %d", again.Size(), least)
			}
			return sameAs(again, "", again.Size(), after)
		},
		Recovery: 12,
	}
}
