package frame

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func smallBatch(t testing.TB) []byte {
	s := goldenScript()
	s.calls = s.calls[:6]
	return s.build(t, new(Builder), nil, nil)
}

// reseal makes a batch of body that passes for whole, so that tests reach what lies behind the checksum.
func reseal(body []byte, replicated bool) []byte {
	b := append(appendPreamble(nil, replicated), body...)
	binary.LittleEndian.PutUint32(b[8:], uint32(len(body)))
	binary.LittleEndian.PutUint32(b[12:], checksum(b))
	return b
}

// walk uses everything a Reader has after Reset.
func walk(r *Reader) {
	var g Group
	var it Item
	var f Frame
	for range r.Defs() {
	}
	for range r.Rejects() {
	}
	for r.NextGroup(&g) {
		for r.Next(&it) {
			it.Decode(&f)
		}
	}
	_ = r.VerifyFingerprints()
	_, _ = r.Rebase(nil, func(d Def) (StreamID, bool) { return d.ID + 1<<30, true })
	_, _ = r.Stamp(nil, Header{}, "acme")
}

func TestEveryTruncationIsAnError(t *testing.T) {
	batch := smallBatch(t)
	var r Reader
	for n := range batch {
		if err := r.Reset(batch[:n:n]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("first %d of %d bytes: %v", n, len(batch), err)
		}
	}
	if err := r.Reset(append(slices.Clone(batch), 0)); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("one byte more: %v", err)
	}
}

func TestEveryFlippedBitIsAnError(t *testing.T) {
	batch := smallBatch(t)
	var r Reader
	for i := range len(batch) * 8 {
		batch[i/8] ^= 1 << (i % 8)
		if err := r.Reset(batch); err == nil {
			t.Fatalf("bit %d of byte %d", i%8, i/8)
		}
		if r.Frames() != 0 || r.NextGroup(new(Group)) {
			t.Fatal("a refused batch left frames in the reader")
		}
		batch[i/8] ^= 1 << (i % 8)
	}
}

// The checksum must not be what keeps a decoder from running wild: a hostile client can compute it.
func TestDamageBehindAGoodChecksum(t *testing.T) {
	body := smallBatch(t)[preambleBytes:]
	var r Reader
	refused := 0
	for i := range body {
		for v := range 256 {
			old := body[i]
			body[i] = byte(v)
			for _, replicated := range []bool{false, true} {
				if err := r.Reset(reseal(body, replicated)); err == nil {
					walk(&r)
				} else if refused++; !errors.Is(err, ErrCorrupt) {
					t.Fatal(err)
				}
			}
			body[i] = old
		}
		if err := r.Reset(reseal(body[:i], false)); err == nil {
			t.Fatalf("body cut at %d of %d was accepted", i, len(body))
		}
	}
	if refused == 0 {
		t.Fatal("no damage was found at all")
	}
}

func TestVersionIsNotCorruption(t *testing.T) {
	batch := smallBatch(t)
	batch[4] = 2
	err := new(Reader).Reset(batch)
	if !errors.Is(err, ErrVersion) || errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
	var v *VersionError
	if !errors.As(err, &v) || v.Got != 2 || v.Want != 1 {
		t.Fatalf("%#v", v)
	}
}

func TestLargeBatchIsRefusedUnread(t *testing.T) {
	for _, replicated := range []bool{false, true} {
		limit := MaxBatchBytes
		if replicated {
			limit = MaxReplicatedBytes
		}
		err := new(Reader).Reset(reseal(make([]byte, limit), replicated))
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "at most") {
			t.Errorf("replicated %v: %v", replicated, err)
		}
	}
}

func TestDecodedSlicesDoNotTouchTheirNeighbours(t *testing.T) {
	s := goldenScript()
	calls, _, _ := read(t, new(Reader), s.build(t, new(Builder), nil, nil))
	for _, c := range calls {
		if cap(c.Frame.Raw) != len(c.Frame.Raw) {
			t.Fatal("appending to Raw would overwrite the batch")
		}
		for _, f := range c.Frame.Fields {
			if cap(f.Value.Str) != len(f.Value.Str) {
				t.Fatalf("appending to %s would overwrite the batch", f.Name)
			}
		}
	}
}

// The head keeps bodies for as long as it keeps the log's bytes, whatever the reader does next.
func TestBodyOutlivesReader(t *testing.T) {
	var b Builder
	var r Reader
	first, second := goldenScript(), goldenScript()
	second.calls = []call{{Group{Stream: 1, Bits: 64}, Frame{Class: ClassEvent, Fields: []Field{{"other", Int(1)}, {"names", Int(2)}}}}}
	batch := first.build(t, &b, nil, nil)
	if err := r.Reset(batch); err != nil {
		t.Fatal(err)
	}
	var g Group
	var kept []Item
	var it Item
	for r.NextGroup(&g) {
		for r.Next(&it) {
			kept = append(kept, it)
		}
	}
	order := slices.Clone(b.Order())
	read(t, &r, second.build(t, &b, nil, nil))
	for i := range kept {
		var f Frame
		kept[i].Decode(&f)
		if diff := cmp.Diff(want(first.calls[order[i]].Frame, &first.header), f); diff != "" {
			t.Fatalf("frame %d changed:\n%s", i, diff)
		}
	}
}

func TestReusedReaderSharesShapes(t *testing.T) {
	var b Builder
	var r Reader
	s := goldenScript()
	batch := s.build(t, &b, nil, nil)
	shape := func() *Shape {
		if err := r.Reset(batch); err != nil {
			t.Fatal(err)
		}
		var it Item
		r.NextGroup(new(Group))
		r.Next(&it)
		return it.Body.Shape()
	}
	if first := shape(); first != shape() || first.Len() != 2 || first.Name(0) != "on" || first.Name(1) != "temp" {
		t.Fatalf("equal tables were parsed twice, or wrongly: %v", first)
	}
}

func TestNextGroupSkipsRest(t *testing.T) {
	var r Reader
	if err := r.Reset(smallBatch(t)); err != nil {
		t.Fatal(err)
	}
	var g Group
	var it Item
	groups := 0
	for r.NextGroup(&g) {
		groups++
		if !r.Next(&it) {
			t.Fatal("group without frames")
		}
	}
	if groups != r.Groups() || groups != 3 || r.Next(&it) {
		t.Fatalf("walked %d groups of %d", groups, r.Groups())
	}
}

func TestReaderDoesNotAllocate(t *testing.T) {
	s := goldenScript()
	batch := s.build(t, new(Builder), nil, nil)
	var r Reader
	var g Group
	var it Item
	var f Frame
	run := func() {
		if err := r.Reset(batch); err != nil {
			t.Fatal(err)
		}
		for range r.Defs() {
		}
		for range r.Rejects() {
		}
		for r.NextGroup(&g) {
			for r.Next(&it) {
				it.Body.Decode(&f)
			}
		}
	}
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func TestVerifyFingerprints(t *testing.T) {
	s := goldenScript()
	batch := s.build(t, new(Builder), nil, nil)
	at := strings.Index(string(batch), string(binary.LittleEndian.AppendUint32(nil, s.calls[2].Frame.Fingerprint)))
	if at < 0 {
		t.Fatal("fingerprint not found in the batch")
	}
	batch[at]++
	var r Reader
	if err := r.Reset(reseal(batch[preambleBytes:], false)); err != nil {
		t.Fatal(err)
	}
	var inv *InvalidError
	if err := r.VerifyFingerprints(); !errors.As(err, &inv) || inv.Code != "bad_fingerprint" {
		t.Fatalf("a forged fingerprint gave %v", err)
	}
}
