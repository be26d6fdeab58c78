package proof

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/segment"
)

// TestLogIndex: ordinals without a gap; what is no record stops the reading.
func TestLogIndex(t *testing.T) {
	encoded := func(r record.Record) []byte {
		b, err := record.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	seal := func(ordinal uint32) []byte {
		return encoded(&record.Seal{Head: record.NewHead(record.TypeSeal, 0), Ordinal: ordinal, At: record.Time(0)})
	}
	var x logIndex
	for n, data := range [][]byte{seal(1), encoded(&record.Audit{Head: record.NewHead(record.TypeAudit, 0)}), seal(2)} {
		if err := x.add(int64(n), data); err != nil {
			t.Fatal(err)
		}
	}
	for _, data := range [][]byte{seal(2), seal(4), []byte("{}")} {
		if err := x.add(3, data); err == nil || x.size != 3 || len(x.seals) != 2 {
			t.Errorf("%s was taken: %v", data, err)
		}
	}
}

// TestRecordAt: what a node gives of SEALs, CENSUSes and KEYs are the bytes that are in the log.
func TestRecordAt(t *testing.T) {
	l := tellStory(t).log
	l.s.Merged(10, l.ms, segment.Edit{})
	l.take()
	s := &Sealer{}
	if _, ok := s.RecordAt(0); ok {
		t.Error("a record of an empty log")
	}
	for n, b := range l.records {
		if err := s.index.add(int64(n), b); err != nil {
			t.Fatal(err)
		}
		got, ok := s.RecordAt(int64(n))
		r, err := record.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, merge := r.(*record.Merge); ok == merge || ok && !bytes.Equal(got, b) {
			t.Errorf("record %d is %s, %t, want %s", n, got, ok, b)
		}
	}
	for _, n := range []int64{-1, int64(len(l.records))} {
		if _, ok := s.RecordAt(n); ok {
			t.Errorf("there is a record %d", n)
		}
	}
}

// TestPolicyAt: the newest policy that was set at an index or before.
func TestPolicyAt(t *testing.T) {
	l := newLog(t, three...)
	for i, index := range []uint64{5, 9} {
		l.s.Audited(index, l.ms, "", PolicyAction, "", "", fmt.Appendf(nil, `{"revision":%d,"policy":{"n":%d}}`, i, i))
	}
	l.take()
	var x logIndex
	for n, b := range l.records {
		if err := x.add(int64(n), b); err != nil {
			t.Fatal(err)
		}
	}
	first, second := PolicyHash([]byte(`{"n":0}`)), PolicyHash([]byte(`{"n":1}`))
	for index, want := range map[uint64]string{0: "", 4: "", 5: first, 8: first, 9: second, 100: second} {
		if got := x.policyAt(index); got != want {
			t.Errorf("at %d: %s, want %s", index, got, want)
		}
	}
}
