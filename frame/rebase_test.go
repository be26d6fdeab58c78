package frame

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestRebaseRefuses(t *testing.T) {
	s := goldenScript()
	batch := s.build(t, new(Builder), nil, nil)
	id := func(d Def) (StreamID, bool) { return d.ID + 100, true }
	replicated, err := Rebase(nil, batch, id)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := Rebase([]byte("kept"), replicated, id); err == nil || string(out) != "kept" {
		t.Errorf("a replicated batch was rebased: %v", err)
	}
	if out, err := Rebase([]byte("kept"), batch[:20], id); err == nil || string(out) != "kept" {
		t.Errorf("a damaged batch was rebased: %v", err)
	}
	if out, err := Rebase([]byte("kept"), batch, func(Def) (StreamID, bool) { return 0, true }); err == nil || string(out) != "kept" {
		t.Errorf("id 0 was given out: %v", err)
	}
	if _, err := new(Reader).Rebase(nil, id); err == nil {
		t.Error("an empty reader was rebased")
	}
}

// The longest batch that a client may send, of the groups that grow most, is still one when its ids are as wide as they get.
func TestRebaseOfTheLongestBatch(t *testing.T) {
	group := body(u(1), []byte{counterUnseq, 64}, u(1), u(len(tinyFrame)), tinyFrame)
	groups := (MaxBatchBytes - 100) / len(group)
	b := body(z(0), "", "", u(1), u(1), "t", "d", "s", u(0), u(groups), bytes.Repeat(group, groups), u(0))
	out, err := Rebase(nil, reseal(b, false), func(Def) (StreamID, bool) { return math.MaxUint32, true })
	if err != nil {
		t.Fatal(err)
	}
	var r Reader
	if err := r.Reset(out); err != nil || r.Groups() != groups || len(out) <= MaxBatchBytes {
		t.Fatalf("%d bytes of %d groups became %d of %d: %v", len(b), groups, len(out), r.Groups(), err)
	}
}

func TestStamp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genScript(t)
		s.rejects = nil
		for i := range s.keys {
			s.keys[i].Device = "d" + s.keys[i].Device
		}
		var r Reader
		if err := r.Reset(s.build(t, new(Builder), nil, nil)); err != nil {
			t.Fatal(err)
		}
		h := Header{ReceiveMS: 77, Node: "n9", Listener: "tcp"}
		got, err := r.Stamp([]byte("kept"), h, "acme")
		if err != nil {
			t.Fatal(err)
		}
		s.header = h
		for i := range s.keys {
			s.keys[i].Tenant = "acme"
		}
		if want := s.build(t, new(Builder), nil, nil); string(got) != "kept"+string(want) {
			t.Fatal("a stamped batch differs from one built at the door")
		}
	})
}

func TestStampRefuses(t *testing.T) {
	key := StreamKey{"default", "d", "0"}
	reject := []Reject{{Group{Stream: 1, Bits: 64}, 1, CauseRejectedAuth, "x", nil}}
	tests := []struct {
		name   string
		script script
		header Header
		tenant string
		code   string
	}{
		{"own tenant", script{keys: []StreamKey{{"acme", "d", "0"}}}, Header{}, "acme", ""},
		{"other tenant", script{keys: []StreamKey{key, {"rival", "d", "0"}}}, Header{}, "acme", "wrong_tenant"},
		{"system device", script{keys: []StreamKey{{"default", "_audit", "0"}}}, Header{}, "acme", "name_reserved"},
		{"rejects", script{keys: []StreamKey{key}, rejects: reject}, Header{}, "acme", "rejects_from_client"},
		{"replicated header", script{keys: []StreamKey{key}}, Header{Replicated: true}, "acme", "replicated_batch"},
		{"bad header", script{keys: []StreamKey{key}}, Header{Node: "\n"}, "acme", "name_control"},
		{"no tenant", script{keys: []StreamKey{key}}, Header{}, "", "name_empty"},
	}
	for _, test := range tests {
		var r Reader
		if err := r.Reset(test.script.build(t, new(Builder), nil, nil)); err != nil {
			t.Fatal(err)
		}
		out, err := r.Stamp([]byte("kept"), test.header, test.tenant)
		if test.code == "" && err != nil || test.code != "" && (code(err) != test.code || string(out) != "kept") {
			t.Errorf("%s: %v, want code %q", test.name, err, test.code)
		}
	}
}

func TestDefinitionsOfARebasedBatch(t *testing.T) {
	s := goldenScript()
	out, err := Rebase(nil, s.build(t, new(Builder), nil, nil), func(d Def) (StreamID, bool) { return d.ID * 1000, d.ID != 2 })
	if err != nil {
		t.Fatal(err)
	}
	var r Reader
	if err := r.Reset(out); err != nil {
		t.Fatal(err)
	}
	var defs []Def
	for d := range r.Defs() {
		defs = append(defs, d)
	}
	if diff := cmp.Diff([]Def{{1000, s.keys[0]}, {3000, s.keys[2]}}, defs); diff != "" || r.NumDefs() != 2 || !r.Header().Replicated {
		t.Fatal(diff)
	}
}
