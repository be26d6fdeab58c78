package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
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

// u is a uvarint, s a text, z a signed varint of a body put together by hand.
type u uint64
type z int64

func body(parts ...any) []byte {
	var b []byte
	for _, part := range parts {
		switch p := part.(type) {
		case u:
			b = appendUvarint(b, uint64(p))
		case z:
			b = appendVarint(b, int64(p))
		case string:
			b = appendText(b, p)
		case []byte:
			b = append(b, p...)
		}
	}
	return b
}

func TestStructureIsValidated(t *testing.T) {
	head := body(z(1000), "", "")
	def := body(u(1), u(1), "default", "d", "0")
	noShapes, noGroups, noRejects := body(u(0)), body(u(0)), body(u(0))
	counter := func(id u, flags, bits byte) []byte { return body(id, []byte{flags, bits}) }
	group := func(counter []byte, frames u, encoded ...byte) []byte {
		return body(u(1), counter, frames, u(len(encoded)), encoded)
	}
	plain := counter(1, 0, 64)
	// length, flags, seq, time, fingerprint, shape
	good := []byte{8, 0, 0, 0, 1, 2, 3, 4, 0}
	one := body(u(1), u(1), "a") // a table of one shape with one field
	value := func(tail ...byte) []byte {
		frame := append([]byte{byte(8 + len(tail)), 0, 0, 0, 1, 2, 3, 4, 1}, tail...)
		return body(head, def, one, group(plain, 1, frame...), noRejects)
	}
	tests := []struct {
		name       string
		body       []byte
		replicated bool
		reason     string // "" is accepted
	}{
		{"nothing", body(head, u(0), noShapes, noGroups, noRejects), false, ""},
		{"good", body(head, def, noShapes, group(plain, 1, good...), noRejects), false, ""},
		{"trailing byte", body(head, def, noShapes, group(plain, 1, good...), noRejects, []byte{0}), false, "follow the end"},
		{"receive time", body(z(maxReceiveMS+1), "", "", u(0), noShapes, noGroups, noRejects), false, "receive time"},
		{"node with a line end", body(z(0), "n\n", "", u(0), noShapes, noGroups, noRejects), false, "control"},
		{"number of two forms", body(head, []byte{0x80, 0x00}, noShapes, noGroups, noRejects), false, "number of definitions"},
		{"gap in local ids", body(head, u(1), u(2), "default", "d", "0", noShapes, noGroups, noRejects), false, "definition 1 is 2"},
		{"replicated ids are free", body(head, u(1), u(77), "default", "d", "0", noShapes, noGroups, noRejects), true, ""},
		{"id 0", body(head, u(1), u(0), "default", "d", "0", noShapes, noGroups, noRejects), true, "definition 1 is 0"},
		{"id of 33 bits", body(head, u(1), u(1<<32), "default", "d", "0", noShapes, noGroups, noRejects), true, "definition 1"},
		{"empty device", body(head, u(1), u(1), "default", "", "0-", noShapes, noGroups, noRejects), false, "device name is empty"},
		{"long device", body(head, u(1), u(1), "default", strings.Repeat("d", 257), "0", noShapes, noGroups, noRejects), false, "longer than 256"},
		{"device not UTF-8", body(head, u(1), u(1), "default", "\xff", "0", noShapes, noGroups, noRejects), false, "device name is not UTF-8"},
		{"shape without fields", body(head, def, u(1), u(0), u(0), noGroups, noRejects), false, "has 0 fields"},
		{"fields out of order", body(head, def, u(1), u(2), "b", "a", noGroups, noRejects), false, "not ascending"},
		{"field twice", body(head, def, u(1), u(2), "a", "a", noGroups, noRejects), false, "not ascending"},
		{"undefined stream", body(head, def, noShapes, group(counter(2, 0, 64), 1, good...), noRejects), false, "stream id 2 is not defined"},
		{"undefined stream, replicated", body(head, def, noShapes, group(counter(2, 0, 64), 1, good...), noRejects), true, ""},
		{"stream 0", body(head, def, noShapes, group(counter(0, 0, 64), 1, good...), noRejects), true, "stream id 0"},
		{"unknown counter flag", body(head, def, noShapes, group(counter(1, 8, 64), 1, good...), noRejects), false, "counter flags are 08"},
		{"first without numbers", body(head, def, noShapes, group(body(counter(1, 6, 64), u(1)), 1, good...), noRejects), false, "counter flags are 06"},
		{"bits", body(head, def, noShapes, group(counter(1, 0, 24), 1, good...), noRejects), false, "24 bits"},
		{"first too large", body(head, def, noShapes, group(body(counter(1, 2, 8), u(256)), 1, good...), noRejects), false, "first number 256"},
		{"empty epoch", body(head, def, noShapes, group(body(counter(1, 1, 64), ""), 1, good...), noRejects), false, "epoch name is empty"},
		{"no frames", body(head, def, noShapes, group(plain, 0, good...), noRejects), false, "0 frames"},
		{"more frames than bytes", body(head, def, noShapes, group(plain, 2, good...), noRejects), false, "2 frames cannot"},
		{"fewer frames than bytes", body(head, def, noShapes, group(plain, 1, slices.Concat(good, good)...), noRejects), false, "follow the last frame"},
		{"frame longer than its group", body(head, def, noShapes, group(plain, 1, 9, 0, 0, 0, 1, 2, 3, 4, 0), noRejects), false, "does not fit"},
		{"frame too short for its parts", body(head, def, noShapes, group(plain, 1, 6, 0, 0, 0, 1, 2, 3), noRejects), false, "too short"},
		{"frame at the limit", body(head, def, noShapes, group(plain, 1, body(u(MaxFrameBytes), good[1:], make([]byte, MaxFrameBytes-8))...), noRejects), false, ""},
		{"frame too large", body(head, def, noShapes, group(plain, 1, body(u(MaxFrameBytes+1), good[1:], make([]byte, MaxFrameBytes-7))...), noRejects), false, "does not fit"},
		{"frame flags", body(head, def, noShapes, group(plain, 1, 8, 4, 0, 0, 1, 2, 3, 4, 0), noRejects), false, "unknown frame flags"},
		{"negative number", body(head, def, noShapes, group(plain, 1, 8, 0, 1, 0, 1, 2, 3, 4, 0), noRejects), false, "does not fit the counter"},
		{"number of 9 bits", body(head, def, noShapes, group(counter(1, 0, 8), 1, 9, 0, 0x80, 4, 0, 1, 2, 3, 4, 0), noRejects), false, "does not fit the counter"},
		{"unknown shape", body(head, def, noShapes, group(plain, 1, 8, 0, 0, 0, 1, 2, 3, 4, 1), noRejects), false, "unknown shape"},
		{"value missing", value(), false, "value does not fit"},
		{"value true", value(tagTrue), false, ""},
		{"value of tag 0", value(0), false, "value does not fit"},
		{"value of tag 8", value(8), false, "value does not fit"},
		{"float cut short", value(tagFloat, 1, 2, 3, 4, 5, 6, 7), false, "value does not fit"},
		{"string cut short", value(tagString, 2, 'a'), false, "value does not fit"},
		{"string not UTF-8", value(tagString, 1, 0xff), false, "value does not fit"},
		{"bytes not UTF-8", value(tagBytes, 1, 0xff), false, ""},
		{"uint of 65 bits", value(tagUint, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 3), false, "value does not fit"},
		{"small uint", value(body([]byte{tagUint}, u(1<<63-1))...), false, "value does not fit"},
		{"uint", value(body([]byte{tagUint}, u(1<<63))...), false, ""},
		{"decimal", value(body([]byte{tagDecimal + 22}, z(maxMantissa))...), false, ""},
		{"negative decimal", value(body([]byte{tagDecimal}, z(-maxMantissa))...), false, ""},
		{"mantissa too large", value(body([]byte{tagDecimal}, z(maxMantissa+1))...), false, "value does not fit"},
		{"mantissa too small", value(body([]byte{tagDecimal}, z(-maxMantissa-1))...), false, "value does not fit"},
		{"scale 23", value(tagDecimal+23, 2), false, "value does not fit"},
		{"reject", body(head, def, noShapes, noGroups, u(1), plain, u(5), []byte{2}, "code", ""), false, ""},
		{"reject without a number", body(head, def, noShapes, noGroups, u(1), counter(1, 4, 64), u(5), []byte{2}, "code", ""), false, "reject of number 5"},
		{"reject number too large", body(head, def, noShapes, noGroups, u(1), counter(1, 0, 8), u(256), []byte{2}, "code", ""), false, "reject of number 256"},
		{"reject for no reason of a door", body(head, def, noShapes, noGroups, u(1), plain, u(5), []byte{11}, "code", ""), false, "cause 11"},
		{"reject without code", body(head, def, noShapes, noGroups, u(1), plain, u(5), []byte{2}, "", "evidence"), false, "code name is empty"},
		{"too much evidence", body(head, def, noShapes, noGroups, u(1), plain, u(5), []byte{2}, "code", strings.Repeat("e", MaxRejectBytes+1)), false, "evidence"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var r Reader
			err := r.Reset(reseal(test.body, test.replicated))
			if test.reason == "" {
				if err != nil {
					t.Fatal(err)
				}
				walk(&r)
				return
			}
			var c *CorruptError
			if !errors.As(err, &c) || !strings.Contains(c.Reason, test.reason) {
				t.Fatalf("got %v, want a reason with %q", err, test.reason)
			}
			if c.Offset < preambleBytes || c.Offset > preambleBytes+len(test.body) {
				t.Fatalf("offset %d lies outside the body", c.Offset)
			}
		})
	}
}

