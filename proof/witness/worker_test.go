package witness

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/proof/witness/witnesstest"
)

// Each checkpoint is cosigned by each witness, once; nobody asks without one, and only the leader does.
func TestWorkerHasCheckpointsCosigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, log := newScene(t), logOf(t, "a", 100)
		first, stopFirst := s.run()
		defer stopFirst()
		pass(time.Minute) // there is no checkpoint, and nobody leads
		s.publish(log, 10)
		pass(time.Minute)
		if n := s.net.count("one"); n != 0 {
			t.Fatalf("asked %d times while nobody led", n)
		}
		s.lead(first)
		for _, size := range []int64{10, 11, 50} {
			s.publish(log, size)
			pass(2 * time.Second)
			if names := s.cosigned(); len(names) != 2 {
				t.Fatalf("at %d: cosigned by %v", size, names)
			}
			pass(5 * time.Minute)
			if c, _ := s.one.Latest(origin); c.Size != size {
				t.Errorf("the witness is at %d, want %d", c.Size, size)
			}
		}
		if n := s.one.Asked(); n != 3 {
			t.Errorf("asked %d times for 3 checkpoints", n)
		}
		// Another leader asks for nothing that is there, and goes on.
		second, stopSecond := s.run()
		defer stopSecond()
		s.lead(second)
		pass(5 * time.Minute)
		if n := s.one.Asked(); n != 3 {
			t.Errorf("the next leader asked again: %d", n)
		}
		s.publish(log, 100)
		pass(2 * time.Second)
		if names := s.cosigned(); len(names) != 2 || s.one.Asked() != 5 { // it has to find out where the witness is
			t.Errorf("after the change: %v, asked %d times", names, s.one.Asked())
		}
		if got := testutil.ToFloat64(s.metric.records.WithLabelValues("w.example/1")); got != 100 {
			t.Errorf("the metric says %v records", got)
		}
	})
}

// A witness that is away is left alone for longer and longer, holds nobody up, and is asked about the newest checkpoint when it is back.
func TestWorkerAndAWitnessThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, log := newScene(t), logOf(t, "a", 100)
		s.net.set("two", nil)
		m, stop := s.run()
		defer stop()
		s.lead(m)
		for size := int64(1); size <= 60; size++ {
			s.publish(log, size)
			pass(2 * time.Second)
			if names := s.cosigned(); len(names) != 1 || names[0] != "w.example/1" {
				t.Fatalf("at %d: cosigned by %v", size, names)
			}
			pass(58 * time.Second)
		}
		if n := s.net.count("two"); n < 12 || n > 25 {
			t.Errorf("asked %d times within an hour in vain", n)
		}
		if n := s.refused("w.example/2", reasonNetwork); n != s.net.count("two") && n != s.net.count("two")-1 {
			t.Errorf("the metric says %d of %d", n, s.net.count("two"))
		}
		s.net.set("two", s.two)
		pass(7 * time.Minute)
		if c, _ := s.two.Latest(origin); c.Size != 60 || s.two.Asked() != 1 || len(s.cosigned()) != 2 {
			t.Errorf("back: at %d, asked %d times, cosigned by %v", c.Size, s.two.Asked(), s.cosigned())
		}
		before := s.net.count("two")
		s.publish(log, 61)
		pass(2 * time.Second)
		if n := s.net.count("two"); n != before+1 || len(s.cosigned()) != 2 {
			t.Errorf("it is not trusted again: asked %d times, cosigned by %v", n-before, s.cosigned())
		}
	})
}

// What a witness answers wrongly is counted by its reason, and nothing of it is handed in.
func TestWorkerAndAWitnessThatIsWrong(t *testing.T) {
	other := func(t *testing.T, name string) http.Handler { // knows the log, and signs with a key of its own
		lg, _ := keyOf(t, "n1").LogVerifierKey(origin)
		w, err := witnesstest.New(name, keyOf(t, "stolen"), time.Now, lg)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	status := func(code int, header ...string) func(*testing.T, string) http.Handler {
		return func(*testing.T, string) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				if len(header) == 2 {
					rw.Header().Set(header[0], header[1])
				}
				rw.WriteHeader(code)
			})
		}
	}
	for _, tt := range []struct {
		reason  string
		handler func(*testing.T, string) http.Handler
		most    int // attempts within ten minutes
	}{
		{reasonSignature, other, 14}, {reasonUnknownLog, status(404), 14}, {reasonUnknownKey, status(403), 14}, {reasonBadRequest, status(400), 14},
		{reasonStatus, status(302), 14}, {reasonOverloaded, status(503), 14}, {reasonOverloaded, status(429, "Retry-After", "600"), 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t)
			s.net.set("two", tt.handler(t, "w.example/2"))
			m, stop := s.run()
			defer stop()
			s.publish(logOf(t, "a", 100), 10)
			s.lead(m)
			pass(10 * time.Minute)
			n := s.refused("w.example/2", tt.reason)
			if names := s.cosigned(); n < 1 || n > tt.most || len(names) != 1 || s.alarm("w.example/2") {
				t.Errorf("%s: %d times, cosigned by %v, alarm %v\n%s", tt.reason, n, names, s.alarm("w.example/2"), s.log)
			}
		})
	}
}

