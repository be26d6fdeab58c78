package frame

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

func code(err error) string {
	var inv *InvalidError
	if !errors.As(err, &inv) {
		return fmt.Sprint(err)
	}
	return inv.Code
}

func TestAddRefuses(t *testing.T) {
	plain := Group{Stream: 1, Bits: 64}
	event := func(fields ...Field) Frame { return Frame{Class: ClassEvent, Fields: fields} }
	many := make([]Field, MaxFields+1)
	for i := range many {
		many[i] = Field{fmt.Sprintf("f%04d", i), Int(1)}
	}
	big := strings.Repeat("x", MaxFrameBytes/2)
	tests := []struct {
		name  string
		group Group
		frame Frame
		code  string
	}{
		{"fields at the limit", plain, event(many[:MaxFields]...), ""},
		{"too many fields", plain, event(many...), "too_many_fields"},
		{"name at the limit", plain, event(Field{strings.Repeat("n", MaxNameBytes), Int(1)}), ""},
		{"name too long", plain, event(Field{strings.Repeat("n", MaxNameBytes+1), Int(1)}), "name_too_long"},
		{"empty name", plain, event(Field{"", Int(1)}), "name_empty"},
		{"name not UTF-8", plain, event(Field{"a\xff", Int(1)}), "bad_utf8"},
		{"name with a tab", plain, event(Field{"a\tb", Int(1)}), "name_control"},
		{"name with a C1 control", plain, event(Field{"a\u0085b", Int(1)}), "name_control"},
		{"field twice", plain, event(Field{"b", Int(1)}, Field{"a", Int(1)}, Field{"b", Int(2)}), "duplicate_field"},
		{"text not UTF-8", plain, event(Field{"a", Value{Kind: KindString, Str: []byte{0xff}}}), "bad_utf8"},
		{"bytes need not be UTF-8", plain, event(Field{"a", Bytes([]byte{0xff})}), ""},
		{"kind 0", plain, event(Field{"a", Value{}}), "bad_value"},
		{"kind 7", plain, event(Field{"a", Value{Kind: 7}}), "bad_value"},
		{"bool of 2", plain, event(Field{"a", Value{Kind: KindBool, Num: 2}}), "bad_value"},
		{"small uint", plain, event(Field{"a", Value{Kind: KindUint, Num: 5}}), "bad_value"},
		{"class 0", plain, Frame{}, "bad_class"},
		{"class 3", plain, Frame{Class: 3}, "bad_class"},
		{"largest number", plain, Frame{Class: ClassEvent, Seq: MaxSeq}, ""},
		{"number 2^63", plain, Frame{Class: ClassEvent, Seq: 1 << 63}, "seq_out_of_range"},
		{"number of 8 bits", Group{Stream: 1, Bits: 8}, Frame{Class: ClassEvent, Seq: 255}, ""},
		{"number of 9 bits", Group{Stream: 1, Bits: 8}, Frame{Class: ClassEvent, Seq: 256}, "seq_out_of_range"},
		{"number of 33 bits", Group{Stream: 1, Bits: 32}, Frame{Class: ClassEvent, Seq: 1 << 32}, "seq_out_of_range"},
		{"number without a counter", Group{Stream: 1, Bits: 64, Unseq: true}, Frame{Class: ClassEvent, Seq: 1}, "seq_without_counter"},
		{"bits 0", Group{Stream: 1}, event(), "bad_bits"},
		{"bits 12", Group{Stream: 1, Bits: 12}, event(), "bad_bits"},
		{"stream 0", Group{Bits: 64}, event(), "unknown_stream"},
		{"stream 2", Group{Stream: 2, Bits: 64}, event(), "unknown_stream"},
		{"epoch at the limit", Group{Stream: 1, Bits: 64, Epoch: strings.Repeat("e", MaxEpochBytes)}, event(), ""},
		{"epoch too long", Group{Stream: 1, Bits: 64, Epoch: strings.Repeat("e", MaxEpochBytes+1)}, event(), "name_too_long"},
		{"first too large", Group{Stream: 1, Bits: 16, HasFirst: true, First: 1 << 16}, event(), "seq_out_of_range"},
		{"first not declared", Group{Stream: 1, Bits: 16, First: 1}, event(), "bad_first"},
		{"first without numbers", Group{Stream: 1, Bits: 64, HasFirst: true, Unseq: true}, event(), "bad_first"},
		{"raw at the limit", plain, Frame{Class: ClassEvent, Seq: 16, Raw: make([]byte, MaxFrameBytes-1-1-1-4-1)}, ""},
		{"raw too large", plain, Frame{Class: ClassEvent, Seq: 16, Raw: make([]byte, MaxFrameBytes-1-1-1-4)}, "frame_too_large"},
		{"texts too large", plain, event(Field{"a", String(big)}, Field{"b", String(big)}), "frame_too_large"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var b Builder
			b.Reset(Header{})
			if _, err := b.Stream(StreamKey{Device: "d"}); err != nil {
				t.Fatal(err)
			}
			empty, _ := b.Finish(nil)
			err := b.Add(test.group, &test.frame)
			if test.code != "" {
				if code(err) != test.code {
					t.Fatalf("got %v, want code %s", err, test.code)
				}
				if inv := err.(*InvalidError); inv.Message == "" || inv.Hint == "" {
					t.Fatalf("a user is not told what to do: %#v", inv)
				}
				if got, err := b.Finish(nil); err != nil || string(got) != string(empty) || b.Frames() != 0 {
					t.Fatalf("a refused frame left traces: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			batch, err := b.Finish(nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := new(Reader).Reset(batch); err != nil {
				t.Fatalf("reader and builder disagree: %v", err)
			}
		})
	}
}

func TestRejectRefuses(t *testing.T) {
	plain := Group{Stream: 1, Bits: 8}
	tests := []struct {
		name   string
		reject Reject
		code   string
	}{
		{"good", Reject{plain, 255, CauseRejectedCRC, "bad_crc", nil}, ""},
		{"number", Reject{plain, 256, CauseRejectedCRC, "bad_crc", nil}, "seq_out_of_range"},
		{"cause of the ledger", Reject{plain, 1, CauseNeverArrived, "x", nil}, "bad_cause"},
		{"no cause", Reject{plain, 1, 0, "x", nil}, "bad_cause"},
		{"no code", Reject{plain, 1, CauseShedDisk, "", nil}, "name_empty"},
		{"no numbers", Reject{Group{Stream: 1, Bits: 64, Unseq: true}, 0, CauseShedDisk, "x", nil}, "bad_reject"},
		{"unknown stream", Reject{Group{Stream: 9, Bits: 64}, 0, CauseShedDisk, "x", nil}, "unknown_stream"},
	}
	for _, test := range tests {
		var b Builder
		b.Reset(Header{})
		_, _ = b.Stream(StreamKey{Device: "d"})
		err := b.Reject(test.reject)
		if test.code == "" && err != nil || test.code != "" && code(err) != test.code || b.Rejects() != 0 && err != nil {
			t.Errorf("%s: %v, want code %q", test.name, err, test.code)
		}
	}
}

func TestRejectEvidenceIsCut(t *testing.T) {
	s := script{keys: []StreamKey{{"t", "d", "s"}}}
	s.rejects = []Reject{{Group{Stream: 1, Bits: 8}, 1, CauseRejectedOversize, "too_large", make([]byte, MaxRejectBytes+100)}}
	_, rejects, _ := read(t, new(Reader), s.build(t, new(Builder), nil, nil))
	if len(rejects) != 1 || len(rejects[0].Raw) != MaxRejectBytes {
		t.Fatalf("%d rejects", len(rejects))
	}
}

func TestStreamDefaultsAndIdentity(t *testing.T) {
	var b Builder
	b.Reset(Header{})
	first, err := b.Stream(StreamKey{Device: "d"})
	if err != nil {
		t.Fatal(err)
	}
	again, _ := b.Stream(StreamKey{Tenant: DefaultTenant, Device: "d", Stream: DefaultStream})
	other, _ := b.Stream(StreamKey{Device: "d", Stream: "1"})
	if first != 1 || again != 1 || other != 2 {
		t.Fatalf("ids %d %d %d", first, again, other)
	}
	if _, err := b.Stream(StreamKey{}); code(err) != "name_empty" {
		t.Fatal(err)
	}
	if err := b.Define(Def{7, StreamKey{"t", "d", "s"}}); code(err) != "bad_stream" {
		t.Fatal(err)
	}
	b.Reset(Header{Replicated: true})
	if _, err := b.Stream(StreamKey{Device: "d"}); code(err) != "replicated_batch" {
		t.Fatal(err)
	}
}

func TestFinishChecksHeader(t *testing.T) {
	tests := []struct {
		header Header
		code   string
	}{
		{Header{ReceiveMS: maxReceiveMS, Node: "n", Listener: "l"}, ""},
		{Header{ReceiveMS: maxReceiveMS + 1}, "time_out_of_range"},
		{Header{ReceiveMS: math.MinInt64}, "time_out_of_range"},
		{Header{Node: "a\nb"}, "name_control"},
		{Header{Listener: strings.Repeat("l", 257)}, "name_too_long"},
	}
	for _, test := range tests {
		var b Builder
		b.Reset(test.header)
		dst, err := b.Finish([]byte("kept"))
		if test.code == "" && err != nil || test.code != "" && (code(err) != test.code || string(dst) != "kept") {
			t.Errorf("%+v: %v", test.header, err)
		}
	}
}

func TestBatchFull(t *testing.T) {
	var b Builder
	b.Reset(Header{})
	id, _ := b.Stream(StreamKey{Device: "d"})
	f := Frame{Class: ClassEvent, Raw: make([]byte, MaxFrameBytes/2)}
	var err error
	for err == nil {
		err = b.Add(Group{Stream: id, Bits: 64}, &f)
	}
	if code(err) != "batch_full" || b.Frames() != 7 {
		t.Fatalf("after %d frames: %v", b.Frames(), err)
	}
	if err := b.Reject(Reject{Group{Stream: id, Bits: 64}, 1, CauseShedDisk, "disk", nil}); err != nil {
		t.Fatalf("there is room for a small one: %v", err)
	}
	batch, err := b.Finish(nil)
	if err != nil || len(batch) > MaxBatchBytes {
		t.Fatalf("%d bytes, %v", len(batch), err)
	}
	if err := new(Reader).Reset(batch); err != nil {
		t.Fatal(err)
	}
}

func TestBatchFullByFrames(t *testing.T) {
	var b Builder
	b.Reset(Header{})
	id, _ := b.Stream(StreamKey{Device: "d"})
	b.added = make([]added, MaxBatchFrames) // numbered frames of that many would not fit today; the limit holds all the same
	if err := b.Add(Group{Stream: id, Bits: 64}, &Frame{Class: ClassEvent}); code(err) != "batch_full" {
		t.Fatal(err)
	}
}

func TestBuilderKeepsCallersOrder(t *testing.T) {
	f := Frame{Class: ClassEvent, Fields: []Field{{"b", Int(1)}, {"a", Int(2)}}}
	s := script{keys: []StreamKey{{"t", "d", "s"}}, calls: []call{{Group{Stream: 1, Bits: 64}, f}}}
	s.build(t, new(Builder), nil, nil)
	if f.Fields[0].Name != "b" || f.Fields[1].Name != "a" {
		t.Fatal("Add sorted the caller's fields")
	}
}
