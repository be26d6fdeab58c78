package registry

import (
	"bytes"
	"testing"

	"github.com/gaplessdb/gapless/ledger"
)

// FuzzRestore: whatever the bytes are, nothing panics, and what is taken writes the same bytes again.
func FuzzRestore(f *testing.F) {
	f.Add(checkpointOf(f, empty()))
	f.Add(checkpointOf(f, everything(f)))
	a := record{tenant: "t", device: "a", revision: 1, labels: []label{{"x", "1"}}}
	f.Add(sealed(1, 1, a.append(nil, "")))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := empty()
		from := bytes.NewReader(b)
		if r.Restore(from) != nil {
			if r.Total() != 0 {
				t.Error("a refused checkpoint left entries")
			}
			return
		}
		if taken := b[:len(b)-from.Len()]; !bytes.Equal(checkpointOf(t, r), taken) {
			t.Errorf("%d bytes were taken, others are written", len(taken))
		}
	})
}

// FuzzParseCommand: whatever the body is, nothing panics; what is parsed is encoded and parsed to the same again; and what apply refuses changes nothing.
func FuzzParseCommand(f *testing.F) {
	for _, devices := range []string{`[` + mill + `]`, `[{"device":"a","expect":0,"labels":null},{"device":"b","labels":{"x":null},"rule":{"restart_drop":null}}]`, `[{}]`} {
		f.Add(KindPatch, []byte(`{"tenant":"t","by":"ops","devices":`+devices+`}`))
	}
	f.Fuzz(func(t *testing.T, kind uint16, body []byte) {
		kind = KindSet + kind%3
		r := everything(t)
		before := checkpointOf(t, r)
		_, err := r.Apply(1, 1, t0, kind, CommandVersion, body)
		if err != nil && !bytes.Equal(before, checkpointOf(t, r)) {
			t.Errorf("refused, and something changed: %v", err)
		}
		if err == nil {
			again := New(ledger.New(ledger.Policy{}))
			if err := again.Restore(bytes.NewReader(checkpointOf(t, r))); err != nil {
				t.Errorf("what a command made cannot be restored: %v", err)
			}
		}
		r.Audit(kind, body)
		c, err := ParseCommand(body)
		if err != nil {
			return
		}
		encoded, err := c.Encode()
		if err != nil {
			return // escapes may make it longer than a command may be
		}
		same, err := ParseCommand(encoded)
		if err != nil {
			t.Fatalf("%s: %v", encoded, err)
		}
		if twice, err := same.Encode(); err != nil || !bytes.Equal(twice, encoded) {
			t.Errorf("%s\n%s: %v", encoded, twice, err)
		}
	})
}
