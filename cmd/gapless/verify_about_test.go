package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

// TestLastLine: genuine certificates of two scopes, or of two moments, do not end with the same line.
func TestLastLine(t *testing.T) {
	w := world.New(t, "plant")
	one, text := uint64(1), func(s string) *string { return &s }
	for _, device := range []string{"mill-07", "mill-08"} {
		w.Send(world.Batch{Device: device, Epoch: "a", First: &one, Seqs: world.Seqs(1, 100)})
		w.Heartbeat(on(device, 101))
	}
	w.Cut()
	both := []string{"mill-07", "mill-08"}
	until := func(ms int64) []string { return []string{"2026-01-01T00:00:00Z", record.Time(ms)} }
	lines := map[string]certificate.Scope{}
	take := func(s certificate.Scope) {
		s.Tenant = "default"
		report := verify.Run(t.Context(), verify.Input{Certificate: w.Encode(w.Certify(certificate.Request{Scope: s})), Policy: w.Policy()})
		line := outcome(&report)
		if other, taken := lines[line]; taken {
			t.Errorf("%+v and %+v end with the same line: %s", s, other, line)
		}
		if lines[line] = s; report.Verdict == "" || !strings.Contains(line, "; as of "+record.Time(w.MS)) {
			t.Errorf("%+v: %s", s, line)
		}
	}
	for _, s := range []certificate.Scope{
		{Devices: both[:1]}, {Devices: both[1:]}, {Devices: both}, {Devices: both, Match: []string{"hall=3"}}, {Prefix: text("")}, {Prefix: text("mill")}, {Devices: []string{"mill-07, mill-08"}},
		{Devices: both[:1], Stream: text("0")}, {Devices: both[:1], Epochs: []uint32{1}}, {Devices: both[:1], Seq: []uint64{1, 99}}, {Devices: both[:1], Seq: []uint64{1, 98}},
		{Devices: both[:1], Time: until(w.MS)}, {Devices: both[:1], Time: until(w.MS - 1)},
	} {
		take(s)
	}
	w.MS += 1000
	w.Cut()
	take(certificate.Scope{Devices: both[:1]})
}

// TestSegmentDirOnlyReads: of a directory that is not there nothing is made, and what is there is read as it is.
func TestSegmentDirOnlyReads(t *testing.T) {
	dir := t.TempDir()
	gone := filepath.Join(dir, "not", "there")
	if _, err := segmentDir(gone); err == nil {
		t.Error("a directory that is not there was taken")
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("bytes"), 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := segmentDir(filepath.Join(dir, "file")); err == nil {
		t.Error("a file was taken for a directory")
	}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	files, err := segmentDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names, err := files.List()
	if err != nil || strings.Join(names, " ") != "file sub" {
		t.Errorf("%q, %v", names, err)
	}
	f, err := files.Open("file")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got := make([]byte, 5)
	if _, err := f.ReadAt(got, 0); err != nil || string(got) != "bytes" {
		t.Errorf("%q, %v", got, err)
	}
	if size, err := f.Size(); err != nil || size != 5 {
		t.Errorf("%d bytes, %v", size, err)
	}
	if _, err := files.Open("sub"); err == nil {
		t.Error("a directory was opened as a file")
	}
}
