package replay

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNodesThatDoNotAnswer(t *testing.T) {
	dead := newFakeNode(t)
	dead.Close()
	follower, leader := newFakeNode(t), newFakeNode(t)
	follower.refuse = func(int, *http.Request) (int, map[string]string, string) {
		return 503, map[string]string{"X-Gapless-Leader": strings.TrimPrefix(leader.URL, "http://")}, `{"error":{"code":"no_leader","message":"not me"}}`
	}
	leader.refuse = func(n int, _ *http.Request) (int, map[string]string, string) {
		if n%3 == 1 {
			return 429, nil, `{"error":{"code":"overloaded","message":"later"}}`
		}
		return 0, nil, ""
	}
	o := optionsFor(leader)
	o.Nodes.URLs = []string{dead.URL, follower.URL}
	o.Connections = 1
	res, err := Run(t.Context(), written(t, fleetCSV(2, 40)), o)
	if err != nil || leader.stored() != 40 || res.Retries == 0 {
		t.Errorf("%+v, %v; the leader has %d frames", res, err, leader.stored())
	}
}

func TestATokenThatMayOnlyWrite(t *testing.T) {
	n := newFakeNode(t)
	n.secret = true
	o := optionsFor(n)
	o.Mapping.Time = "at"
	var said []string
	o.Notice = func(text string) { said = append(said, text) }
	res, err := Run(t.Context(), written(t, "device,n,at\nd,1,2016-07-01T00:00:00Z\n"), o)
	if err != nil || res.Accepted != 1 || len(said) != 1 || !strings.Contains(said[0], "the policy cannot be read") {
		t.Errorf("%+v, %v, %q", res, err, said)
	}
}

func TestAClusterThatNeverAnswered(t *testing.T) {
	dead := newFakeNode(t)
	dead.Close()
	o := optionsFor(dead)
	o.Nodes.RetryFor = 100 * time.Millisecond
	var tries []error
	o.Nodes.Retried = func(err error) { tries = append(tries, err) }
	_, err := Run(t.Context(), written(t, fleetCSV(2, 40)), o)
	if err == nil || !strings.Contains(err.Error(), "no node took the request within 100ms") || len(tries) == 0 {
		t.Errorf("%v after %d tries", err, len(tries))
	}
}

func TestAnswersThatEndARun(t *testing.T) {
	for _, tt := range []struct {
		status     int
		body, want string
	}{
		{401, `{"error":{"code":"bad_token","message":"unknown token","hint":"send another"}}`, "unknown token (401 bad_token)\nhint: send another"},
		{422, `{"error":{"code":"idempotency_mismatch","message":"another body"}}`, "another body (422 idempotency_mismatch)"},
		{404, `not found`, `"not found" (404 no_reason)`},
		{200, `{"accepted":1}`, "frames were sent, the answer accounts for 1"},
		{200, `<html>`, "not what this version expects"},
		{503, `{"error":{"code":"no_leader","message":"wait"}}`, "no node took the request within 100ms"},
	} {
		n := newFakeNode(t)
		n.refuse = func(int, *http.Request) (int, map[string]string, string) { return tt.status, nil, tt.body }
		o := optionsFor(n)
		o.Nodes.RetryFor = 100 * time.Millisecond
		if _, err := Run(t.Context(), written(t, fleetCSV(2, 40)), o); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%d %s: got %v, want %q in it", tt.status, tt.body, err, tt.want)
		}
	}
}

func TestTheRegistryIsToldBeforeTheFirstFrame(t *testing.T) {
	n := newFakeNode(t)
	o := optionsFor(n)
	below, drop := uint64(10), uint64(500)
	o.Registry = Registry{Rule: &Rule{RestartBelow: &below, RestartDrop: &drop}, CadenceMS: 1000}
	n.refuse = func(_ int, r *http.Request) (int, map[string]string, string) {
		if len(n.told) == 0 {
			return 400, nil, `{"error":{"code":"too_early","message":"frames came before the rule"}}`
		}
		return 0, nil, ""
	}
	if _, err := Run(t.Context(), written(t, fleetCSV(3, 60)), o); err != nil {
		t.Fatal(err)
	}
	slices.Sort(n.told)
	const line = `{"device":"d%d","rule":{"restart_below":10,"restart_drop":500},"cadence_ms":1000}`
	if want := []string{fmt.Sprintf(line, 0), fmt.Sprintf(line, 1), fmt.Sprintf(line, 2)}; !slices.Equal(n.told, want) {
		t.Errorf("the registry was told %q", n.told)
	}
}
