package workload

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/tests/check"
)

const askLimit = 5 * time.Second

// Reader asks for the newest frames while devices send, at every consistency and at every node.
type Reader struct {
	site    *Site
	id      int
	rng     *rand.Rand
	ask     *Asker
	devices []string
	seen    uint64 // newest index that an answer showed
}

// NewReader is client number id, who asks about these devices.
func (site *Site) NewReader(id int, rng *rand.Rand, devices []string) *Reader {
	return &Reader{site: site, id: id, rng: rng, ask: site.Asker(fmt.Sprintf("reader %d", id)), devices: devices}
}

// Work reads until stop is closed.
func (r *Reader) Work(stop <-chan struct{}) {
	defer r.ask.Close()
	for {
		at := r.site.Nodes[r.rng.IntN(len(r.site.Nodes))]
		device := r.devices[r.rng.IntN(len(r.devices))]
		switch r.rng.IntN(8) {
		case 0:
			r.gaps(at, device, "leader")
		case 1:
			r.ledger(at)
		case 2:
			r.page(at, device)
		default:
			r.latest(at, device)
		}
		select {
		case <-time.After(time.Duration(50+r.rng.IntN(400)) * time.Millisecond):
		case <-stop:
			return
		}
	}
}

// question begins an answer's record.
func (r *Reader) question(at Node, consistency string, after uint64) check.Answer {
	return check.Answer{Client: r.id, Node: at.Name, Consistency: consistency, Invoke: r.site.Now(), After: after}
}

// get asks and ends the record. An answer that is none of success is nil.
func (r *Reader) get(at Node, a *check.Answer, path string, values url.Values) []byte {
	body, _ := r.getStatus(at, a, path, values)
	return body
}

func (r *Reader) getStatus(at Node, a *check.Answer, path string, values url.Values) (body []byte, status int) {
	values.Set("consistency", a.Consistency)
	if a.After > 0 {
		values.Set("after", frame.Position{History: 1, Index: a.After}.String())
	}
	status, body, err := r.ask.Do(at, http.MethodGet, path+"?"+values.Encode(), nil, nil, askLimit)
	a.Return = r.site.Now()
	if err != nil || status != http.StatusOK {
		return nil, status
	}
	return body, status
}

func (r *Reader) latest(at Node, device string) {
	consistency := []string{"linearizable", "linearizable", "leader", "stale"}[r.rng.IntN(4)]
	after := uint64(0)
	if r.rng.IntN(3) == 0 {
		after = r.seen
	}
	a := r.question(at, consistency, after)
	body, status := r.getStatus(at, &a, "/v1/latest", url.Values{"device": {device}})
	reads := []check.Read{{Answer: a, Counter: check.Counter{Device: device, Stream: "0"}, Failed: body == nil && status != http.StatusNotFound}}
	if body != nil {
		found, _, err := check.ParseLatest(body, r.site.Seed, a)
		if err == nil && len(found) == 0 {
			err = check.ParseState(body, &reads[0].Answer)
		} else {
			reads = found
		}
		if err != nil {
			r.site.Violate("answers", fmt.Sprintf("%s: /v1/latest: %v: %s", at.Name, err, body))
			return
		}
		r.seen = max(r.seen, reads[0].Index)
	}
	r.site.Record(func(run *check.Run) { run.Reads = append(run.Reads, reads...) })
}

// page reads everything that there is of a device, or nothing.
func (r *Reader) page(at Node, device string) {
	a := r.question(at, []string{"linearizable", "leader", "stale"}[r.rng.IntN(3)], 0)
	body := r.get(at, &a, "/v1/frames", url.Values{"device": {device}, "limit": {"10000"}})
	if body == nil {
		return
	}
	p := &check.Page{Answer: a, Device: device, Frames: check.NewFinal(at.Name)}
	next, err := check.ParseFrames(body, r.site.Seed, p.Frames)
	if err == nil {
		err = check.ParseState(body, &p.Answer)
	}
	if err != nil || next != "" {
		r.site.Violate("answers", fmt.Sprintf("%s: frames of %s: next %q: %v", at.Name, device, next, err))
		return
	}
	r.site.Record(func(run *check.Run) { run.Pages = append(run.Pages, p) })
}

func (r *Reader) gaps(at Node, device, consistency string) {
	a := r.question(at, consistency, 0)
	body := r.get(at, &a, "/v1/devices/"+device+"/gaps", url.Values{})
	if body == nil {
		return
	}
	reports, err := check.ParseGaps(body, a)
	if err != nil {
		r.site.Violate("answers", fmt.Sprintf("%s: gaps of %s: %v: %s", at.Name, device, err, body))
		return
	}
	r.site.Record(func(run *check.Run) { run.GapReports = append(run.GapReports, reports...) })
}

func (r *Reader) ledger(at Node) *check.Ledger {
	a := r.question(at, "stale", 0)
	body := r.get(at, &a, "/v1/ledger", url.Values{})
	if body == nil {
		return nil
	}
	l, err := check.ParseLedger(body, a)
	if err != nil {
		r.site.Violate("answers", fmt.Sprintf("%s: /v1/ledger: %v: %s", at.Name, err, body))
		return nil
	}
	r.site.Record(func(run *check.Run) { run.Ledgers = append(run.Ledgers, l) })
	return &l
}