// A length that the bytes do not bear out must not be allocated for.
func TestHostileLengthsDoNotAllocate(t *testing.T) {
	head := body(z(1000), "", "")
	def := body(u(1), u(1), "default", "d", "0")
	const huge = u(1<<63 - 1)
	pad := make([]byte, 64)
	hostile := [][]byte{
		body(z(0), huge, pad),
		body(head, huge, pad),
		body(head, u(1), u(1), huge, pad),
		body(head, def, huge, pad),
		body(head, def, u(20), u(1<<20), pad),
		body(head, def, u(1), huge, pad),
		body(head, def, u(0), huge, pad),
		body(head, def, u(0), u(1), u(1), []byte{0, 64}, huge, u(30), pad),
		body(head, def, u(0), u(1), u(1), []byte{0, 64}, u(1), huge, pad),
		body(head, def, u(0), u(1), u(1), []byte{0, 64}, u(1), u(30), huge, pad),
		body(head, def, u(0), u(0), huge, pad),
	}
	var r Reader
	_ = r.Reset(reseal(hostile[0], false))
	for i, b := range hostile {
		batch := reseal(b, false)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := r.Reset(batch)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("body %d: %v", i, err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 16<<10 {
			t.Errorf("body %d: %d bytes allocated for a batch of %d", i, got, len(batch))
		}
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

// The smallest frames there are: the server numbers them, and they have no time.
var tinyFrame = []byte{6, frameNoTime, 1, 2, 3, 4, 0}

func TestTooManyFrames(t *testing.T) {
	for _, extra := range []int{0, 1} {
		frames := bytes.Repeat(tinyFrame, MaxBatchFrames+extra)
		b := body(z(0), "", "", u(0), u(0), u(1), u(1), []byte{counterUnseq, 64}, u(MaxBatchFrames+extra), u(len(frames)), frames, u(0))
		if err := new(Reader).Reset(reseal(b, true)); (err == nil) != (extra == 0) {
			t.Errorf("%d frames over the limit: %v", extra, err)
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
