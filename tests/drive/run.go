package drive

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/schedule"
	"github.com/gaplessdb/gapless/tests/workload"
)

// Outcome is what came of a run.
type Outcome struct {
	Verdict check.Verdict
	Run     *check.Run
	Journal string        // what the nodes logged, and what was done to them
	Took    time.Duration // on the controller's clock
	Acked   uint64        // frames
	Merges  int64
	Samples []Sample
}

// streams of chance, besides those that the steps draw from.
const (
	senderStream = 1
	readerStream = 2
	flushStream  = 3
	followStream = 4
	auditStream  = 5
)

// Numbers of clients: of the one that follows the tail, of the one that asks for certificates, and of visitors from here on.
const (
	followClient = 70
	auditClient  = 71
	crowdClients = 1000
)

// mergeWindow and sealEvery are those of the cluster's policy.
const (
	mergeWindow = 10 * time.Second
	sealEvery   = 5 * time.Second
)

// Run carries out a schedule, and judges what happened. An error is one of the world, which could not be built.
func Run(plan *schedule.Schedule, opt Options) (*Outcome, error) {
	d, err := newDriver(plan, opt)
	if err != nil {
		return nil, err
	}
	for _, m := range d.machines {
		d.tasks.Go(m.supervise)
	}
	d.live()
	out := &Outcome{Took: d.Now(), Journal: d.journal.String(), Merges: d.merges.Load(), Samples: d.samples}
	faults := d.weighed()
	d.Record(func(r *check.Run) { r.Faults, r.Beyond = faults, plan.Beyond })
	out.Run, out.Verdict = d.Judge()
	out.doubt()
	for i := range out.Run.Batches {
		if b := &out.Run.Batches[i]; b.Outcome == check.Acked {
			out.Acked += uint64(b.Accepted)
		}
	}
	return out, nil
}

// doubt lets no run pass in which something never happened that all these clients and flushes should have brought about.
func (o *Outcome) doubt() {
	v := &o.Verdict
	missing := slices.Clone(v.Blind)
	if o.Merges == 0 {
		missing = append(missing, "no segments were merged")
	}
	if v.Result == check.Pass && len(missing) > 0 {
		v.Result, v.Why = check.Inconclusive, append(v.Why, missing...)
	}
}

// live is the whole life of a cluster.
func (d *Driver) live() {
	d.until("liveness", "disks with a name", time.Minute, d.named)
	d.until("liveness", "a new cluster", time.Minute, d.allReady)
	d.until("liveness", "the policy", time.Minute, d.policy(map[string]any{"interval_ms": sealEvery.Milliseconds()}))
	stop := make(chan struct{})
	var clients sync.WaitGroup
	all := d.send(stop, &clients)
	for i := range d.opt.Readers {
		r := d.NewReader(d.opt.Senders+i, d.stream(readerStream, i), d.devices)
		clients.Go(func() { r.Work(stop) })
	}
	follower := d.NewFollower(followClient, d.stream(followStream, 0))
	clients.Go(func() { follower.Work(stop) })
	auditor := d.NewAuditor(auditClient, d.stream(auditStream, 0), d.devices)
	clients.Go(func() { auditor.Work(stop) })
	for _, task := range []func(){d.operate, d.watch, d.sampleStorage, d.watchFiles} {
		d.tasks.Go(task)
	}
	clients.Go(func() { d.flushAtTimes(d.stream(flushStream, 0), stop) })
	time.Sleep(d.opt.WarmUp)
	d.begun = time.Now()
	d.breakAll()
	time.Sleep(d.plan.Length)
	whole := d.heal()
	time.Sleep(2 * time.Second) // some load on the healed cluster
	close(stop)
	clients.Wait()
	if whole {
		for _, s := range all {
			s.Finish()
		}
		d.resealed()
		d.until("liveness", "the policy", sameWithin, d.policy(map[string]any{"off": true})) // or floors would not stay as they are
		d.settle()
	}
	var finals sync.WaitGroup
	for _, n := range d.Nodes {
		finals.Go(func() { d.Final(n, d.devices) })
	}
	finals.Wait()
	follower.Finish()
	d.certify(auditor, whole)
}

// end stops everything.
func (d *Driver) end() {
	close(d.done)
	d.tasks.Wait()
	for _, m := range d.machines {
		m.shutDown()
	}
	d.control.Close()
}

// send starts the senders, and learns their devices.
func (d *Driver) send(stop <-chan struct{}, clients *sync.WaitGroup) (all []*workload.Sender) {
	for i := range d.opt.Senders + d.opt.Crowd {
		var s *workload.Sender
		if i < d.opt.Senders {
			s = d.NewSender(i, d.stream(senderStream, i))
		} else {
			s = d.NewVisitor(crowdClients+i, d.stream(senderStream, i))
		}
		all = append(all, s)
		d.devices = append(d.devices, s.Devices()...)
		clients.Go(func() { s.Work(stop) })
	}
	return all
}

// named reports whether every disk has its id: then the first configuration is known, before anybody votes.
func (d *Driver) named() (bool, string) {
	var ids []string
	for _, m := range d.machines {
		id := m.server()
		if id == "" {
			return false, m.Name() + " has none"
		}
		ids = append(ids, id)
	}
	d.setVoters(d.machines[0], ids)
	return true, ""
}

// stream is a source of chance that nothing else draws from, so that a shorter schedule does not change what the clients want.
func (d *Driver) stream(kind, number int) *rand.Rand {
	return rand.New(rand.NewPCG(d.plan.Seed, uint64(kind)<<32|uint64(number)))
}

// policy makes merges as frequent as flush points: a window is shorter than what one flush covers, and two segments are enough. seal is when seals end.
func (d *Driver) policy(seal map[string]any) func() (bool, string) {
	return func() (bool, string) {
		at := d.Nodes[0]
		status, body, err := d.control.Do(at, http.MethodGet, "/v1/policy", nil, nil, time.Second)
		var policy map[string]any
		if err != nil || status != http.StatusOK || json.Unmarshal(body, &policy) != nil {
			return false, fmt.Sprintf("%d %s %v", status, body, err)
		}
		policy["flush_bytes"], policy["seal"] = d.opt.FlushBytes, seal
		policy["merge"] = map[string]any{"window_ms": mergeWindow.Milliseconds(), "fan_in": 2, "max_bytes": d.opt.MergeBytes}
		changed, err := json.Marshal(policy)
		if err != nil {
			return false, err.Error()
		}
		status, body, err = d.control.Do(at, http.MethodPut, "/v1/policy", nil, changed, 10*time.Second)
		return err == nil && status == http.StatusOK, fmt.Sprintf("%d %s %v", status, body, err)
	}
}

// flushAtTimes flushes now and then besides, so that there is something to merge, and merges take effect.
func (d *Driver) flushAtTimes(rng *rand.Rand, stop <-chan struct{}) {
	for {
		select {
		case <-time.After(time.Duration(2+rng.IntN(7)) * time.Second):
			d.commandNow(schedule.Flush)
		case <-stop:
			return
		}
	}
}

// weighed is the faults with what was felt of them.
func (d *Driver) weighed() []check.Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.faults {
		b := &d.felt[i]
		d.faults[i].Witness = b.witness()
		d.faults[i].MustFind = b.must != nil && b.must()
	}
	if w, ok := d.world.(Narrow); ok {
		for _, f := range w.Felt() {
			f.To = d.Now()
			d.faults = append(d.faults, f)
		}
	}
	return d.faults
}
