package certificate_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

// gappy is a world of ten devices each of which lost every second number, in three ordinals.
func gappy(t testing.TB) *world.World {
	w := world.New(t, "plant")
	for ordinal := range uint64(3) {
		for d := range 10 {
			b := world.Batch{Device: fmt.Sprintf("d%d", d)}
			for n := range uint64(300) {
				b.Seqs = append(b.Seqs, 2*(ordinal*300+n))
			}
			w.Send(b)
		}
		w.Settle()
		w.Cut()
	}
	return w
}

// TestLimit: a certificate that would be larger than allowed is not made, whatever it is that makes it large, and the estimate is close.
func TestLimit(t *testing.T) {
	w := gappy(t)
	prefix := "d"
	for what, scope := range map[string]certificate.Scope{
		"gaps":         {Tenant: "default", Devices: []string{"d1"}},
		"leaves":       {Tenant: "default", Prefix: &prefix, Seq: []uint64{0, 0}},
		"all":          {Tenant: "default", Prefix: &prefix},
		"gaps, counts": {Tenant: "default", Prefix: &prefix, CountsOnly: true},
	} {
		limited(t, w, what, certificate.Request{Scope: scope})
	}
	for range 40 { // two records each
		w.Send(world.Batch{Device: "other", Unseq: true, Seqs: []uint64{1}})
		w.Cut()
	}
	since := certificate.Request{Scope: certificate.Scope{Tenant: "default", Devices: []string{"nobody"}, CountsOnly: true}}
	for n := range int64(64) {
		since.Since = append(since.Since, n+1)
	}
	limited(t, w, "proofs of earlier checkpoints", since)
}

// limited makes sure that a certificate is made where it just has room, and not where it has half of it.
func limited(t *testing.T, w *world.World, what string, req certificate.Request) {
	t.Helper()
	size := int64(len(w.Encode(w.Certify(req))))
	req.Bytes = size * 5 / 4
	if _, err := certificate.Build(t.Context(), w, req); err != nil {
		t.Errorf("%s: %d bytes of %d that are allowed: %v", what, size, req.Bytes, err)
	}
	req.Bytes = size / 2
	if _, err := certificate.Build(t.Context(), w, req); !errors.Is(err, certificate.ErrLimit) || errors.Is(err, certificate.ErrScope) {
		t.Errorf("%s: %d bytes of %d that are allowed: %v", what, size, req.Bytes, err)
	}
}

// stopping is a world in which the one who asked leaves while something is read.
type stopping struct {
	*world.World
	stop               func()
	atCensus, atStrips bool
	atProof            bool // of the census
	strips, keys       int  // that were opened, and read, since
	left               bool
}

// read is leaves that count what is read of them.
type read struct {
	certificate.Leaves
	s *stopping
}

func (r read) Key(i int64) (leaves.Key, error) {
	if r.s.left {
		r.s.keys++
	}
	return r.Leaves.Key(i)
}

func (r read) Prove(lo, hi int64) ([]merkle.Hash, error) {
	if r.s.atProof {
		r.s.leave()
	}
	return r.Leaves.Prove(lo, hi)
}

func (s *stopping) leave() {
	s.left = true
	s.stop()
}

func (s *stopping) Census(index uint64) (certificate.Leaves, error) {
	if s.atCensus {
		s.leave()
	}
	in, err := s.World.Census(index)
	return read{in, s}, err
}

func (s *stopping) Strips(ordinal uint32) (certificate.Leaves, error) {
	if s.atStrips {
		s.leave()
	}
	s.strips++
	in, err := s.World.Strips(ordinal)
	s.atProof = false
	return read{in, s}, err
}

