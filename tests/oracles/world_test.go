package oracles

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/tests/cluster"
	"github.com/gaplessdb/gapless/tests/recordings"
)

// world is three nodes and the recordings.
type world struct {
	*cluster.Cluster
	bin, data string
}

// TestOracles shares one cluster: each part has devices of its own.
func TestOracles(t *testing.T) {
	w := start(t)
	t.Run("counters", w.counters)
	t.Run("cadence", w.cadence)
	t.Run("cells", w.cells)
	t.Run("windows", w.windows)
	t.Run("again", w.again)
}

// start runs the nodes with ten years of device times that are believed: the recordings are old. Gaps become final after a second.
func start(t *testing.T) *world {
	t.Helper()
	dir := recordings.Dir(t)
	if testing.Short() {
		t.Skip("SKIP(short): real processes")
	}
	w := &world{Cluster: cluster.Start(t, 3), bin: cluster.Binary(t), data: dir}
	w.policy(t, "ledger.skew_limit_ms=315360000000", "ledger.grace_ms=1000")
	return w
}

// policy changes the replicated settings.
func (w *world) policy(t *testing.T, settings ...string) {
	t.Helper()
	w.run(t, append([]string{"ctl", "policy", "set", "--url", w.Nodes[0].HTTP}, settings...)...)
}

// run starts the command and returns what it printed; it must end well.
func (w *world) run(t *testing.T, args ...string) []byte {
	t.Helper()
	out, code := w.try(t, args...)
	if code != 0 {
		t.Fatalf("gapless %s: exit code %d", strings.Join(args, " "), code)
	}
	return out
}

// try starts the command and returns what it printed and its exit code.
func (w *world) try(t *testing.T, args ...string) ([]byte, int) {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd := exec.Command(w.bin, args...)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	if err != nil {
		t.Logf("gapless %s: %v\n%s", strings.Join(args, " "), err, errOut.Bytes())
	}
	return out.Bytes(), cmd.ProcessState.ExitCode()
}

// summary is what `gapless replay --json` prints.
type summary struct {
	Files []struct {
		Done                                            bool
		Rows, Filtered, Skipped, Bad, Frames            int64
		Sent, Accepted, Duplicate, Conflict, Unverified int64
		Rejected, Resumed, Retries                      int64
		Position                                        string
	}
	Devices []struct {
		Device, Verdict                         string
		Epochs, Expected, Stored, Missing, Gaps uint64
	}
}

// replay imports a recording.
func (w *world) replay(t *testing.T, file string, args ...string) summary {
	t.Helper()
	s := parse(t, w.run(t, w.command(file, append(args, "--state", "none")...)...))
	if len(s.Files) != 1 || !s.Files[0].Done {
		t.Fatalf("replay of %s: %+v", file, s)
	}
	return s
}

// command is the arguments of a replay through all nodes.
func (w *world) command(file string, args ...string) []string {
	if !filepath.IsAbs(file) {
		file = filepath.Join(w.data, file)
	}
	var urls []string
	for _, n := range w.Nodes {
		urls = append(urls, n.HTTP)
	}
	return append([]string{"replay", file, "--json", "--url", strings.Join(urls, ",")}, args...)
}

func parse(t *testing.T, out []byte) (s summary) {
	t.Helper()
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatalf("the summary is not JSON: %v\n%s", err, out)
	}
	return s
}

// ask puts a question to one node after the other: each must answer, and the last answer is decoded.
func (w *world) ask(t *testing.T, path string, into any) {
	t.Helper()
	joint := "?"
	if strings.Contains(path, "?") {
		joint = "&"
	}
	url := w.Nodes[len(path)%len(w.Nodes)].HTTP + path + joint + "consistency=linearizable"
	if err := cluster.GetJSON(url, into); err != nil {
		t.Fatal(fmt.Errorf("%w", err))
	}
}
