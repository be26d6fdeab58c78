package workload

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

const (
	auditEvery    = 4 * time.Second  // at most, between two requests of an auditor
	certifyWithin = 35 * time.Second // one of everything until now waits for a flush on a majority, and a node for three times its request_timeout
	remembered    = 4                // checkpoints, at most, that one certificate during the run is asked to continue
)

// Auditor asks for certificates all the time, at any node, keeps the checkpoint of each, and in the end checks them all offline.
type Auditor struct {
	site    *Site
	id      int
	rng     *rand.Rand
	ask     *Asker
	devices []string // sorted
	notes   map[int64][]byte
	policy  []byte // the newest that a node gave
	all     []filed
	past    time.Time // by the cluster's clock: of the newest certificate
}

// filed is a certificate with the policies that its node had before and after it: who believes is whoever had a vote in between.
type filed struct {
	*check.Certificate
	policies [2][]byte
}

// NewAuditor is client number id, who asks about these devices.
func (site *Site) NewAuditor(id int, rng *rand.Rand, devices []string) *Auditor {
	devices = slices.Compact(slices.Sorted(slices.Values(devices)))
	return &Auditor{site: site, id: id, rng: rng, ask: site.Asker(fmt.Sprintf("auditor %d", id)), devices: devices, notes: map[int64][]byte{}}
}

// Work asks until stop is closed. What goes wrong with the cluster is no fault of it: there is no certificate then.
func (a *Auditor) Work(stop <-chan struct{}) {
	for {
		select {
		case <-time.After(500*time.Millisecond + time.Duration(a.rng.IntN(int(auditEvery/time.Millisecond)-500))*time.Millisecond):
		case <-stop:
			return
		}
		at := a.site.Nodes[a.rng.IntN(len(a.site.Nodes))]
		how := []string{check.Now, check.Newest}[a.rng.IntN(2)]
		a.certify(at, how, a.wish(how))
	}
}

// wish is some devices, or a prefix, sometimes of some numbers or a time only, sometimes without anything of the frames' bytes, sometimes with proofs
// of earlier checkpoints.
func (a *Auditor) wish(how string) (w check.Asked) {
	switch device := a.devices[a.rng.IntN(len(a.devices))]; a.rng.IntN(3) {
	case 0:
		w.Prefix = device[:a.rng.IntN(len(device)+1)]
	case 1:
		w.Devices = []string{device}
	default:
		w.Devices = []string{device, a.devices[a.rng.IntN(len(a.devices))]}
		slices.Sort(w.Devices)
		w.Devices = slices.Compact(w.Devices)
	}
	switch a.rng.IntN(4) {
	case 0:
		first := a.rng.Uint64N(200)
		w.Seq = []uint64{first, first + a.rng.Uint64N(200)}
	case 1:
		if !a.past.IsZero() { // no certificate tells of a time that is not over
			to := a.past.Add(-time.Duration(a.rng.IntN(30_000)) * time.Millisecond)
			from := to.Add(-time.Duration(1+a.rng.IntN(60_000)) * time.Millisecond)
			w.Time = []string{from.UTC().Format(time.RFC3339Nano), to.UTC().Format(time.RFC3339Nano)}
		}
	}
	w.Counts = a.rng.IntN(5) == 0 && len(w.Time) == 0 // nobody could check which numbers lie in it
	if how == check.Now && a.rng.IntN(2) == 0 {
		kept := a.kept()
		w.Since = slices.Clone(kept[max(0, len(kept)-1-a.rng.IntN(remembered)):])
	}
	return w
}

// kept is the sizes of the log at the checkpoints that were kept, ascending.
func (a *Auditor) kept() (sizes []int64) {
	for size := range a.notes {
		sizes = append(sizes, size)
	}
	slices.Sort(sizes)
	return sizes
}

// certify asks for a certificate, and reports whether one was given.
func (a *Auditor) certify(at Node, how string, w check.Asked) bool {
	request := map[string]any{}
	if len(w.Devices) > 0 {
		request["devices"] = w.Devices
	} else {
		request["prefix"] = w.Prefix
	}
	if len(w.Seq) > 0 {
		request["seq"] = w.Seq
	}
	if len(w.Time) > 0 {
		request["time"] = w.Time
	}
	if w.Counts {
		request["counts_only"] = true
	}
	if len(w.Since) > 0 {
		request["since"] = w.Since
	}
	body, err := json.Marshal(request)
	if err != nil {
		a.site.Violate("schedule", "a request for a certificate that cannot be encoded: "+err.Error())
		return false
	}
	before := a.policyOf(at)
	c := &check.Certificate{Asked: w}
	c.Client, c.Node, c.Consistency, c.Invoke = a.id, at.Name, how, a.site.Now()
	header := http.Header{"Content-Type": {"application/json"}}
	status, answer, err := a.ask.Do(at, http.MethodPost, "/v1/certificates?at="+how, header, body, certifyWithin)
	c.Return = a.site.Now()
	if err != nil || busy(status) || len(w.Time) > 0 && how == check.Newest && status == http.StatusBadRequest { // its newest census may be older
		return false
	}
	if status == http.StatusOK {
		err = check.ParseCertificate(answer, c)
	} else {
		err = fmt.Errorf("%d %.400s", status, answer)
	}
	if err != nil {
		a.site.Violate("answers", fmt.Sprintf("%s: certificate of %s: %v", at.Name, &w, err))
		return false
	}
	if c.At.After(a.past) {
		a.past = c.At
	}
	a.notes[c.Log.Size] = c.Checkpoint
	a.all = append(a.all, filed{c, [2][]byte{before, a.policyOf(at)}})
	a.site.Record(func(r *check.Run) { r.Certified = append(r.Certified, c) })
	return true
}

// busy reports whether a node says that it cannot certify anything at the moment.
func busy(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusConflict, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// Finish asks every node, once nothing is sent any more, for a certificate of everything, with the proof that its log continues every
// checkpoint that was kept, and for the records of the log. Where not all is whole it asks once.
func (a *Auditor) Finish(whole bool) {
	defer a.ask.Close()
	for _, at := range a.site.Nodes {
		for range tries {
			if a.certify(at, check.Now, check.Asked{Devices: a.devices, Since: a.kept()}) || !whole {
				break
			}
			time.Sleep(time.Second)
		}
		a.certify(at, check.Newest, check.Asked{Devices: a.devices, Counts: true})
		a.certify(at, check.Newest, a.wish(check.Newest))
		a.site.Records(a.ask, at)
	}
}

// policyOf asks a node whom to believe. If it does not say, it is as it was.
func (a *Auditor) policyOf(at Node) []byte {
	status, policy, err := a.ask.Do(at, http.MethodGet, "/v1/proof/policy", nil, nil, askLimit)
	if err == nil && status == http.StatusOK {
		a.policy = policy
	}
	return a.policy
}

// Sealing samples how far the proof is on a node.
func (site *Site) Sealing(ask *Asker, at Node) *check.Sealing {
	from := site.Now()
	status, body, err := ask.Do(at, http.MethodGet, "/v1/proof", nil, nil, time.Second)
	if err != nil || status != http.StatusOK {
		return nil
	}
	s, err := check.ParseSealing(body)
	if err != nil {
		site.understood(at, err)
		return nil
	}
	s.Node, s.Invoke, s.Return = at.Name, from, site.Now()
	site.Record(func(r *check.Run) { r.Sealings = append(r.Sealings, s) })
	return &s
}