// TestLeft: nothing is read on for somebody who no longer waits.
func TestLeft(t *testing.T) {
	w := world.New(t, "plant")
	w.Send(world.Batch{Device: "old", Seqs: world.Seqs(1, 5)})
	w.Cut()
	for range 5 { // ordinals with nothing of "old"
		for d := range 10 {
			w.Send(world.Batch{Device: fmt.Sprintf("d%d", d), Seqs: []uint64{uint64(w.Ordinal)}})
		}
		w.Settle()
		w.Cut()
	}
	prefix := "d"
	old := []string{"old"}
	for i := range 1000 {
		old = append(old, fmt.Sprintf("d%d-%d", i%9, i)) // which all lie between two that there are
	}
	for what, tt := range map[string]struct {
		src          stopping
		scope        certificate.Scope
		strips, keys int // read since, at most
	}{
		"in the census":              {stopping{atCensus: true}, certificate.Scope{Prefix: &prefix}, 0, 10},
		"in the leaves of others":    {stopping{atProof: true}, certificate.Scope{Prefix: &prefix, Epochs: []uint32{2}}, 0, 10},
		"in the strips":              {stopping{atStrips: true}, certificate.Scope{Prefix: &prefix}, 1, 10},
		"in the census, many names":  {stopping{atCensus: true}, certificate.Scope{Devices: old}, 0, 10},
		"in strips of others":        {stopping{atStrips: true}, certificate.Scope{Devices: old[:1]}, 1, 10},
		"in strips of others, names": {stopping{atStrips: true}, certificate.Scope{Devices: old}, 1, 10},
		"before the earlier proofs":  {stopping{atProof: true}, certificate.Scope{Devices: []string{"nobody"}, CountsOnly: true}, 0, 10},
	} {
		ctx, stop := context.WithCancel(context.Background())
		src := &tt.src
		src.World, src.stop = w, stop
		tt.scope.Tenant = "default"
		req := certificate.Request{Scope: tt.scope}
		if tt.scope.CountsOnly {
			req.Since = []int64{1, 2}
		}
		_, err := certificate.Build(ctx, src, req)
		if !errors.Is(err, context.Canceled) || src.strips > tt.strips || src.keys > tt.keys {
			t.Errorf("%s: %v, and since then %d strips and %d keys were read", what, err, src.strips, src.keys)
		}
	}
}

// TestManyEpochs: to look whether an epoch is in scope takes no walk through all that were asked for.
func TestManyEpochs(t *testing.T) {
	s := certificate.Scope{}
	for n := range uint32(1_000_000) {
		s.Epochs = append(s.Epochs, 2*n+2)
	}
	held := 0
	for n := range uint32(1_000_000) {
		if s.HoldsEpoch(n + 1) {
			held++
		}
	}
	if held != 500_000 {
		t.Errorf("%d epochs are in scope", held)
	}
}

