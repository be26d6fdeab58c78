package kill

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/cluster"
)

// recoveryWait bounds how long a node may take to be back and complete.
const recoveryWait = 60 * time.Second

// storage is what a node says of its floors and segments.
type storage struct {
	Floor   uint64 `json:"floor"`
	Hash    string `json:"floor_hash"`
	Missing int    `json:"missing"`
	Floors  []struct {
		Index     uint64 `json:"index"`
		Hash      string `json:"hash"`
		Installed bool   `json:"installed"`
	} `json:"floors"`
	Log struct {
		First uint64 `json:"first"`
		Last  uint64 `json:"last"`
	} `json:"log"`
	Total struct {
		Segments int    `json:"segments"`
		Frames   uint64 `json:"frames"`
	} `json:"total"`
	Segments []struct {
		Name string `json:"name"`
	} `json:"segments"`
}

func storageOf(t *testing.T, n *cluster.Node) (s storage) {
	t.Helper()
	if err := cluster.GetJSON(n.HTTP+"/v1/storage", &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// command sends an admin request, again until it is taken.
func command(t *testing.T, method, url, body string) {
	t.Helper()
	var last string
	cluster.Eventually(t, recoveryWait, func() bool {
		req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			last = err.Error()
			return false
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		last = fmt.Sprintf("%d %s", resp.StatusCode, b)
		return resp.StatusCode == http.StatusOK
	}, func() string { return method + " " + url + ": " + last })
}

// flushOften makes the cluster flush every 256 KiB.
func flushOften(t *testing.T, n *cluster.Node) {
	t.Helper()
	var policy map[string]any
	if err := cluster.GetJSON(n.HTTP+"/v1/policy", &policy); err != nil {
		t.Fatal(err)
	}
	policy["flush_bytes"] = 256 << 10
	b, err := json.Marshal(policy)
	if err != nil {
		t.Fatal(err)
	}
	command(t, http.MethodPut, n.HTTP+"/v1/policy", string(b))
}

// TestRecovery takes nodes away in every way while devices send, and brings them back: killed in the middle of a flush, without a disk,
// away until the log they lack is gone, all at once. Afterwards each node holds the same bytes, and every frame is there.
func TestRecovery(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP(recovery): -short")
	}
	c := cluster.Start(t, 3, "--log-keep-bytes", strconv.Itoa(1<<20))
	flushOften(t, c.Nodes[0])
	seed := uint64(time.Now().UnixNano())
	l, list, wait := start(c, seed)
	r := &recovery{t: t, c: c, l: l, rng: rand.New(rand.NewPCG(seed, 7))}
	r.killedInFlush()
	r.wiped()
	r.away()
	r.allAtOnce()
	l.stop.Store(true)
	if err := wait(); err != nil {
		t.Fatal(err)
	}
	r.same()
	for _, n := range c.Nodes {
		for _, s := range list {
			check(t, n, s)
		}
	}
	t.Logf("seed %d: %d frames acknowledged, %d requests failed or unknown", seed, l.acked.Load(), l.unknown.Load())
}

type recovery struct {
	t   *testing.T
	c   *cluster.Cluster
	l   *load
	rng *rand.Rand
}

// progress waits for new acknowledgements.
func (r *recovery) progress(frames int64) {
	r.t.Helper()
	before := r.l.acked.Load()
	cluster.Eventually(r.t, recoveryWait, func() bool { return r.l.acked.Load() >= before+frames }, func() string { return "the load does not get on" })
}

// killedInFlush kills the leader right behind a flush point.
func (r *recovery) killedInFlush() {
	r.t.Helper()
	for range 3 {
		r.progress(2000)
		leader := r.c.Leader()
		command(r.t, http.MethodPost, leader.HTTP+"/v1/cluster/flush", "")
		r.c.Kill(leader)
		begin := time.Now()
		r.progress(1000)
		r.c.Run(leader)
		r.c.WaitReady(leader, recoveryWait)
		r.t.Logf("leader killed behind a flush point: ready again after %s", time.Since(begin).Round(time.Millisecond))
	}
	r.agree()
}

// wiped takes a follower's disk away.
func (r *recovery) wiped() {
	r.t.Helper()
	victim := r.follower()
	r.c.Kill(victim)
	r.c.Wipe(victim)
	r.progress(2000)
	begin := time.Now()
	r.c.Run(victim)
	command(r.t, http.MethodPost, r.c.Leader().HTTP+"/v1/cluster/members/"+victim.Name+"/replace", "")
	r.c.WaitReady(victim, recoveryWait)
	r.t.Logf("wiped follower: complete %s after it started empty, %d segments", time.Since(begin).Round(time.Millisecond), storageOf(r.t, victim).Total.Segments)
	r.agree()
}

// away keeps a follower down until the log has no entry that it needs.
func (r *recovery) away() {
	r.t.Helper()
	victim := r.follower()
	last := storageOf(r.t, victim).Log.Last
	r.c.Kill(victim)
	for _, n := range r.c.Nodes {
		if n != victim {
			cluster.Eventually(r.t, recoveryWait, func() bool { return storageOf(r.t, n).Log.First > last+1 }, func() string { return "the log is not cut" })
		}
	}
	begin := time.Now()
	r.c.Run(victim)
	r.c.WaitReady(victim, recoveryWait)
	s := storageOf(r.t, victim)
	r.t.Logf("follower away until the log was cut: complete after %s, at floor %d", time.Since(begin).Round(time.Millisecond), s.Floor)
	r.agree()
}

// allAtOnce kills every node.
func (r *recovery) allAtOnce() {
	r.t.Helper()
	r.progress(2000)
	for _, n := range r.c.Nodes {
		r.c.Kill(n)
	}
	begin := time.Now()
	for _, n := range r.c.Nodes {
		r.c.Run(n)
	}
	for _, n := range r.c.Nodes {
		r.c.WaitReady(n, recoveryWait)
	}
	r.t.Logf("all killed at once: all ready after %s", time.Since(begin).Round(time.Millisecond))
	r.agree()
}

func (r *recovery) follower() *cluster.Node {
	leader := r.c.Leader()
	i := slices.Index(r.c.Nodes, leader)
	return r.c.Nodes[(i+1+r.rng.IntN(2))%3]
}

// agree waits until all nodes have a floor in common, under load, and compares its hash.
func (r *recovery) agree() {
	r.t.Helper()
	cluster.Eventually(r.t, recoveryWait, func() bool {
		seen := map[uint64][]string{}
		for _, n := range r.c.Nodes {
			for _, f := range storageOf(r.t, n).Floors {
				seen[f.Index] = append(seen[f.Index], f.Hash)
			}
		}
		for index, hashes := range seen {
			slices.Sort(hashes)
			if len(slices.Compact(slices.Clone(hashes))) > 1 {
				r.t.Errorf("floor %d has several hashes: %v", index, hashes)
			}
			if len(hashes) == len(r.c.Nodes) {
				return true
			}
		}
		return r.t.Failed()
	}, func() string { return "the nodes have no floor in common" })
}

// same flushes, and compares everything that the nodes hold.
func (r *recovery) same() {
	r.t.Helper()
	command(r.t, http.MethodPost, r.c.Nodes[0].HTTP+"/v1/cluster/flush", "")
	var all []storage
	cluster.Eventually(r.t, recoveryWait, func() bool {
		all = nil
		for _, n := range r.c.Nodes {
			all = append(all, storageOf(r.t, n))
		}
		return all[0].Floor == all[1].Floor && all[0].Floor == all[2].Floor && all[0].Missing+all[1].Missing+all[2].Missing == 0
	}, func() string { return fmt.Sprintf("floors %d, %d and %d", all[0].Floor, all[1].Floor, all[2].Floor) })
	for _, s := range all[1:] {
		if s.Hash != all[0].Hash || !slices.Equal(s.Segments, all[0].Segments) {
			r.t.Errorf("floor %d: %s with %d segments, and %s with %d", s.Floor, s.Hash, len(s.Segments), all[0].Hash, len(all[0].Segments))
		}
	}
	r.t.Logf("%d segments with %d frames, the same on all nodes", all[0].Total.Segments, all[0].Total.Frames)
}
