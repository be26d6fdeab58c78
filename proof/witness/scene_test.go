package witness

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/proof/tiles"
	"github.com/gaplessdb/gapless/proof/witness/witnesstest"
)

// cluster is a Log that a test moves.
type cluster struct {
	t     *testing.T
	mu    sync.Mutex
	store *tiles.Store
	size  int64
	lines []string // of witnesses, for the newest checkpoint
	fail  error    // of Cosigned
	have  int64    // records that the members have read
	leads map[*member]bool
}

// member is a node's view of it.
type member struct{ *cluster }

func (c *cluster) publish(store *tiles.Store, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.store, c.size, c.lines = store, size, nil
}

func (c *cluster) read(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.have = n
}

func (c *cluster) failing(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = err
}

func (c *cluster) lead(m *member) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leads = map[*member]bool{m: true}
}

func (c *cluster) note() string {
	if c.size == 0 {
		return ""
	}
	_, note := noteOf(c.t, c.store, c.size, "n1")
	for _, l := range c.lines {
		note = append(note, "— "+l+"\n"...)
	}
	return string(note)
}

// cosigned lists whose lines the newest checkpoint has.
func (c *cluster) cosigned() (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.lines {
		names = append(names, strings.Split(l, " ")[0])
	}
	return names
}

func (m *member) Look() Look {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Look{Leads: m.leads[m], Note: m.note(), Records: m.size}
}

func (m *member) Hashes() (tlog.HashReader, int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.store, m.have
}

func (m *member) Cosigned(_ context.Context, c sign.Checkpoint, lines []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail == nil && c.Size == m.size {
		m.lines = append(m.lines, lines...)
	}
	return m.fail
}

// network brings requests to handlers by their host, without a socket.
type network struct {
	mu    sync.Mutex
	hosts map[string]http.Handler // nil: nobody answers
	asked map[string]int
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.mu.Lock()
	h := n.hosts[r.URL.Host]
	n.asked[r.URL.Host]++
	n.mu.Unlock()
	if h == nil {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Result(), nil
}

func (n *network) set(host string, h http.Handler) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[host] = h
}

func (n *network) count(host string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[host]
}

// scene is a cluster, two witnesses, and workers that end with the test.
type scene struct {
	*cluster
	net    *network
	one    *witnesstest.Witness
	two    *witnesstest.Witness
	log    *strings.Builder // of all workers; read it when they rest
	logMu  sync.Mutex
	metric *metrics // of the newest worker
}

func newScene(t *testing.T) *scene {
	s := &scene{cluster: &cluster{t: t, have: 100}, log: &strings.Builder{}}
	s.one, s.two = namedWitness(t, "w.example/1"), namedWitness(t, "w.example/2")
	s.net = &network{hosts: map[string]http.Handler{"one": s.one, "two": s.two}, asked: map[string]int{}}
	return s
}

func (s *scene) Write(b []byte) (int, error) {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	return s.log.Write(b)
}

func (s *scene) logged(words string) bool {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	return strings.Contains(s.log.String(), words)
}

func namedWitness(t *testing.T, name string) *witnesstest.Witness {
	t.Helper()
	lg, err := keyOf(t, "n1").LogVerifierKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	w, err := witnesstest.New(name, keyOf(t, name), time.Now, lg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// run starts a worker on a new member, until stop.
func (s *scene) run() (m *member, stop func()) {
	s.t.Helper()
	m = &member{s.cluster}
	w, err := NewWorker(WorkerOptions{
		Log: m, Witnesses: []sign.Outside{{Key: s.one.VerifierKey(), URL: "http://one"}, {Key: s.two.VerifierKey(), URL: "http://two/some/"}},
		Client: Options{Transport: s.net}, Logger: slog.New(slog.NewTextHandler(s, nil)), Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.metric = w.metrics
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan struct{})
	go func() { w.Run(ctx); close(done) }()
	return m, func() { cancel(); <-done }
}

func (s *scene) refused(witness, reason string) int {
	return int(testutil.ToFloat64(s.metric.refused.WithLabelValues(witness, reason)))
}

func (s *scene) alarm(witness string) bool {
	return testutil.ToFloat64(s.metric.alarm.WithLabelValues(witness)) == 1
}

// pass lets time pass.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
