package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/proof/verify/world"
	"github.com/gaplessdb/gapless/vfs"
)

// TestVerifyScript runs the transcript of `gapless verify` on files of a small world: mill-07 lost a number, mill-08 none.
func TestVerifyScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/verify",
		UpdateScripts: *update,
		Cmds:          scriptCommands,
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			writeWorld(t, env.WorkDir)
			return nil
		},
	})
}

// writeWorld puts certificates, bundles, checkpoints, the policy and segments into a directory.
func writeWorld(t *testing.T, dir string) {
	put := func(name string, b []byte) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w := world.New(t, "plant")
	one := uint64(1)
	w.Send(world.Batch{Device: "mill-07", Epoch: "a", First: &one, Seqs: world.Seqs(1, 100, 50)})
	w.Send(world.Batch{Device: "mill-08", Epoch: "a", First: &one, Seqs: world.Seqs(1, 100)})
	w.Heartbeat(on("mill-08", 101))
	w.Cut()
	put("first.checkpoint", w.Note)
	other := world.New(t, "other")
	other.Cut()
	put("strange.checkpoint", signedBy(t, w.Note, other.Note))
	w.Send(world.Batch{Device: "mill-07", Epoch: "a", Seqs: world.Seqs(101, 120)})
	w.Heartbeat(on("mill-07", 121))
	w.Settle()
	w.Cut()
	put("policy", w.Policy())
	put("other.policy", other.Policy())
	var segments []certificate.BundleSegment
	for _, name := range w.Segments() {
		b, err := vfs.ReadFile(w.FS, world.SegmentDir+"/"+name, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		put("segments/"+name, b)
		segments = append(segments, certificate.BundleSegment{Name: name, Bytes: int64(len(b)), Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(b)), nil
		}})
	}
	if len(segments) != 2 {
		t.Fatalf("%d segments", len(segments))
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	put("trace.json", w.Trace(frame.StreamKey{Tenant: "default", Device: "mill-07", Stream: "0"}, 1, 110, nil))
	for _, device := range []string{"mill-07", "mill-08"} {
		c := w.Certify(certificate.Request{Scope: certificate.Scope{Tenant: "default", Devices: []string{device}}, Since: []int64{2}})
		put(device+".json", w.Encode(c))
		var b bytes.Buffer
		if err := certificate.WriteBundle(&b, c, w.Policy(), segments); err != nil {
			t.Fatal(err)
		}
		put(device+".tar", b.Bytes())
	}
	scope := certificate.Scope{Tenant: "default", Devices: []string{"mill-08"}}
	var b bytes.Buffer
	if err := certificate.WriteBundle(&b, w.Certify(certificate.Request{Scope: scope}), w.Policy(), nil); err != nil {
		t.Fatal(err)
	}
	put("plain.tar", b.Bytes())
	put("torn.tar", b.Bytes()[:b.Len()-1024])
	put("none.policy", bytes.Replace(w.Policy(), []byte("quorum nodes"), []byte("quorum none"), 1))
	counts := scope
	counts.CountsOnly = true
	put("counts.json", w.Encode(w.Certify(certificate.Request{Scope: counts})))
	scope.Time = []string{"2026-01-01T00:00:00Z", record.Time(w.MS)}
	put("time.json", w.Encode(w.Certify(certificate.Request{Scope: scope})))
}

// signedBy is a note with the signatures of another one.
func signedBy(t *testing.T, note, other []byte) []byte {
	t.Helper()
	text, _, err := sign.Split(note)
	if err != nil {
		t.Fatal(err)
	}
	_, lines, err := sign.Split(other)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(text, []byte("\n"), lines)
}

func on(device string, next uint64) ledger.Heartbeat {
	return ledger.Heartbeat{Subject: world.On("default", device, "a"), Next: next}
}
