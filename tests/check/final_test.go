package check

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// TestFinal is the short way to feed one.
func TestFinal(t *testing.T) {
	f := NewFinal("n1")
	c := Counter{"d", "0", ""}
	for n := range uint64(5) {
		f.Add(c, n, n != 3)
	}
	f.Add(c, 2, true)
	f.Add(Counter{Device: "_dlq", Stream: "0"}, 1, true)
	s := f.counters[c]
	if f.Frames() != 7 || f.System != 1 || f.Numbers(c).Count() != 5 || s.wrong.String() != "3" || s.again.String() != "2" ||
		s.times[2] != 2 || s.located() {
		t.Fatalf("%d frames, %+v", f.Frames(), s)
	}
}

// TestPayload: fields have every kind of value, frames differ, and what AppendFrame writes is what verify expects.
func TestPayload(t *testing.T) {
	c := Counter{"dev/#1.2", "0", "a#7.8"}
	kinds, raws := map[frame.Kind]bool{}, 0
	seen := map[string]bool{}
	for n := range uint64(200) {
		for i, f := range Payload(1, c, n) {
			kinds[f.Value.Kind] = true
			if i > 0 && f.Name <= Payload(1, c, n)[i-1].Name {
				t.Fatal("fields are not in order")
			}
		}
		b := Batch{Counter: c, First: n, Last: n, Numbered: true, Variant: n % 3, Declares: true, Head: 1}
		line := AppendBatch(nil, 1, &b)
		var got content
		if err := json.Unmarshal(line, &got); err != nil || bytes.Count(line, []byte("\n")) != 1 {
			t.Fatalf("%s: %v", line, err)
		}
		if len(got.Raw) > 0 {
			raws++
		}
		if id, variant, wrong := got.verify(1, c); id != n || variant != n%3 || wrong != "" {
			t.Fatalf("%s: %d %d %s", line, id, variant, wrong)
		}
		if _, _, wrong := got.verify(2, c); wrong == "" {
			t.Fatal("another seed has the same payload")
		}
		if seen[string(line)] {
			t.Fatalf("%s twice", line)
		}
		seen[string(line)] = true
	}
	if len(kinds) != 5 || raws < 20 || raws > 100 { // all but bytes, which JSON cannot say; KindUint is one half of the big ones
		t.Fatalf("kinds %v, %d raw payloads", kinds, raws)
	}
}
