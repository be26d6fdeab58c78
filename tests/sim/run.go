package sim

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/schedule"
)

// Who uses the cluster.
const (
	senders = 4
	readers = 2
)

// warmUp is how long there is load before the schedule begins: the first faults meet segments and floors, too.
const warmUp = 8 * time.Second

// flushBytes is the smallest flush point there can be: a run has dozens.
const flushBytes = 64 << 10

// Merges are as frequent: a window is shorter than what one flush covers, and two segments are enough.
const (
	mergeWindow = 10 * time.Second
	mergeBytes  = 256 << 10
)

// linger is how long a bubble goes on after its last node closed: the HTTP server's cleaner of idle workers looks every ten seconds whether it is
// still wanted.
const linger = 30 * time.Second

// Outcome is what came of a run.
type Outcome struct {
	Verdict check.Verdict
	Run     *check.Run
	Journal string        // what the nodes logged, and what was done to them
	Virtual time.Duration // how long it took in the simulation
	Real    time.Duration
	Acked   uint64 // frames
	Merges  int64
}

// startClock starts what fasthttp starts once for all servers and never ends, outside of any bubble.
var startClock = sync.OnceFunc(func() { new(fasthttp.ResponseHeader).Header() })

// Simulate carries out a schedule on three nodes under load, and judges the run.
func Simulate(t *testing.T, plan *schedule.Schedule, level slog.Level) (out Outcome) {
	t.Helper()
	startClock()
	real := time.Now()
	var c *cluster
	bubble(t, func() {
		c = newCluster(plan, level)
		c.live()
		out = Outcome{Run: c.run, Virtual: c.now(), Journal: c.journal.String()}
		time.Sleep(linger)
	})
	out.Run.Faults = c.weighed()
	out.Verdict = check.Judge(c.run)
	c.addFindings(&out.Verdict)
	if out.Merges = c.merges.Load(); out.Merges == 0 && out.Verdict.Result == check.Pass {
		out.Verdict.Result, out.Verdict.Why = check.Inconclusive, append(out.Verdict.Why, "no segments were merged")
	}
	out.Real = time.Since(real)
	for i := range out.Run.Batches {
		if b := &out.Run.Batches[i]; b.Outcome == check.Acked {
			out.Acked += uint64(b.Accepted)
		}
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

// live is the whole life of a cluster.
func (c *cluster) live() {
	c.until("liveness", "three disks with a name", time.Minute, c.named)
	c.until("liveness", "a new cluster", time.Minute, c.allReady)
	c.until("liveness", "the policy", time.Minute, c.setPolicy)
	stop := make(chan struct{})
	var clients sync.WaitGroup
	var all []*sender
	for i := range senders {
		s := c.newSender(i, c.stream(1, i))
		all = append(all, s)
		for _, src := range s.sources {
			if !slices.Contains(c.devices, src.device) {
				c.devices = append(c.devices, src.device)
			}
		}
		clients.Go(func() { s.work(stop) })
	}
	for i := range readers {
		r := c.newReader(senders+i, c.stream(2, i), c.devices)
		clients.Go(func() { r.work(stop); r.ask.close() })
	}
	c.tasks.Go(c.operate)
	c.tasks.Go(c.watch)
	c.tasks.Go(c.sampleStorage)
	c.tasks.Go(c.watchFiles)
	clients.Go(func() { c.flushAtTimes(c.stream(3, 0), stop) })
	time.Sleep(warmUp)
	c.begun = time.Now()
	c.breakAll()
	time.Sleep(c.plan.Length)
	c.heal()
	time.Sleep(2 * time.Second) // some load on the healed cluster
	close(stop)
	clients.Wait()
	for _, s := range all {
		s.finish()
		s.ask.close()
	}
	c.settle()
	for _, m := range c.machines {
		c.final(m)
	}
	close(c.done)
	c.tasks.Wait()
	for _, m := range c.machines {
		m.shutDown()
	}
	c.control.close()
}

// named reports whether every disk has its id: then the first configuration is known, before anybody votes.
func (c *cluster) named() (bool, string) {
	var ids []string
	for _, m := range c.machines {
		id := m.server()
		if id == "" {
			return false, m.name + " has none"
		}
		ids = append(ids, id)
	}
	c.setVoters(c.machines[0], ids)
	return true, ""
}

// stream is a source of chance that nothing else draws from, so that a shorter schedule does not change what the clients want.
func (c *cluster) stream(kind, number int) *rand.Rand {
	return rand.New(rand.NewPCG(c.plan.Seed, uint64(kind)<<32|uint64(number)))
}

// setPolicy makes flush points and merges frequent.
func (c *cluster) setPolicy() (bool, string) {
	m := c.machines[0]
	status, body, err := c.control.do(m, http.MethodGet, "/v1/policy", nil, nil, time.Second)
	var policy map[string]any
	if err != nil || status != http.StatusOK || json.Unmarshal(body, &policy) != nil {
		return false, fmt.Sprintf("%d %s %v", status, body, err)
	}
	policy["flush_bytes"] = flushBytes
	policy["merge"] = map[string]any{"window_ms": mergeWindow.Milliseconds(), "fan_in": 2, "max_bytes": mergeBytes}
	changed, err := json.Marshal(policy)
	if err != nil {
		return false, err.Error()
	}
	status, body, err = c.control.do(m, http.MethodPut, "/v1/policy", nil, changed, 10*time.Second)
	return err == nil && status == http.StatusOK, fmt.Sprintf("%d %s %v", status, body, err)
}

// flushAtTimes flushes now and then besides, so that there is something to merge, and merges take effect.
func (c *cluster) flushAtTimes(rng *rand.Rand, stop <-chan struct{}) {
	for {
		select {
		case <-time.After(time.Duration(2+rng.IntN(7)) * time.Second):
			c.commandNow(schedule.Flush)
		case <-stop:
			return
		}
	}
}

// weighed is the faults with what was felt of them.
func (c *cluster) weighed() []check.Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.run.Faults {
		c.run.Faults[i].Witness = c.felt[i]()
	}
	return c.run.Faults
}

// addFindings adds what the simulation itself saw to a verdict.
func (c *cluster) addFindings(v *check.Verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.findings) > 0 {
		v.Result = check.Fail
		v.Violations = append(v.Violations, c.findings...)
	}
}

// finish makes what a sender knows of its counters known to the cluster.
func (s *sender) finish() {
	for _, src := range s.sources {
		for try := 0; src.numbered && src.declares && s.heartbeat(src) != check.Acked; try++ {
			if try == tries {
				s.c.violate("liveness", "a heartbeat was not acknowledged after the heal: "+src.device)
				break
			}
			time.Sleep(time.Second)
		}
	}
}
