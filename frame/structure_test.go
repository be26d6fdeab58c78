package frame

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
)

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
