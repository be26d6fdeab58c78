package frame

import (
	"fmt"
	"slices"
	"testing"
	"unsafe"
)

// lender gives out strings and bytes the way an HTTP server does: they change when the request is over.
type lender struct{ lent [][]byte }

func (l *lender) bytes(b []byte) []byte {
	l.lent = append(l.lent, slices.Clone(b))
	return l.lent[len(l.lent)-1]
}

func (l *lender) text(s string) string {
	b := l.bytes([]byte(s))
	return unsafe.String(unsafe.SliceData(b), len(b))
}

func (l *lender) takeBack() {
	for _, b := range l.lent {
		for i := range b {
			b[i] = '#'
		}
	}
	l.lent = nil
}

func (l *lender) key(k StreamKey) StreamKey {
	return StreamKey{l.text(k.Tenant), l.text(k.Device), l.text(k.Stream)}
}

func (l *lender) call(c call) call {
	c.Group.Epoch = l.text(c.Group.Epoch)
	c.Frame.Raw = l.bytes(c.Frame.Raw)
	c.Frame.Fields = slices.Clone(c.Frame.Fields)
	for i := range c.Frame.Fields {
		f := &c.Frame.Fields[i]
		f.Name, f.Value.Str = l.text(f.Name), l.bytes(f.Value.Str)
	}
	return c
}

func TestBuilderCopies(t *testing.T) {
	s := goldenScript()
	expected := s.build(t, new(Builder), nil, nil)
	var b Builder
	var l lender
	for range 2 { // the second time with warm caches
		b.Reset(s.header)
		for _, key := range s.keys {
			if _, err := b.Stream(l.key(key)); err != nil {
				t.Fatal(err)
			}
			l.takeBack()
		}
		for _, c := range s.calls {
			c = l.call(c)
			if err := b.Add(c.Group, &c.Frame); err != nil {
				t.Fatal(err)
			}
			l.takeBack()
		}
		for _, rej := range s.rejects {
			rej.Group.Epoch, rej.Code, rej.Raw = l.text(rej.Group.Epoch), l.text(rej.Code), l.bytes(rej.Raw)
			if err := b.Reject(rej); err != nil {
				t.Fatal(err)
			}
			l.takeBack()
		}
		if got, _ := b.Finish(nil); string(got) != string(expected) {
			t.Fatal("the batch changed with its caller's buffers")
		}
	}
}

func TestReusedBuilderDoesNotAllocate(t *testing.T) {
	var b Builder
	var dst []byte
	frames := []*Frame{benchFrame(), benchFrame(), {Class: ClassSnapshot, Raw: []byte("raw")}}
	slices.Reverse(frames[1].Fields)
	run := func() {
		b.Reset(Header{Node: "n1", Listener: "http"})
		for i := range 300 {
			id, err := b.Stream(StreamKey{Device: "mill-07", Stream: [3]string{"a", "b", "c"}[i%3]})
			if err != nil {
				t.Fatal(err)
			}
			frames[i%3].Seq = uint64(i)
			if err := b.Add(Group{Stream: id, Bits: 64, Epoch: "boot-7"}, frames[i%3]); err != nil {
				t.Fatal(err)
			}
		}
		dst, _ = b.Finish(dst[:0])
	}
	if n := testing.AllocsPerRun(50, run); n != 0 {
		t.Fatalf("%v allocations for 300 frames", n)
	}
}

// Senders that never repeat a name or an order must not grow a long-lived builder.
func TestBuilderCachesAreBounded(t *testing.T) {
	var b Builder
	fields := make([]Field, 64)
	for i := range fields {
		fields[i] = Field{fmt.Sprintf("f%02d", i), Int(1)}
	}
	for round := range 40 {
		b.Reset(Header{})
		id, _ := b.Stream(StreamKey{Device: fmt.Sprint("d", round)})
		for i := range 64 {
			fields = append(fields[1:], fields[0])
			fields[i].Name = fmt.Sprintf("r%d-%d", round, i)
			if err := b.Add(Group{Stream: id, Bits: 64}, &Frame{Class: ClassEvent, Fields: fields}); err != nil {
				t.Fatal(err)
			}
		}
		if b.shapes.cached > cachedNamesLimit+MaxFields || b.shapes.held > cachedNamesLimit+64*65 || len(b.shapes.names.known) > internLimit {
			t.Fatalf("round %d: %d, %d and %d names are held", round, b.shapes.cached, b.shapes.held, len(b.shapes.names.known))
		}
	}
	if b.shapes.batch < 40 || b.shapes.held == 40*64*65 {
		t.Fatal("the test never filled the caches")
	}
}

func TestOrdersOfFieldsAreForgotten(t *testing.T) {
	var b Builder
	b.Reset(Header{})
	id, _ := b.Stream(StreamKey{Device: "d"})
	fields := make([]Field, MaxFields)
	for i := range fields {
		fields[i] = Field{fmt.Sprint(i), Bool(true)}
	}
	for range 3 * cachedNamesLimit / MaxFields {
		fields = append(fields[1:], fields[0])
		if err := b.Add(Group{Stream: id, Bits: 64}, &Frame{Class: ClassEvent, Fields: fields}); err != nil {
			t.Fatal(err)
		}
		if n := len(b.shapes.arranged); n > cachedNamesLimit/MaxFields+1 || b.shapes.count != 1 {
			t.Fatalf("%d orders of %d shapes are held", n, b.shapes.count)
		}
	}
}

func TestInternerIsBounded(t *testing.T) {
	var n interner
	for i := range internLimit + 10 {
		if name := fmt.Sprint(i); n.text(name) != name || n.bytes([]byte(name)) != name {
			t.Fatal("another string came back")
		}
	}
	if len(n.known) > internLimit {
		t.Fatalf("%d strings are held", len(n.known))
	}
}
