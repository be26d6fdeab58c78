package slowreader

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/proof/verify/world"
	public "golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// forgery is what a cluster whose keys were all stolen would like to have proven: its leaves, of the census and of each ordinal that is shown.
type forgery struct {
	accounts [][]byte
	strips   [][][]byte
	census   censusRecord
	seals    []sealRecord
	late     bool // the last SEAL stands behind the CENSUS
	behind   any  // the record behind those, nil for none
}

// Certificates whose every tree, record and signature is right, and whose leaves contradict each other or the readable half, are refused by
// both readers; where nothing is wrong with them they have the same verdict.
func TestForgeriesAgree(t *testing.T) {
	start := world.New(t, "slow").MS
	w, _ := smallPlant(t)
	codes := map[int]int{}
	lies := map[string]int{} // that were found out
	for seed := range uint64(400) {
		rnd := dice(seed)
		c := certify(w, rnd, start, nil)
		if len(c.Streams) == 0 {
			continue
		}
		f := readForgery(t, c)
		what := f.change(t, rnd, c)
		f.write(t, w, c)
		p := papersOf(t, w, c)
		if rnd.IntN(2) == 0 {
			p.files = nil
		}
		code := p.both(t, fmt.Sprintf("seed %d: %s of %+v", seed, what, c.Scope))
		codes[code]++
		if code == CodeTampered {
			lies[what]++
		}
	}
	t.Log(codes, lies)
	if codes[CodeTampered] < 30 || codes[5]+codes[6]+codes[3] < 30 {
		t.Errorf("codes %v", codes)
	}
	for _, what := range found {
		if lies[what] == 0 {
			t.Errorf("%q was never found out: %v", what, lies)
		}
	}
}

func readForgery(t *testing.T, c *certificate.Certificate) *forgery {
	t.Helper()
	f := &forgery{}
	for _, r := range c.Proof.Census.Ranges {
		f.accounts = append(f.accounts, r.Leaves...)
	}
	for _, s := range c.Proof.Seals {
		var strips [][]byte
		for _, r := range s.Ranges {
			strips = append(strips, r.Leaves...)
		}
		f.strips = append(f.strips, strips)
	}
	for _, entry := range c.Proof.Log {
		r, err := parseRecord(entry.Record)
		switch {
		case err != nil:
			t.Fatal(err)
		case r.seal != nil:
			f.seals = append(f.seals, *r.seal)
		case r.census != nil:
			f.census = *r.census
		}
	}
	return f
}

// change makes leaves say something else.
func (f *forgery) change(t *testing.T, rnd *rand.Rand, c *certificate.Certificate) string {
	t.Helper()
	k := rnd.IntN(len(f.accounts))
	switch kind := rnd.IntN(4); {
	case kind == 0 || len(f.strips) == 0:
		return f.changeLog(rnd, c)
	case kind == 1:
		return f.changeSeals(t, rnd, c)
	}
	i := rnd.IntN(len(f.strips))
	strips := f.strips[i]
	switch kind := rnd.IntN(8); {
	case kind == 0:
		f.accounts = slices.Delete(f.accounts, k, k+1)
		return "an account less"
	case kind == 1 && len(strips) > 0:
		n := rnd.IntN(len(strips))
		f.strips[i] = slices.Delete(strips, n, n+1)
		return "a strip less"
	case kind == 2 && len(strips) > 1:
		n := rnd.IntN(len(strips) - 1)
		strips[n], strips[n+1] = strips[n+1], strips[n]
		return "two strips in the other order"
	case kind == 3 && len(strips) > 0:
		return "a strip with " + changeStrip(t, rnd, &strips[rnd.IntN(len(strips))])
	case kind == 4 || kind == 5:
		return "an account with " + changeAccount(t, rnd, &f.accounts[k])
	}
	return "nothing else"
}

