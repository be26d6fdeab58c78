package wal

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/hashicorp/raft"
)

func TestRoundTrip(t *testing.T) {
	far := time.Date(2262, 12, 31, 23, 59, 59, 999999999, time.FixedZone("far", 3600))
	want := []*raft.Log{
		{Index: 7, Term: 1, Type: raft.LogNoop},
		{Index: 8, Term: math.MaxUint64, Type: raft.LogConfiguration, Data: []byte{0}, AppendedAt: far},
		{Index: 9, Term: 3, Type: raft.LogBarrier, Extensions: []byte("only extensions"), AppendedAt: time.Unix(-1, 1)},
		{Index: 10, Term: 0, Type: 255, Data: make([]byte, 100_000), Extensions: make([]byte, 70_000), AppendedAt: time.Unix(0, 0)},
		{Index: 11, Term: 3, Type: raft.LogCommand, Data: []byte(strings.Repeat("x", 4096))},
	}
	for i := range want[3].Data {
		want[3].Data[i] = byte(i * i)
	}
	m := vfs.NewMem()
	l := mustOpen(t, m, smallOptions())
	mustStore(t, l, want[0])
	mustStore(t, l, want[1:]...)
	wantContents(t, l, want)
	var noop raft.Log
	must(t, l.GetLog(7, &noop))
	if noop.AppendedAt != (time.Time{}) || noop.Data != nil || noop.Extensions != nil {
		t.Errorf("the zero entry came back as %#v", noop)
	}
	for name, fsys := range map[string]*vfs.Mem{"process killed": kill(m), "power cut": powerCut(m)} {
		got, err := reopened(fsys, smallOptions())
		must(t, err)
		if d := diff(got, want); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	must(t, l.Close())
	wantContents(t, mustOpen(t, m, smallOptions()), want)
}

// An entry without data, as a new leader writes one, is an entry like any other: at the end of the log, too.
func TestEntriesWithoutData(t *testing.T) {
	m := vfs.NewMem()
	l := mustOpen(t, m, smallOptions())
	var want []*raft.Log
	for i := uint64(1); i <= 3; i++ {
		e := &raft.Log{Index: i, Term: i, Type: raft.LogNoop}
		mustStore(t, l, e)
		want = append(want, e)
		got, err := reopened(powerCut(m), smallOptions())
		must(t, err)
		if d := diff(got, want); d != "" {
			t.Errorf("after a power cut: %s", d)
		}
	}
}

// Every StoreLogs is one write and one sync, also where a file is full.
func TestOneWriteOneSync(t *testing.T) {
	m := vfs.NewMem()
	opt := smallOptions()
	opt.Inline = false
	l := mustOpen(t, m, opt)
	counts := map[vfs.Kind]int{}
	m.Inject(func(op vfs.Op) error { // called by the writer and the housekeeper, but log files only by the writer
		if strings.HasSuffix(op.Name, fileSuffix) && (op.Kind == vfs.OpWrite || op.Kind == vfs.OpSync) {
			counts[op.Kind]++
		}
		return nil
	})
	n := 0
	for i := uint64(1); i < 200; i += 5 {
		mustStore(t, l, makeEntries(i, i+4, 1, 300)...)
		n++
	}
	must(t, l.Close())
	if counts[vfs.OpWrite] != n || counts[vfs.OpSync] != n {
		t.Errorf("%d calls made %v", n, counts)
	}
	if files := len(metaOf(t, m).files); files < 10 {
		t.Errorf("%d files: the test is to fill some", files)
	}
}

func TestRefused(t *testing.T) {
	m := vfs.NewMem()
	opt := smallOptions()
	opt.MaxRecordBytes = 1000
	var stored []uint64
	opt.OnStored = func(last uint64) { stored = append(stored, last) }
	l := mustOpen(t, m, opt)
	must(t, l.StoreLogs(nil))
	if err := l.StoreLog(&raft.Log{Index: 0}); err == nil {
		t.Error("index 0 was stored")
	}
	want := makeEntries(10, 12, 1, 50)
	mustStore(t, l, want...)
	tests := map[string][]*raft.Log{
		"gap":             makeEntries(14, 14, 1, 10),
		"overlap":         makeEntries(12, 13, 1, 10),
		"gap inside":      {makeEntry(13, 1, 10), makeEntry(15, 1, 10)},
		"too large":       {{Index: 13, Data: make([]byte, 1001)}},
		"large, together": {{Index: 13, Data: make([]byte, 600), Extensions: make([]byte, 401)}},
		"second of two":   {makeEntry(13, 1, 10), {Index: 14, Data: make([]byte, 1001)}},
	}
	for name, es := range tests {
		ops := m.Ops()
		if err := l.StoreLogs(es); err == nil || errors.Is(err, ErrPoisoned) {
			t.Errorf("%s: %v", name, err)
		}
		if m.Ops() != ops {
			t.Errorf("%s: the disk was touched", name)
		}
	}
	mustStore(t, l, &raft.Log{Index: 13, Data: make([]byte, 600), Extensions: make([]byte, 400)})
	wantContents(t, l, append(want, &raft.Log{Index: 13, Data: make([]byte, 600), Extensions: make([]byte, 400)}))
	if len(stored) != 2 || stored[0] != 12 || stored[1] != 13 {
		t.Errorf("OnStored heard %v", stored)
	}
}

// A write that is larger than a file makes the file longer, and nothing else.
func TestLargeWrite(t *testing.T) {
	m := vfs.NewMem()
	l := mustOpen(t, m, smallOptions())
	var want []*raft.Log
	for _, n := range []int{10, 9000, 10, 4096 - 3*52 - 64, 5000, 5000} {
		e := &raft.Log{Index: uint64(len(want) + 1), Term: 1, Data: make([]byte, n)}
		want = append(want, e)
		mustStore(t, l, e)
	}
	got, err := reopened(kill(m), smallOptions())
	must(t, err)
	if d := diff(got, want); d != "" {
		t.Error(d)
	}
	wantContents(t, l, want)
}

func TestClosed(t *testing.T) {
	m := vfs.NewMem()
	l := mustOpen(t, m, smallOptions())
	if _, err := Open(m, testDir, smallOptions()); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("second Open: %v", err)
	}
	mustStore(t, l, makeEntry(1, 1, 1))
	must(t, l.Close())
	for name, err := range everyCall(l) {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
}

// everyCall calls everything that can fail.
func everyCall(l *Log) map[string]error {
	_, first := l.FirstIndex()
	_, last := l.LastIndex()
	return map[string]error{
		"FirstIndex":         first,
		"LastIndex":          last,
		"GetLog":             l.GetLog(1, new(raft.Log)),
		"GetLog of none":     l.GetLog(1000, new(raft.Log)),
		"StoreLog":           l.StoreLog(makeEntry(2, 1, 1)),
		"StoreLogs of none":  l.StoreLogs(nil),
		"DeleteRange prefix": l.DeleteRange(1, 1),
		"DeleteRange suffix": l.DeleteRange(1, 1000),
		"Close":              l.Close(),
	}
}
