package census

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// What the ledger keeps apart because it was asked for at other times is one gap of a leaf; what lies in two epochs never is.
func TestGapsThatAreOne(t *testing.T) {
	l := ledger.New(ledger.Policy{})
	l.Tick(t0, false)
	id, err := l.Intern(keys[0])
	if err != nil {
		t.Fatal(err)
	}
	for i, value := range []string{"a", "b"} {
		first := uint64(i) * 10
		h := ledger.Heartbeat{Subject: ledger.Subject{ID: id, Epoch: value}, HasFirst: true, First: first, Next: first + 10}
		if _, err := l.Heartbeat(t0, &h); err != nil {
			t.Fatal(err)
		}
		l.Request(id, uint32(i+1), first, first+4, t0+1000)
		l.Request(id, uint32(i+1), first, first+9, t0+2000)
	}
	reports, _ := l.Report(id, ledger.ReportOptions{})
	if len(reports[0].Gaps) != 2 {
		t.Fatalf("the ledger has one gap already: %+v", reports[0].Gaps)
	}
	for i, e := range census(t, l)[0].Epochs {
		first := uint64(i) * 10
		if want := []Gap{{First: first, Last: first + 9, State: ledger.StateRequested}}; !slices.Equal(e.Gaps, want) {
			t.Errorf("epoch %d: %+v, want %+v", i+1, e.Gaps, want)
		}
	}
}

// A ledger that contradicts itself has no census: whatever bit of a checkpoint is wrong, with a checksum that fits, each leaf that is made
// balances and can be read, and of a ledger whose counters are not those of its lists none is.
func TestLedgerThatContradictsItself(t *testing.T) {
	l := ledger.New(ledger.Policy{})
	l.Tick(t0, false)
	id, err := l.Intern(keys[0])
	if err != nil {
		t.Fatal(err)
	}
	g := frame.Group{Stream: id, Epoch: "boot-1", HasFirst: true}
	for _, n := range []uint64{0, 1, 2, 5, 6, 9, 30} {
		l.Arrive(&g, t0, t0, &frame.Item{Seq: n, TimeNS: t0 * 1_000_000})
	}
	l.Reject(&g, 7, t0, t0, frame.CauseShedDisk)
	l.Reject(&g, 8, t0, t0, frame.CauseErased)
	l.Tick(t0+60_000, false)
	l.Arrive(&g, t0, t0, &frame.Item{Seq: 33, TimeNS: t0 * 1_000_000})
	var b bytes.Buffer
	if err := l.Checkpoint(&b); err != nil {
		t.Fatal(err)
	}
	census(t, l)
	refused, made := 0, 0
	for i := range b.Len() - 4 {
		for bit := range 8 {
			bent := ledger.New(ledger.Policy{})
			if bent.Restore(bytes.NewReader(bend(b.Bytes(), i, bit))) != nil {
				continue
			}
			check, walk := bent.Check(), Walk(bent, func(l *Leaf) error {
				_, err := Parse(l.Append(nil))
				return err
			})
			switch {
			case walk == nil:
				made++
			case check != nil:
				refused++
			}
			if check != nil && walk == nil {
				t.Fatalf("bit %d of byte %d: %v, and it has a census", bit, i, check)
			}
		}
	}
	if refused < 20 || made < 20 {
		t.Errorf("%d refused, %d made: the checkpoint is not what this test bends", refused, made)
	}
}

// bend is a checkpoint with one bit changed and a checksum that fits.
func bend(b []byte, at, bit int) []byte {
	b = bytes.Clone(b[:len(b)-4])
	b[at] ^= 1 << bit
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}