// write puts the leaves into trees that have no others, the records into a log, signs everything with all keys, and makes the readable half
// say what the accounts do.
func (f *forgery) write(t *testing.T, w *world.World, c *certificate.Certificate) {
	t.Helper()
	log := &publicTree{}
	c.Proof.Log, c.Proof.Consistency = nil, []certificate.Consistency{}
	add := func(record any) int64 {
		b, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		index := int64(len(c.Proof.Log))
		log.add(t, index, b)
		c.Proof.Log = append(c.Proof.Log, certificate.Entry{Index: index, Record: b})
		return index
	}
	f.census.Streams = uint64(len(f.accounts))
	c.Proof.Census.Ranges, f.census.Root = oneRange(f.accounts)
	c.Proof.Seals = c.Proof.Seals[:0]
	for i := range f.seals {
		s := certificate.SealTree{Ordinal: f.seals[i].Ordinal}
		f.seals[i].Strips = uint64(len(f.strips[i]))
		s.Ranges, f.seals[i].Root = oneRange(f.strips[i])
		if f.late && i == len(f.seals)-1 {
			c.Proof.Census.LogIndex = add(f.census)
		}
		s.LogIndex = add(f.seals[i])
		c.Proof.Seals = append(c.Proof.Seals, s)
	}
	if !f.late {
		c.Proof.Census.LogIndex = add(f.census)
	}
	if f.behind != nil {
		add(f.behind)
	}
	c.AsOf.Index, c.AsOf.Time = f.census.Index, f.census.At
	size := int64(len(c.Proof.Log))
	for i := range c.Proof.Log {
		path, err := tlog.ProveRecord(size, int64(i), log)
		if err != nil {
			t.Fatal(err)
		}
		c.Proof.Log[i].Proof = append([]tlog.Hash{}, path...)
	}
	root, err := tlog.TreeHash(size, log)
	if err != nil {
		t.Fatal(err)
	}
	c.Proof.Checkpoint = signAll(t, w, sign.Checkpoint{Origin: c.Origin, Size: size, Root: root})
	f.restate(t, c)
	w.Issue(c, "n1")
}

func oneRange(leaves [][]byte) ([]certificate.Range, Hash) {
	var hashes []Hash
	for _, leaf := range leaves {
		hashes = append(hashes, leafHash(leaf))
	}
	if len(leaves) == 0 {
		return []certificate.Range{}, treeRoot(nil)
	}
	return []certificate.Range{{Leaves: leaves, Proof: []tlog.Hash{}}}, treeRoot(hashes)
}

func signAll(t *testing.T, w *world.World, c sign.Checkpoint) string {
	t.Helper()
	var signers []public.Signer
	for _, node := range []string{"n1", "n2", "n3"} {
		key := w.Keys[node][len(w.Keys[node])-1]
		asNode, err := key.Cosigner(sign.CosignerName(c.Origin, node), func() time.Time { return time.UnixMilli(w.MS) })
		if err != nil {
			t.Fatal(err)
		}
		asLog, err := key.LogSigner(c.Origin)
		if err != nil {
			t.Fatal(err)
		}
		signers = append(signers, asNode, asLog)
	}
	msg, err := sign.SignCheckpoint(c, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return string(msg)
}

// restate lets the readable half say what the accounts do, as this reader understands them.
func (f *forgery) restate(t *testing.T, c *certificate.Certificate) {
	t.Helper()
	scope := &Scope{}
	recode(t, c.Scope, scope)
	var accounts []*Account
	for _, b := range f.accounts {
		a, err := ParseAccount(b)
		if err != nil {
			continue
		}
		if scope.holds(a.Key) {
			accounts = append(accounts, a)
		}
	}
	is, err := restate(scope, accounts, func(k Key) ([]uint64, bool) {
		for _, s := range c.Streams {
			for _, e := range s.Epochs {
				if s.Device == k.Device && s.Stream == k.Stream && e.Epoch == k.Epoch {
					return e.Seq, true
				}
			}
		}
		return nil, false
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Verdict = is.verdict.String()
	c.Statement, c.Streams, c.NotProven = certificate.Statement{}, nil, nil
	recode(t, is.statement, &c.Statement)
	recode(t, is.streams, &c.Streams)
	recode(t, is.notProven, &c.NotProven)
}

func recode(t *testing.T, from, to any) {
	t.Helper()
	b, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	in := json.NewDecoder(bytes.NewReader(b))
	if err := in.Decode(to); err != nil {
		t.Fatal(err)
	}
}
