package demo

import (
	"context"
	"io"
	"net/http"
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
		{"tail", "tail", ExitMismatch, []string{"MISMATCH", "bounds: device demo/rail-03 stream traction epoch \"2\": last number is "}},
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
					t.Logf("log of %s: %v\n%.2000s", n, err, log)
				}
			}
		})
	}
}

// TestDoors sends what each printed line sends to a real cluster: all must be answered.
func TestDoors(t *testing.T) {
	binary := realBinary(t)
	ctx, cancel := context.WithCancel(t.Context())
	var out screen
	httpPort, clusterPort := freePorts(t)
	code := make(chan int)
	go func() {
		code <- Run(ctx, Options{
			Dir: filepath.Join(t.TempDir(), "demo"), Binary: binary, Out: &out, Stay: true, HTTPPort: httpPort, ClusterPort: clusterPort,
		})
	}()
	out.waitFor(t, "Ctrl-C stops it")
	url := "http://" + loopback(httpPort)
	for i := range allDoors {
		d := &allDoors[i]
		if !strings.Contains(out.String(), d.curl(url)) {
			t.Errorf("no line %q", d.curl(url))
		}
		status, body := knock(t, url, d)
		if status != http.StatusOK {
			t.Errorf("%s: %d %s", d.what, status, body)
		}
	}
	cancel()
	if c := <-code; c != ExitExact {
		t.Errorf("exit code %d:\n%s", c, out.String())
	}
}

// knock sends the request that a door's line sends.
func knock(t *testing.T, url string, d *door) (int, string) {
	t.Helper()
	method := http.MethodGet
	if d.body != "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url+d.path, strings.NewReader(d.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", d.contentType)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
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
