package tail

import (
	"bufio"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger/registry"
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"pgregory.net/rapid"
)

// TestLiveReadersGetEverything lets readers with different filters follow a random history, some of which leave and come back at the position that
// they had.
func TestLiveReadersGetEverything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := rapidChance{rt}
		h := newHistory()
		for range c.draw("before", 0, 10) {
			h.step(c)
		}
		opt := tiny(c)
		opt.RingRows, opt.Linger = c.draw("ring rows", 1, 60), time.Duration(c.draw("linger", 1, 300))*time.Microsecond
		srv := newServer(c, h.store, opt)
		var readers []*follower
		for i := range c.draw("readers", 1, 4) {
			readers = append(readers, follow(c, srv, i, c.draw("leaves after", 1, 20)))
		}
		for range c.draw("steps", 1, 25) {
			h.step(c)
		}
		h.put(c, last("acme", "0"), last("acme", "1"))
		for _, r := range readers {
			if err := <-r.done; err != nil {
				rt.Fatal(err)
			}
			want := h.want(segment.Commit{}, &r.filter, query.Shown{})
			same(c, fmt.Sprintf("reader %v", r.pairs), r.got, want)
		}
	})
}

// last is the frame after which a follower of the tenant's stream knows that it has everything.
func last(tenant, stream string) sent {
	f := simple("last", 1)
	f.tenant, f.stream, f.Class = tenant, stream, frame.ClassEvent
	return f
}

// follower is a reader that goes on until it has the last frame.
type follower struct {
	filter filter
	pairs  []string
	got    []string
	done   chan error
}

// follow starts a reader. After so many frames it leaves, and comes back.
func follow(t tester, srv *server, kind, leaves int) *follower {
	f := &follower{filter: filter{tenant: "acme"}, done: make(chan error, 1)}
	switch kind {
	case 1:
		f.filter.stream = "1"
		f.pairs = []string{"stream", "1"}
	case 2:
		f.filter.class = frame.ClassEvent
		f.pairs = []string{"class", "event"}
	case 3:
		f.filter.devices = map[string]bool{device(1): true, device(2): true, "last": true}
		f.pairs = []string{"device", device(1), "device", device(2), "device", "last"}
	}
	go func() { f.done <- f.run(srv, leaves) }()
	return f
}

func (f *follower) run(srv *server, leaves int) error {
	at := "first"
	for {
		req, _ := http.NewRequest(http.MethodGet, srv.url+"/v1/tail", nil)
		req.Header.Set("Authorization", "acme")
		q := req.URL.Query()
		for i := 0; i < len(f.pairs); i += 2 {
			q.Add(f.pairs[i], f.pairs[i+1])
		}
		q.Set("from", at)
		req.URL.RawQuery = q.Encode()
		done, next, err := f.session(srv, req, leaves)
		if done || err != nil {
			return err
		}
		at = next
	}
}

