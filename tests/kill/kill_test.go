package kill

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/cluster"
)

const senders = 8

func TestKillLeader(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP(kill-leader): -short")
	}
	kills := 3
	if s := os.Getenv("GAPLESS_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("GAPLESS_KILLS=%s: %v", s, err)
		}
		kills = n
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("GAPLESS_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("replay with GAPLESS_SEED=%d GAPLESS_KILLS=%d", seed, kills)
	c := cluster.Start(t, 3)
	l, list, wait := start(c, seed)
	caught := killLeaders(t, c, l, rand.New(rand.NewPCG(seed, 1)), kills)
	l.stop.Store(true)
	if err := wait(); err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		check(t, c.Nodes[0], s)
	}
	slices.Sort(l.regain)
	t.Logf("%d kills, frames in flight at each: %v; %d frames acknowledged, %d requests failed or unknown", kills, caught, l.acked.Load(), l.unknown.Load())
	t.Logf("kill to first new acknowledgement: median %s, max %s", l.regain[len(l.regain)/2].Round(time.Millisecond), l.regain[len(l.regain)-1].Round(time.Millisecond))
	if l.acked.Load() < 1000 {
		t.Errorf("UNKNOWN: only %d frames were acknowledged, the run proves nothing", l.acked.Load())
	}
}

// start begins the load; wait returns the first error of a sender.
func start(c *cluster.Cluster, seed uint64) (*load, []*sender, func() error) {
	l := &load{}
	var list []*sender
	var running sync.WaitGroup
	errs := make(chan error, senders)
	for i := range senders {
		s := &sender{device: fmt.Sprintf("dev-%d", i), nodes: c.Nodes, client: &http.Client{Timeout: 15 * time.Second}, load: l}
		list = append(list, s)
		rng := rand.New(rand.NewPCG(seed, uint64(100+i)))
		running.Go(func() {
			if err := s.run(rng); err != nil {
				errs <- err
			}
		})
	}
	return l, list, func() error {
		running.Wait()
		close(errs)
		return <-errs
	}
}

// killLeaders kills the leader at random moments, lets the rest go on, and brings it back. A kill counts only with frames in flight.
func killLeaders(t *testing.T, c *cluster.Cluster, l *load, rng *rand.Rand, kills int) (caught []int64) {
	t.Helper()
	for len(caught) < kills {
		<-time.After(time.Duration(300+rng.IntN(1500)) * time.Millisecond) // a random moment of the load
		leader := c.Leader()
		n := l.kill(func() { c.Kill(leader) })
		if n > 0 {
			caught = append(caught, n)
		}
		before := l.acked.Load()
		cluster.Eventually(t, 20*time.Second, func() bool { return l.acked.Load() > before+10*batchFrames }, func() string {
			return "no progress after the leader was killed"
		})
		c.Run(leader)
		c.WaitReady(leader, 30*time.Second)
	}
	return caught
}

// check asks for every frame of a device and for its gaps.
func check(t *testing.T, n *cluster.Node, s *sender) {
	t.Helper()
	counts := map[uint64]int{}
	for cursor := ""; ; {
		var page struct {
			Frames []struct {
				Seq    uint64             `json:"seq"`
				Fields map[string]float64 `json:"fields"`
			} `json:"frames"`
			Next string `json:"next"`
		}
		url := n.HTTP + "/v1/frames?consistency=linearizable&limit=10000&device=" + s.device
		if cursor != "" {
			url += "&cursor=" + cursor
		}
		if err := cluster.GetJSON(url, &page); err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Frames {
			counts[f.Seq]++
			if f.Fields["v"] != float64(f.Seq)+0.25 {
				t.Errorf("%s frame %d holds %v", s.device, f.Seq, f.Fields)
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	var last uint64
	for seq := range s.next {
		want := 1
		if seq%lostEvery == lostEvery-1 {
			want = 0
		} else {
			last = seq
		}
		if counts[seq] != want {
			t.Errorf("%s frame %d is there %d times, want %d", s.device, seq, counts[seq], want)
		}
		delete(counts, seq)
	}
	for seq, times := range counts {
		t.Errorf("%s frame %d was invented %d times", s.device, seq, times)
	}
	checkGaps(t, n, s, last)
}

// checkGaps compares the gap report with what was left out.
func checkGaps(t *testing.T, n *cluster.Node, s *sender, last uint64) {
	t.Helper()
	var answer struct {
		Reports []struct {
			Expected uint64 `json:"expected"`
			Stored   uint64 `json:"stored"`
			Gaps     []struct{ From, To uint64 }
		} `json:"reports"`
	}
	if err := cluster.GetJSON(n.HTTP+"/v1/devices/"+s.device+"/gaps?consistency=linearizable", &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Reports) != 1 {
		t.Fatalf("%s: %d epochs reported, want 1", s.device, len(answer.Reports))
	}
	r := answer.Reports[0]
	var want []struct{ From, To uint64 }
	for seq := uint64(lostEvery - 1); seq < last; seq += lostEvery {
		want = append(want, struct{ From, To uint64 }{seq, seq})
	}
	if !slices.Equal(r.Gaps, want) || r.Expected != last+1 || r.Stored != last+1-uint64(len(want)) {
		t.Errorf("%s: reported %d gaps of %d expected, %d stored; want %d gaps of %d", s.device, len(r.Gaps), r.Expected, r.Stored, len(want), last+1)
	}
}
