package workload

import (
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

// refusing answers everything with one status.
type refusing int

func (r refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: int(r), Body: io.NopCloser(strings.NewReader(`{"error":{"code":"some"}}`)), Request: req}, nil
}

// TestAuditorIsToldWhy: a node may have no certificate to give at the moment; that it does not know why is a finding.
func TestAuditorIsToldWhy(t *testing.T) {
	for status, want := range map[int]int{
		http.StatusTooManyRequests: 0, http.StatusConflict: 0, http.StatusServiceUnavailable: 0, http.StatusGatewayTimeout: 0,
		http.StatusInternalServerError: 1, http.StatusBadGateway: 1, http.StatusForbidden: 1, http.StatusUnprocessableEntity: 1, http.StatusBadRequest: 1,
	} {
		synctest.Test(t, func(t *testing.T) {
			site := &Site{Log: NewLog(1, func(string, string) {}), Nodes: []Node{{Name: "n1", Addr: "n1:1"}}}
			site.Client = func(string) *http.Client { return &http.Client{Transport: refusing(status)} }
			a := site.NewAuditor(71, rand.New(rand.NewPCG(1, 1)), []string{"d1"})
			for _, how := range []string{check.Now, check.Newest} {
				a.certify(site.Nodes[0], how, check.Asked{Devices: a.devices})
			}
			found := 0
			for _, v := range site.findings {
				if v.Checker == "answers" {
					found++
				}
			}
			if found != 2*want {
				t.Errorf("%d: %d findings, want %d: %v", status, found, 2*want, site.findings)
			}
		})
	}
}

// TestAuditorAsksForEverything: an auditor asks for scopes of all kinds, and for times only that are over.
func TestAuditorAsksForEverything(t *testing.T) {
	site := &Site{Log: NewLog(1, func(string, string) {}), Client: func(string) *http.Client { return &http.Client{} }}
	a := site.NewAuditor(71, rand.New(rand.NewPCG(1, 1)), []string{"d1", "d2"})
	a.notes[7] = nil
	seen := map[string]int{}
	for i := range 200 {
		if i == 100 {
			a.past = time.Now()
		}
		w := a.wish(check.Now)
		for what, is := range map[string]bool{
			"a device": len(w.Devices) == 1, "two": len(w.Devices) == 2, "a prefix": w.Prefix != "", "all": len(w.Devices) == 0 && w.Prefix == "",
			"numbers": w.Seq != nil, "a time": w.Time != nil,
			"everything": w.Seq == nil && w.Time == nil && !w.Counts, "counts": w.Counts, "since": w.Since != nil,
		} {
			if is {
				seen[what]++
			}
		}
		if _, to, ok := w.Between(); ok && (i < 100 || to.After(a.past)) {
			t.Errorf("a time until %s was asked for, over was %s", to, a.past)
		}
	}
	if len(seen) != 9 {
		t.Errorf("asked for %v", seen)
	}
}
