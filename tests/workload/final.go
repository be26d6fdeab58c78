package workload

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

// Clients that are no load have numbers of their own.
const (
	finalClient   = 90
	throughClient = 80
)

// Final reads everything that one node shows of the devices.
func (site *Site) Final(at Node, devices []string) *check.Final {
	f := check.NewFinal(at.Name)
	f.At = site.Now()
	r := site.NewReader(finalClient, nil, nil)
	defer r.ask.Close()
	status, _, err := r.ask.Do(at, http.MethodGet, "/readyz", nil, nil, askLimit)
	f.Ready = err == nil && status == http.StatusOK
	for _, device := range devices {
		if !r.shows(at, f, device) && !f.Ready {
			break // it says so itself: to ask on would take minutes
		}
	}
	if !r.pages(at, f, "_conflict", "linearizable") { // there is none before the first
		r.withheld(at, f, "the conflicts")
	}
	f.Ledger = again(func() *check.Ledger { return r.ledger(at) })
	f.Storage = again(func() *check.Storage { return site.Storage(r.ask, at) })
	site.Record(func(run *check.Run) { run.Finals = append(run.Finals, f) })
	return f
}

// shows reads all that there is of a device, and reports whether the node gave all of it.
func (r *Reader) shows(at Node, f *check.Final, device string) (all bool) {
	if all = r.pages(at, f, device, "linearizable"); !all {
		r.withheld(at, f, "the frames of "+device)
	}
	body, a, known := r.insist(at, "linearizable", "/v1/devices/"+device+"/gaps", url.Values{})
	switch {
	case body != nil:
		reports, err := check.ParseGaps(body, a)
		r.site.understood(at, err)
		f.Gaps = append(f.Gaps, reports...)
	case known:
		all = false
		r.withheld(at, f, "the gaps of "+device)
	}
	body, a, known = r.insist(at, "linearizable", "/v1/latest", url.Values{"device": {device}})
	switch {
	case body != nil:
		reads, _, err := check.ParseLatest(body, r.site.Seed, a)
		r.site.understood(at, err)
		f.Latest = append(f.Latest, reads...)
	case known:
		all = false
		r.withheld(at, f, "the newest frames of "+device)
	}
	return all
}

// withheld notes that a node does not give what it must have.
func (r *Reader) withheld(at Node, f *check.Final, what string) {
	f.Withheld = true
	r.site.Violate("liveness", fmt.Sprintf("%s does not give %s after the heal", at.Name, what))
}

// again asks until there is an answer, or too often.
func again[T any](ask func() *T) (answer *T) {
	for range tries {
		if answer = ask(); answer != nil {
			break
		}
		time.Sleep(time.Second)
	}
	return answer
}

// ReadThrough reads every frame through a node, and the log of the proof, so that damage comes to light.
func (site *Site) ReadThrough(at Node, devices []string) {
	r := site.NewReader(throughClient, nil, nil)
	defer r.ask.Close()
	for _, device := range devices {
		r.pages(at, check.NewFinal(at.Name), device, "stale")
	}
	site.Records(r.ask, at)
}

// Storage asks where a node keeps its frames; nil when it does not say.
func (site *Site) Storage(ask *Asker, at Node) *check.Storage {
	from := site.Now()
	status, body, err := ask.Do(at, http.MethodGet, "/v1/storage", nil, nil, time.Second)
	if err != nil || status != http.StatusOK {
		return nil
	}
	s, err := check.ParseStorage(body)
	if err != nil {
		site.understood(at, err)
		return nil
	}
	s.Invoke, s.Return = from, site.Now()
	return &s
}

// pages reads every frame of a device, and reports whether it got all of them.
func (r *Reader) pages(at Node, f *check.Final, device, consistency string) bool {
	for cursor := ""; ; {
		values := url.Values{"device": {device}, "limit": {"5000"}}
		if cursor != "" {
			values.Set("cursor", cursor)
		}
		body, _, known := r.insist(at, consistency, "/v1/frames", values)
		if body == nil {
			return !known // a device of which nothing was ever stored; if something was, the judges miss it
		}
		next, err := check.ParseFrames(body, r.site.Seed, f)
		r.site.understood(at, err)
		if cursor = next; err != nil || cursor == "" {
			return err == nil
		}
	}
}

// insist asks again as a node tells to that finds a segment damaged: it is pulled anew meanwhile. What a node does not know has no body.
func (r *Reader) insist(at Node, consistency, path string, values url.Values) (body []byte, a check.Answer, known bool) {
	for range tries {
		status := 0
		a = r.question(at, consistency, 0)
		if body, status = r.getStatus(at, &a, path, values); body != nil || status == http.StatusNotFound {
			return body, a, body != nil
		}
		time.Sleep(time.Second)
	}
	return nil, a, true
}

func (site *Site) understood(at Node, err error) {
	if err != nil {
		site.Violate("answers", at.Name+": "+err.Error())
	}
}
