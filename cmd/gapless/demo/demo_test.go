package demo

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// realBinary builds the program.
func realBinary(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("starts real clusters")
	}
	path := filepath.Join(t.TempDir(), "gapless")
	cmd := exec.Command("go", "build", "-o", path, "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// freePorts keeps tests away from a cluster that somebody runs at the usual ports.
func freePorts(t *testing.T) (http, cluster int) {
	t.Helper()
	p, err := otherPorts()
	if err != nil {
		t.Fatal(err)
	}
	return p.HTTP[0], p.Cluster[0]
}

// TestDemo runs a small demo for real: three processes, a killed leader, a comparison. The lies must make it fail and be named.
func TestDemo(t *testing.T) {
	binary := realBinary(t)
	for _, tc := range []struct {
		name, lie string
		code      int
		want      []string
	}{
		{"exact", "", ExitExact, []string{"killed the leader n", "restarted n", "kill to first ack", "EXACT: "}},
		{"drop", "drop", ExitMismatch, []string{"MISMATCH", "lost: device demo/mill-02 stream 0 epoch \"2\" seq "}},
		{"invent", "invent", ExitMismatch, []string{"MISMATCH", "invented: device demo/mill-02 stream 0 epoch \"1\" seq "}},
		{"tail", "tail", ExitMismatch, []string{"MISMATCH", "bounds: device demo/lora-05 stream 0 epoch \"2\": last number is "}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out strings.Builder
			dir := filepath.Join(t.TempDir(), "demo")
			http, cluster := freePorts(t)
			code := Run(t.Context(), Options{
				Dir: dir, Binary: binary, Out: &out, Break: tc.lie, HTTPPort: http, ClusterPort: cluster,
				Devices: 8, Frames: 6000, Duration: 3 * time.Second, Down: time.Second,
			})
			if code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			for _, want := range tc.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("output lacks %q", want)
				}
			}
			if t.Failed() {
				t.Logf("output:\n%s", out.String())
				for _, n := range nodeNames {
					log, err := os.ReadFile(filepath.Join(dir, n+".log"))
					t.Logf("log of %s: %v\n%.4000s", n, err, log)
				}
			}
		})
	}
}

// TestBadOptions: what cannot run says so and makes nothing.
func TestBadOptions(t *testing.T) {
	for _, o := range []Options{{Break: "everything"}, {Devices: 1}, {Frames: 10}} {
		var out strings.Builder
		o.Dir, o.Out = filepath.Join(t.TempDir(), "demo"), &out
		if code := Run(context.Background(), o); code != ExitFailed || out.Len() == 0 {
			t.Errorf("%+v: code %d, %q", o, code, out.String())
		}
		if _, err := os.Stat(o.Dir); err == nil {
			t.Errorf("%+v: made %s", o, o.Dir)
		}
	}
}