// A witness that has seen another history is an alarm, until it is content.
func TestWorkerAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, log := newScene(t), logOf(t, "a", 100)
		m, stop := s.run()
		defer stop()
		s.lead(m)
		s.publish(log, 40)
		pass(2 * time.Second)
		s.publish(logOf(t, "rewritten", 100), 50)
		pass(2 * time.Second)
		if !s.alarm("w.example/1") || !s.alarm("w.example/2") || s.refused("w.example/1", reasonHistory) == 0 || len(s.cosigned()) != 0 {
			t.Errorf("no alarm: %s", s.log)
		}
		if !s.logged("level=ERROR") || !s.logged("another history") {
			t.Errorf("the log says %s", s.log)
		}
		s.publish(log, 51)
		pass(7 * time.Minute)
		if s.alarm("w.example/1") || len(s.cosigned()) != 2 {
			t.Errorf("cosigned by %v, alarm %v", s.cosigned(), s.alarm("w.example/1"))
		}
	})
}

// Records that a witness has cosigned and the leader has not are an alarm, too; one look of a leader that is not one any more is none.
func TestWorkerAndALogThatWasCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, log := newScene(t), logOf(t, "a", 100)
		m, stop := s.run()
		defer stop()
		s.lead(m)
		s.publish(log, 40)
		pass(2 * time.Second)
		s.publish(log, 30)
		pass(4 * time.Second)
		if s.refused("w.example/1", reasonAhead) == 0 || s.alarm("w.example/1") || s.logged("level=ERROR") {
			t.Errorf("after two answers: %s", s.log)
		}
		s.publish(log, 41)
		pass(10 * time.Second)
		if s.alarm("w.example/1") || len(s.cosigned()) != 2 {
			t.Errorf("it was a late look, and now: %v, alarm %v", s.cosigned(), s.alarm("w.example/1"))
		}
		s.publish(log, 30)
		pass(time.Minute)
		if !s.alarm("w.example/1") || !s.logged("level=ERROR") {
			t.Errorf("records are gone, and nobody says so: %s", s.log)
		}
	})
}

// What cannot be proven or handed in is tried again; a node that has not read the log so far does not ask.
func TestWorkerAndItsOwnCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, log := newScene(t), logOf(t, "a", 100)
		m, stop := s.run()
		defer stop()
		s.lead(m)
		s.failing(errors.New("no leader"))
		s.publish(log, 40)
		pass(time.Minute)
		if n := s.refused("w.example/1", reasonCommit); n < 2 || n > 10 {
			t.Errorf("%d times within a minute", n)
		}
		s.failing(nil)
		pass(2 * time.Minute)
		if len(s.cosigned()) != 2 {
			t.Errorf("cosigned by %v", s.cosigned())
		}
		asked := s.net.count("one")
		s.read(50)
		s.publish(log, 60)
		pass(time.Minute)
		if n := s.net.count("one"); n != asked {
			t.Errorf("asked %d times for what this node has not read", n-asked)
		}
		s.read(60)
		pass(2 * time.Second)
		if n := s.net.count("one"); n != asked+1 || len(s.cosigned()) != 2 {
			t.Errorf("asked %d times, cosigned by %v", n-asked, s.cosigned())
		}
	})
}

func TestNewWorker(t *testing.T) {
	for _, list := range [][]sign.Outside{{{Key: "x", URL: "https://w.example"}}, {{Key: witnessOf(t).VerifierKey(), URL: "w.example"}}} {
		if _, err := NewWorker(WorkerOptions{Witnesses: list}); err == nil {
			t.Errorf("a worker for %v", list)
		}
	}
	reg := prometheus.NewRegistry()
	w, err := NewWorker(WorkerOptions{Metrics: reg})
	if err != nil {
		t.Fatal(err)
	}
	w.Run(t.Context()) // without witnesses it has nothing to do
	if _, err := NewWorker(WorkerOptions{Metrics: reg}); err != nil {
		t.Errorf("its metrics are still there: %v", err)
	}
	if _, err := NewWorker(WorkerOptions{Metrics: reg}); err == nil {
		t.Error("two workers under one name")
	}
}
