package registry

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentedCommands: the bodies in docs/format/devices.md are commands, one after the other, and the bytes there are those of the golden file.
func TestDocumentedCommands(t *testing.T) {
	page, err := os.ReadFile("../../docs/format/devices.md")
	if err != nil {
		t.Fatal(err)
	}
	r := empty()
	bodies := regexp.MustCompile(`(?m)^    > (.*)$`).FindAllSubmatch(page, -1)
	kinds := []uint16{KindSet, KindPatch, KindDelete}
	if len(bodies) != len(kinds) {
		t.Fatalf("%d bodies, want %d", len(bodies), len(kinds))
	}
	for i, m := range bodies {
		if _, err := r.Apply(1, 1, t0, kinds[i], CommandVersion, m[1]); err != nil {
			t.Errorf("%s: %v", m[1], err)
		}
		if c, err := ParseCommand(m[1]); err != nil {
			t.Error(err)
		} else if again, err := c.Encode(); err != nil || !bytes.Equal(again, m[1]) {
			t.Errorf("%s is written %s, %v", m[1], again, err)
		}
	}
	if d, _ := r.Get("default", "mill-07"); len(d.Labels) != 1 || d.Rule.RestartDrop != nil || d.Revision != 2 || r.Len("default") != 1 {
		t.Errorf("%+v of %d devices", d, r.Len("default"))
	}
	file, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	first := []byte("\x23\x05other\x01a\x03\x09\x05press\x10\x00")
	if !bytes.HasPrefix(file[headerBytes+4:], first) || !strings.Contains(string(page), `23 05 "other" 01 "a" 03 09 05 "press" 10 00`) {
		t.Errorf("the golden file begins with % x", file[headerBytes+4:][:len(first)])
	}
}
