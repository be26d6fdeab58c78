package oracles

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/cluster"
)

// batch is the frames of a request.
const batch = 1000

// again: a second replay adds only duplicates, and an interrupted one goes on, so that both together are one.
func (w *world) again(t *testing.T) {
	t.Run("twice", w.twice)
	t.Run("interrupted", w.interrupted)
	t.Run("killed", w.killed)
}

// twice sends files again that have restarts, rules, no numbers at all, and epochs by name: by the request's key or by the number, nothing is
// stored twice.
func (w *world) twice(t *testing.T) {
	w.policy(t, "ledger.restart_below=10", "ledger.restart_drop=500")
	defer w.policy(t, "ledger.restart_below=0", "ledger.restart_drop=0")
	for _, tt := range []struct {
		file, device string
		args         []string
	}{
		{eynard, "again/d1d1e80000000032", append(slices.Clone(eynardArgs), "--device", "again/{device}")},
		{perret, "again/00000048", append(slices.Clone(perretArgs), "--device", "again/{devaddr}", "--epoch", "{devaddr}")},
		{"nab_real.csv.gz", "again/elb_request_count_8c0756",
			[]string{"--time", "timestamp", "--time-format", "datetime", "--allow-skew", "--device", "again/{device}"}},
		{"px4_sensor_combined.csv.gz", "again/px4", append(slices.Clone(px4Args), "--device", "again/px4")},
	} {
		first := w.replay(t, tt.file, tt.args...)
		before := w.reports(t, tt.device)
		second := w.replay(t, tt.file, tt.args...)
		a, b := first.Files[0], second.Files[0]
		own := b.Retries * batch // an answer that was lost may have said accepted: who asks again cannot tell whose frames those were
		if a.Accepted == 0 || b.Accepted > own || b.Accepted+b.Duplicate+b.Conflict+b.Unverified != a.Sent || b.Sent != a.Sent {
			t.Errorf("%s: first %+v, then %+v", tt.file, a, b)
		}
		after := w.reports(t, tt.device)
		for i := range after {
			if i >= len(before) || after[i].Stored != before[i].Stored || after[i].Expected != before[i].Expected {
				t.Errorf("%s: %s had %+v, now %+v", tt.file, tt.device, before, after)
				break
			}
		}
	}
}

// interrupted sends SIGINT in the middle, again and again, until the replay ends by itself.
func (w *world) interrupted(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	args := w.command(eynard, append(slices.Clone(eynardArgs), "--device", "interrupted/{device}", "--state", state, "--batch", "200")...)
	sent := int64(0)
	for runs := 1; ; runs++ {
		out, code := w.until(t, append(args, "--rate", "12000"), state, sent+1000, syscall.SIGINT)
		s := parse(t, out)
		sent = s.Files[0].Sent
		if code == 0 {
			f := s.Files[0]
			if runs < 3 || f.Accepted+f.Conflict+f.Duplicate != 33_288 || f.Sent != 33_288 || f.Resumed == 0 {
				t.Errorf("after %d runs: %+v", runs, f)
			}
			if f.Duplicate != 0 {
				t.Errorf("%d frames were sent twice, although each run ended in good order", f.Duplicate)
			}
			break
		}
		if code != 130 || s.Files[0].Done || runs > 10 {
			t.Fatalf("run %d: exit code %d, %+v", runs, code, s)
		}
	}
	if _, err := os.Stat(state); !os.IsNotExist(err) {
		t.Errorf("the state file stays behind: %v", err)
	}
	w.same(t, "interrupted/d1d1e80000000033", numbersOf(w.recording(t, eynard), "device", "d1d1e80000000033"), never)
}

// killed is a replay that a crash ends; what was sent after the state was written is sent again.
func (w *world) killed(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	args := w.command("skab_valve_testbed.csv.gz", "--time", "datetime", "--time-format", "datetime", "--device", "killed/{device}",
		"--state", state, "--batch", "100")
	if _, code := w.until(t, append(args, "--rate", "20000"), state, 1, syscall.SIGKILL); code == 0 {
		t.Fatal("the replay ended before it was killed")
	}
	s := parse(t, w.run(t, append(args, "--rate", "20000")...))
	if f := s.Files[0]; f.Sent != 46_806 || f.Accepted+f.Duplicate != 46_806 || f.Resumed == 0 {
		t.Errorf("after the crash: %+v", f)
	}
	var stored uint64
	for _, d := range s.Devices {
		stored += d.Stored
	}
	if stored != 46_806 {
		t.Errorf("%d unnumbered frames are stored, the file has 46806", stored)
	}
}

// until runs a replay and sends it a signal once its state file tells of so many frames.
func (w *world) until(t *testing.T, args []string, state string, frames int64, sig os.Signal) (out []byte, code int) {
	t.Helper()
	cmd := exec.Command(w.bin, args...)
	pipe, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	defer pipe.Close()
	cmd.Stdout, cmd.Stderr = pipe, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	cluster.Eventually(t, 30*time.Second, func() bool {
		select {
		case <-ended:
			return true
		default:
		}
		var s struct{ Counts struct{ Sent int64 } }
		b, err := os.ReadFile(state)
		return err == nil && json.Unmarshal(b, &s) == nil && s.Counts.Sent >= frames
	}, func() string { return "the replay does not get on" })
	cmd.Process.Signal(sig) // in vain when it has ended
	<-ended
	if out, err = os.ReadFile(pipe.Name()); err != nil {
		t.Fatal(err)
	}
	return out, cmd.ProcessState.ExitCode()
}