func (f *follower) session(srv *server, req *http.Request, leaves int) (done bool, at string, err error) {
	resp, err := srv.client.Do(req)
	if err != nil {
		return false, "", err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for n := 0; n < leaves; {
		if !lines.Scan() {
			return false, "", fmt.Errorf("the tail ended: %v", lines.Err())
		}
		text := lines.Text()
		switch i := strings.Index(text, `"position":"`); {
		case strings.HasPrefix(text, `{"at":"`):
			at = text[7:39]
		case i > 0:
			at = text[i+12 : i+44]
			f.got = append(f.got, text)
			n++
			if strings.HasPrefix(text, `{"device":"last","stream":"1"`) || f.filter.stream == "" && strings.Contains(text, `"device":"last","stream":"1"`) {
				return true, at, nil
			}
		default:
			return false, "", fmt.Errorf("line %s", text)
		}
	}
	return false, at, nil
}

// Labels that change count from the next frame on.
func TestLabelsCountWhenFramesAreGiven(t *testing.T) {
	s := newStore()
	srv := newServer(t, s, Options{Linger: time.Microsecond})
	s.put(t, simple("mill-01", 1))
	s.label(t, "mill-02", `{"device":"mill-02","labels":{"hall":"3"}}`)
	c := srv.open(t, "/v1/tail", "match", "hall=3", "from", "first")
	defer c.close()
	s.put(t, simple("mill-01", 2), simple("mill-02", 2))
	seqs := func(frames []string) (list []string) {
		for _, f := range frames {
			list = append(list, f[11:18]+f[strings.Index(f, `"seq":`):strings.Index(f, `,"time"`)])
		}
		return list
	}
	got, _ := c.frames(1)
	s.label(t, "mill-01", `{"device":"mill-01","labels":{"hall":"3","line":"b"}}`)
	s.put(t, simple("mill-01", 3), simple("mill-02", 3))
	more, _ := c.frames(2)
	s.label(t, "mill-02", `{"device":"mill-02","labels":{"hall":"4"}}`)
	s.put(t, simple("mill-02", 4), simple("mill-01", 4))
	rest, _ := c.frames(1)
	got = seqs(slices.Concat(got, more, rest))
	want := []string{`mill-02"seq":2`, `mill-01"seq":3`, `mill-02"seq":3`, `mill-01"seq":4`}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	all, _ := srv.all(t, "match", "hall=3", "match", "line=b", "from", "first", "until", "now")
	if got, want := seqs(all), []string{`mill-01"seq":1`, `mill-01"seq":2`, `mill-01"seq":3`, `mill-01"seq":4`}; !slices.Equal(got, want) {
		t.Errorf("with today's labels %v, want %v", got, want)
	}
}

// They count in segments, too, for which a reader remembers what it decided.
func TestLabelsCountInSegments(t *testing.T) {
	s := newStore()
	for n := range uint64(20) {
		s.put(t, simple(device(int(n%2)), n))
	}
	s.seal()
	s.flush(t)
	s.label(t, device(0), `{"device":"`+device(0)+`","labels":{"hall":"3"}}`)
	srv := newServer(t, s, Options{CatchupRows: 1})
	looks := 0
	s.between = func() {
		if looks++; looks == 8 {
			s.between = nil
			s.label(t, device(1), `{"device":"`+device(1)+`","labels":{"hall":"3"}}`)
		}
	}
	got, _ := srv.all(t, "match", "hall=3", "from", "first", "until", "now")
	text := strings.Join(got, "\n")
	if len(got) >= 20 || strings.Contains(text, `"seq":1,`) {
		t.Errorf("frames of a device before it had the label: %s", text)
	}
	if !strings.Contains(text, `"seq":18,`) || !strings.Contains(text, `"seq":19,`) {
		t.Errorf("frames of a device are missing since it has the label: %s", text)
	}
}

func (s *store) label(t tester, device, change string) {
	t.Helper()
	c, err := registry.ParseChange([]byte(change))
	if err != nil {
		t.Fatal(err)
	}
	body, err := (&registry.Command{Tenant: "acme", Devices: []registry.Change{c}}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	s.change(func(index uint64) {
		if _, err = s.view.Registry.Apply(index, 1, s.commitMS, registry.KindSet, registry.CommandVersion, body); err != nil {
			t.Fatal(err)
		}
	})
}

// TestManyReaders: a hundred live readers get every frame, and it is copied and encoded once.
func TestManyReaders(t *testing.T) {
	s := newStore()
	reg := prometheus.NewRegistry()
	srv := newServer(t, s, Options{Metrics: reg})
	const readers, frames = 100, 2000
	var ready, done sync.WaitGroup
	errs := make(chan error, readers)
	for range readers {
		ready.Add(1)
		done.Go(func() {
			c := srv.open(t, "/v1/tail", "limit", fmt.Sprint(frames))
			defer c.close()
			c.next() // where it begins
			ready.Done()
			for n := range uint64(frames) {
				text, _ := c.next()
				if !strings.Contains(text, fmt.Sprintf(`"seq":%d,`, n+1)) {
					errs <- fmt.Errorf("frame %d is %q", n, text)
					return
				}
			}
		})
	}
	ready.Wait()
	for n := uint64(1); n <= frames; n += 10 {
		var batch []sent
		for i := range uint64(10) {
			batch = append(batch, simple("mill-07", n+i))
		}
		s.put(t, batch...)
	}
	done.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	if got := gather(t, reg, "gapless_tail_frames_total", "ring"); got < readers*frames*9/10 {
		t.Errorf("%v frames were taken from the ring, want nearly all of %d", got, readers*frames)
	}
}

// gather reads a counter by the value of its label, or a gauge.
func gather(t tester, reg *prometheus.Registry, name, label string) (value float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			if f.GetName() == name && slices.ContainsFunc(m.Label, func(l *dto.LabelPair) bool { return l.GetValue() == label }) {
				value += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return value
}
