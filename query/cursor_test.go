package query

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func drawCursor(t *rapid.T) *cursor {
	c := &cursor{
		digest: rapid.Uint32().Draw(t, "digest"),
		asOf: AsOf{rapid.Uint32().Draw(t, "partition"), rapid.Uint64().Draw(t, "history"), rapid.Uint64().Draw(t, "index"),
			rapid.Int64().Draw(t, "time")},
		device: rapid.StringN(0, -1, 256).Draw(t, "device"),
		stream: rapid.StringN(0, -1, 256).Draw(t, "stream"),
		epoch:  rapid.Uint32().Draw(t, "epoch"),
		seq:    rapid.Uint64().Draw(t, "seq"),

		devices: rapid.Uint32().Draw(t, "devices"),
	}
	if rapid.Bool().Draw(t, "completeness") {
		c.completeness = &completeness{
			verdict:  ledger.Grade(rapid.IntRange(1, int(ledger.Complete)).Draw(t, "verdict")),
			expected: rapid.Uint64().Draw(t, "expected"),
			stored:   rapid.Uint64().Draw(t, "stored"),
			through: through{rapid.Bool().Draw(t, "hasSeq"), rapid.Bool().Draw(t, "hasTime"), rapid.Uint32().Draw(t, "in"),
				rapid.Uint64().Draw(t, "seq"), rapid.Int64().Draw(t, "ns")},
		}
	}
	return c
}

func TestCursorReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCursor(t)
		text := c.String()
		got, err := parseCursor(text, c.digest)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c, got, cmp.AllowUnexported(cursor{}, completeness{}, through{})); d != "" {
			t.Fatal(d)
		}
		if len(text) > maxCursorBytes {
			t.Fatalf("%d bytes, limit %d", len(text), maxCursorBytes)
		}
	})
}

func TestCursorIsRefused(t *testing.T) {
	good := (&cursor{digest: 7, device: "mill-07", seq: math.MaxUint64}).String()
	raw, err := cursorText.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	other := append([]byte{2}, raw[1:]...)
	for _, tt := range []struct {
		name, text string
		digest     uint32
		code, want string
	}{
		{"empty", "", 7, "bad_cursor", "not one that an answer gave"},
		{"not base64", "%%%", 7, "bad_cursor", "not one that an answer gave"},
		{"cut", cursorText.EncodeToString(raw[:len(raw)-1]), 7, "bad_cursor", "checksum"},
		{"changed", "AX" + good[2:], 7, "bad_cursor", "checksum"},
		{"another version", cursorText.EncodeToString(other), 7, "bad_cursor", "version 2, this server reads 1"},
		{"another question", good, 8, "foreign_cursor", "other parameters"},
		{"endless", strings.Repeat("A", maxCursorBytes+1), 7, "bad_cursor", "at most 4096"},
	} {
		_, err := parseCursor(tt.text, tt.digest)
		var e *Error
		if !errors.As(err, &e) || e.Code != tt.code || !strings.Contains(e.Message, tt.want) {
			t.Errorf("%s: %v, want %s: ...%s", tt.name, err, tt.code, tt.want)
		}
	}
}

// FuzzCursor feeds any text. What is taken must be a cursor that encodes to a cursor of the same content.
func FuzzCursor(f *testing.F) {
	f.Add((&cursor{digest: 7, device: "d", stream: "0", epoch: 1, seq: 9}).String())
	f.Add((&cursor{digest: 7, completeness: &completeness{verdict: 1, expected: 3, stored: 2}}).String())
	f.Add((&cursor{digest: 7, completeness: &completeness{verdict: 1, expected: 3, stored: 2}, devices: 5}).String())
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCursor(text, 7)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		again, err := parseCursor(c.String(), 7)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c, again, cmp.AllowUnexported(cursor{}, completeness{}, through{})); d != "" {
			t.Fatal(d)
		}
	})
}

// FuzzCursorBody feeds what stands between version and checksum, which a random text never gets right.
func FuzzCursorBody(f *testing.F) {
	c := (&cursor{digest: 7, device: "d", stream: "0", epoch: 1, seq: 9, completeness: &completeness{verdict: 1}}).String()
	raw, _ := cursorText.DecodeString(c)
	f.Add(raw[5 : len(raw)-4])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		_, err := parseCursor(sealCursor(append([]byte{cursorVersion, 7, 0, 0, 0}, body...)), 7)
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%T: %v", err, err)
		}
	})
}
