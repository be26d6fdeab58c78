package sim

import (
	"fmt"
	"log/slog"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless"
	"github.com/gaplessdb/gapless/tests/drive"
	"github.com/gaplessdb/gapless/tests/schedule"
)

// Who uses the cluster.
const (
	senders = 4
	readers = 2
)

// healWithin is in virtual time.
const healWithin = 3 * time.Minute

// warmUp is how long there is load before the schedule begins: the first faults meet segments and floors, too.
const warmUp = 8 * time.Second

// Sizes in the policy: the smallest flush point there can be, so that a run has dozens, and merges of a few.
const (
	flushBytes = 64 << 10
	mergeBytes = 256 << 10
)

// linger is how long a bubble goes on after its last node closed: the HTTP server's cleaner of idle workers looks every ten seconds whether it is
// still wanted.
const linger = 30 * time.Second

// startClock starts what fasthttp starts once for all servers and never ends, outside of any bubble.
var startClock = sync.OnceFunc(func() { new(fasthttp.ResponseHeader).Header() })

// Simulate carries out a schedule on three nodes under load, and judges the run.
func Simulate(t *testing.T, plan *schedule.Schedule, level slog.Level) (out *drive.Outcome) {
	t.Helper()
	startClock()
	var err error
	bubble(t, func() {
		out, err = drive.Run(plan, drive.Options{
			Level: level, Build: newWorld, Senders: senders, Readers: readers, WarmUp: warmUp, HealWithin: healWithin,
			FenceAfter: gapless.Defaults().FenceAfter,
			FlushBytes: flushBytes, MergeBytes: mergeBytes,
		})
		time.Sleep(linger)
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// bubble runs a simulation. Goroutines that are left over are those that wait for an answer of a Raft whose process died: a dead process would have
// taken them with it (raftfsm.Instance has more). Any others are a fault.
func bubble(t *testing.T, simulation func()) {
	t.Helper()
	own := ""
	defer func() {
		left := recover()
		if left == nil {
			return
		}
		for _, one := range strings.Split(stacks(true), "\n\n") {
			if own == "" || strings.Contains(one, own) && !strings.Contains(one, "raft.(*deferError).Error") {
				panic(fmt.Sprintf("%v\n%s", left, one))
			}
		}
	}()
	synctest.Test(t, func(*testing.T) {
		own = regexp.MustCompile(`synctest bubble \d+\]`).FindString(stacks(false))
		simulation()
	})
}

// stacks is where goroutines are: of all, or of the calling one.
func stacks(all bool) string {
	b := make([]byte, 4<<20)
	return string(b[:runtime.Stack(b, all)])
}