// TestRequestCheck: what no log could meet is known before anything is done for it.
func TestRequestCheck(t *testing.T) {
	prefix := ""
	req := certificate.Request{Scope: certificate.Scope{Tenant: "default", Prefix: &prefix}}
	for n := range 64 {
		req.Since = append(req.Since, int64(64-n), int64(64-n))
	}
	if err := req.Check(); err != nil || len(req.Since) != 64 || !slices.IsSorted(req.Since) {
		t.Errorf("64 checkpoints: %v, %d", err, len(req.Since))
	}
	for what, since := range map[string][]int64{"65 checkpoints": append(req.Since, 65), "none": {0}} {
		if err := (&certificate.Request{Scope: req.Scope, Since: since}).Check(); !errors.Is(err, certificate.ErrScope) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := (&certificate.Request{Scope: certificate.Scope{Tenant: "default"}}).Check(); !errors.Is(err, certificate.ErrScope) {
		t.Errorf("no devices: %v", err)
	}
}

// TestOrdinals looks which ordinals a certificate shows, and which strips are read for it.
func TestOrdinals(t *testing.T) {
	w := gappy(t)
	w.Send(world.Batch{Device: "new", Epoch: "a", Seqs: world.Seqs(0, 9)})
	w.Settle()
	w.Cut()
	w.Send(world.Batch{Device: "new", Epoch: "b", Seqs: world.Seqs(0, 9)})
	w.Send(world.Batch{Device: "d1", Seqs: []uint64{601}}) // late, in ordinal 5
	w.Settle()
	w.Cut()
	now := w.Certify(devices("new")).AsOf.Time
	for what, tt := range map[string]struct {
		scope         certificate.Scope
		shown, opened []uint32
	}{
		"all of a device":      {certificate.Scope{Devices: []string{"d1"}}, []uint32{1, 2, 3, 5}, []uint32{5, 4, 3, 2, 1}},
		"a new one":            {certificate.Scope{Devices: []string{"new"}}, []uint32{4, 5}, []uint32{5, 4}},
		"its last epoch":       {certificate.Scope{Devices: []string{"new"}, Epochs: []uint32{2}}, []uint32{5}, []uint32{5}},
		"its first epoch":      {certificate.Scope{Devices: []string{"new"}, Epochs: []uint32{1}}, []uint32{4}, []uint32{5, 4}},
		"its first numbers":    {certificate.Scope{Devices: []string{"d1"}, Seq: []uint64{0, 500}}, []uint32{1}, []uint32{5, 4, 3, 2, 1}},
		"numbers of two seals": {certificate.Scope{Devices: []string{"d1"}, Seq: []uint64{598, 600}}, []uint32{1, 2}, []uint32{5, 4, 3, 2, 1}},
		"a late number":        {certificate.Scope{Devices: []string{"d1"}, Seq: []uint64{601, 601}}, []uint32{5}, []uint32{5}},
		"a lost number":        {certificate.Scope{Devices: []string{"d1"}, Seq: []uint64{603, 603}}, nil, nil},
		"counts only":          {certificate.Scope{Devices: []string{"d1"}, CountsOnly: true}, nil, nil},
		"who never was":        {certificate.Scope{Devices: []string{"nobody"}}, nil, nil},
		"a time":               {certificate.Scope{Devices: []string{"d1"}, Time: []string{"2020-01-01T00:00:00Z", now}}, []uint32{1, 2, 3, 5}, []uint32{5, 4, 3, 2, 1}},
		"a time before all":    {certificate.Scope{Devices: []string{"new"}, Time: []string{"2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"}}, []uint32{4, 5}, []uint32{5, 4}},
	} {
		src := &refusing{World: w}
		tt.scope.Tenant = "default"
		c, err := certificate.Build(t.Context(), src, certificate.Request{Scope: tt.scope})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		shown := []uint32{}
		for _, s := range c.Proof.Seals {
			shown = append(shown, s.Ordinal)
			if len(s.Ranges) != 1 || len(s.Ranges[0].Leaves) != 1 {
				t.Errorf("%s: ordinal %d shows %d ranges", what, s.Ordinal, len(s.Ranges))
			}
		}
		if !slices.Equal(shown, tt.shown) || !slices.Equal(src.opened, tt.opened) {
			t.Errorf("%s: ordinals %v out of %v, want %v out of %v", what, shown, src.opened, tt.shown, tt.opened)
		}
		if want := len(shown) + 1; len(c.Proof.Log) != want {
			t.Errorf("%s: %d records, want %d", what, len(c.Proof.Log), want)
		}
	}
}

// TestSums: sums of more numbers than a counter holds stop at the greatest one, as those of the ledger do.
func TestSums(t *testing.T) {
	var list []*census.Leaf
	for _, device := range []string{"a", "b", "c"} {
		list = append(list, &census.Leaf{Key: frame.StreamKey{Tenant: "t", Device: device, Stream: "0"}, Epochs: []census.Epoch{{
			Ordinal: 1, Begun: true, Next: 1 << 63, Runs: []ledger.Run{{First: 0, Last: 0}},
			Gaps: []census.Gap{{First: 1, Last: 1<<63 - 1, Cause: frame.CauseNeverArrived}},
		}}})
	}
	prefix := ""
	a, err := certificate.Restate(&certificate.Scope{Tenant: "t", Prefix: &prefix}, list, nil)
	if err != nil {
		t.Fatal(err)
	}
	const most = 1<<64 - 1
	if s := a.Statement; s.Expected != most || s.Missing != most || s.Causes["never_arrived"] != most || s.Stored != 3 {
		t.Errorf("%+v", s)
	}
}
