package raftfsm

import (
	"bytes"
	"testing"
)

func TestCommandRoundTrip(t *testing.T) {
	enc := AppendCommand([]byte("before"), KindPolicy, 3, 42, []byte("body"))
	cmd, err := ParseCommand(enc[len("before"):])
	if err != nil || cmd.Kind != KindPolicy || cmd.Version != 3 || cmd.Term != 42 || string(cmd.Body) != "body" {
		t.Fatalf("got %+v, %v", cmd, err)
	}
}

func TestCommandDamage(t *testing.T) {
	enc := AppendCommand(nil, KindTick, 1, 0, []byte(`{"voters":3}`))
	for i := range enc {
		bad := bytes.Clone(enc)
		bad[i] ^= 0x10
		if _, err := ParseCommand(bad); err == nil {
			t.Errorf("byte %d flipped and not noticed", i)
		}
	}
	for n := range enc {
		if _, err := ParseCommand(enc[:n]); err == nil {
			t.Errorf("cut to %d bytes and not noticed", n)
		}
	}
}

func FuzzParsePart(f *testing.F) {
	f.Add(appendPart(nil, &Part{}, []byte("batch")))
	f.Add(appendPart(nil, &Part{Tenant: "t", Key: "k"}, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, tail, err := parsePart(b)
		if err != nil {
			return
		}
		if len(tail) >= len(b) {
			t.Fatalf("part of %d bytes left %d", len(b), len(tail))
		}
		again, rest, err := parsePart(appendPart(nil, &p, p.Batch))
		if err != nil || len(rest) != 0 || again.Key != p.Key || again.Tenant != p.Tenant || again.Sum != p.Sum || !bytes.Equal(again.Batch, p.Batch) {
			t.Fatalf("round trip of %+v: %+v, %v", p, again, err)
		}
	})
}
