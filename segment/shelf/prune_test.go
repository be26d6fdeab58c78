package shelf

import (
	"syscall"
	"testing"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

func none(segment.Name) bool { return false }

func TestPrune(t *testing.T) {
	m := vfs.NewMem()
	put(t, m, segs(4)...)
	must(t, vfs.WriteFile(m, seg(5).part(), seg(5).data[:100]))
	must(t, vfs.MakeDir(m, testDir+"/"+quarantineName))
	for _, n := range []int{0, 2} {
		must(t, vfs.WriteFile(m, seg(n).copy(7), []byte("damaged")))
	}
	s := mustOpen(t, m, small())
	must(t, s.Want(manifest(seg(0), seg(1), seg(6))))
	_, release, err := s.Open(seg(3).info.Name)
	must(t, err)

	must(t, s.Prune(func(name segment.Name) bool { return name == seg(2).info.Name }))
	for name, want := range map[string]bool{
		seg(0).place(): true, seg(1).place(): true, seg(0).copy(7): true, // wanted
		seg(2).place(): true, seg(2).copy(7): true, // kept
		seg(3).place(): true,  // read
		seg(5).part():  false, // refused
	} {
		if exists(m, name) != want {
			t.Errorf("%s is there: %v, want %v", name, !want, want)
		}
	}
	release()
	must(t, s.Prune(none))
	for name, want := range map[string]bool{
		seg(0).place(): true, seg(1).place(): true, seg(2).place(): false, seg(2).copy(7): false, seg(3).place(): false,
	} {
		if exists(m, name) != want {
			t.Errorf("%s is there: %v, want %v", name, !want, want)
		}
	}
	wantMissing(t, s, seg(3), WhyDropped)
	wantReadable(t, s, seg(1))
	wantNames(t, s, seg(6))
	if list := s.Status(); len(list) != 3 {
		t.Errorf("%d segments are known, want the 3 wanted ones", len(list))
	}
	must(t, flushed(m, s, seg(3)))
	wantReadable(t, s, seg(3))
}

// What a failed Prune leaves is tried again, and can be used until then.
func TestPruneThatFails(t *testing.T) {
	m := vfs.NewMem()
	s := shelfOf(t, m, small(), seg(0))
	must(t, s.Want(nil))
	m.Inject(vfs.FailKind(vfs.OpRemove, syscall.EROFS))
	if err := s.Prune(none); err == nil {
		t.Error("no error")
	}
	wantReadable(t, s, seg(0))
	m.Inject(nil)
	must(t, s.Prune(none))
	if exists(m, seg(0).place()) {
		t.Error("still there")
	}
}
