//go:build linux

package skew

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/cluster"
	"github.com/gaplessdb/gapless/tests/fault/host"
)

// helperName is what this test program is called when it is to be the process with the clock.
const helperName = "helper"

func TestMain(m *testing.M) {
	host.Main()
	Main()
	if len(os.Args) == 2 && os.Args[1] == helperName {
		help(os.Stdin, os.Stdout)
		os.Exit(0)
	}
	if os.Getenv(ownerEnv) != "" {
		beOwner()
	}
	os.Exit(cluster.Main(m))
}

// help answers each line of in: with the wall clock, what a pause takes on the monotonic clock, or what many threads read.
func help(in io.Reader, out io.Writer) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		switch lines.Text() {
		case "now":
			fmt.Fprintln(out, time.Now().UnixNano())
		case "pause": // a reading with both clocks, and one of the monotonic only, 20 ms apart
			start := time.Now()
			time.Sleep(20 * time.Millisecond)
			fmt.Fprintln(out, int64(time.Since(start)))
		case "threads":
			earliest, latest := threads()
			fmt.Fprintln(out, earliest, latest)
		case "calls":
			fmt.Fprintln(out, calls()...)
		case "spin":
			fmt.Fprintln(out, 1)
			for {
				runtime.KeepAlive(time.Now())
			}
		}
	}
}

// threads reads the clock 100 times on each of 50 threads that exist at once.
func threads() (earliest, latest int64) {
	var mu sync.Mutex
	var all, up sync.WaitGroup
	up.Add(50)
	for range 50 {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			up.Done()
			up.Wait()
			for range 100 {
				now := time.Now().UnixNano()
				mu.Lock()
				if earliest == 0 || now < earliest {
					earliest = now
				}
				latest = max(latest, now)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return earliest, latest
}

// subject is a process with a clock.
type subject struct {
	t testing.TB
	*Clock
	cmd  *exec.Cmd
	in   io.WriteCloser
	pipe *os.File
	out  *bufio.Reader // of pipe
}

func needs(t testing.TB) {
	t.Helper()
	if err := Check(); err != nil {
		t.Skipf("SKIP skew: %v", err)
	}
}

// start wraps a command that answers as help does, and starts it.
func start(t testing.TB, cmd *exec.Cmd) *subject {
	t.Helper()
	needs(t)
	s := &subject{t: t}
	s.Clock, s.cmd = Wrap(cmd)
	s.cmd.Stderr = os.Stderr
	var err error
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.pipe, s.out = out.(*os.File), bufio.NewReader(out)
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		s.cmd.Wait()
	})
	return s
}

func (s *subject) ask(what string) (numbers []int64) {
	s.t.Helper()
	fmt.Fprintln(s.in, what)
	line, err := s.out.ReadString('\n')
	for _, word := range strings.Fields(line) {
		var n int64
		fmt.Sscan(word, &n)
		numbers = append(numbers, n)
	}
	if err != nil || len(numbers) == 0 {
		s.t.Fatalf("asked for %q: %q, %v", what, line, err)
	}
	return numbers
}

// offset reads the process's wall clock and tells how far it is from ours: our own clock runs on while it answers, so that is a range.
func (s *subject) offset() (atLeast, atMost time.Duration) {
	s.t.Helper()
	before := time.Now().UnixNano()
	theirs := s.ask("now")[0]
	after := time.Now().UnixNano()
	return time.Duration(theirs - after), time.Duration(theirs - before)
}

func (s *subject) wantOffset(want time.Duration) {
	s.t.Helper()
	if low, high := s.offset(); want < low || want > high {
		s.t.Errorf("the clock is %v to %v ahead; want %v", low, high, want)
	}
}

func helper() *exec.Cmd { return exec.Command("/proc/self/exe", helperName) }

// static builds a program without libc, as gapless is released.
func static(t *testing.T, source string) (bin string) {
	t.Helper()
	bin = filepath.Join(t.TempDir(), "program")
	build := exec.Command("go", "build", "-o", bin, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

func TestSet(t *testing.T) {
	needs(t)
	for name, cmd := range map[string]*exec.Cmd{"static": exec.Command(static(t, "./testdata/clock")), "this program": helper()} {
		t.Run(name, func(t *testing.T) {
			s := start(t, cmd)
			s.wantOffset(0)
			for _, offset := range []time.Duration{time.Hour, -300 * time.Second, 30 * 24 * time.Hour, -100 * 365 * 24 * time.Hour, 0} {
				s.Set(offset)
				s.wantOffset(offset)
			}
			reads := s.Reads()
			s.ask("now")
			if got := s.Reads(); got == reads {
				t.Errorf("%d reads, as before a read", got)
			}
		})
	}
}

// strobe lets a clock jump by amount now, back after every, and so on, until stop.
func strobe(c *Clock, amount, every time.Duration) (stop func()) {
	tick, done := time.NewTicker(every), make(chan struct{})
	var jumps sync.WaitGroup
	jumps.Go(func() {
		for jump := amount; ; jump = amount - jump {
			c.Set(jump)
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	})
	return func() {
		tick.Stop()
		close(done)
		jumps.Wait()
	}
}

func TestMonotonicStaysTrue(t *testing.T) {
	s := start(t, helper())
	defer strobe(s.Clock, -time.Hour, time.Millisecond)()
	for range 10 {
		before := time.Now()
		if took := time.Duration(s.ask("pause")[0]); took < 20*time.Millisecond || took > time.Since(before) {
			t.Errorf("a pause of 20 ms took %v on the monotonic clock, of %v here", took, time.Since(before))
		}
	}
}

func TestThreads(t *testing.T) {
	s := start(t, helper())
	s.Set(time.Hour)
	before := time.Now().Add(time.Hour).UnixNano()
	got := s.ask("threads")
	after := time.Now().Add(time.Hour).UnixNano()
	if got[0] < before || got[1] > after {
		t.Errorf("threads read from %d to %d; want it within %d to %d", got[0], got[1], before, after)
	}
	if s.Reads() < 5000 {
		t.Errorf("%d reads counted of 5000", s.Reads())
	}
}

// The system calls that Go does not use, by the programs of the machine.
func TestOtherPrograms(t *testing.T) {
	needs(t)
	date, err := exec.LookPath("date")
	if err != nil {
		t.Skip("SKIP skew/date: needs date")
	}
	c, cmd := Wrap(exec.Command(date, "+%s"))
	defer c.Close()
	c.Set(-time.Hour)
	before := time.Now().Unix()
	out, err := cmd.Output()
	var got int64
	fmt.Sscan(string(out), &got)
	if err != nil || got < before-3600 || got > time.Now().Unix()-3600 {
		t.Errorf("date says %s, %v; an hour ago it was %d", out, err, before-3600)
	}
}
