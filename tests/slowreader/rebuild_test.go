package slowreader

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/sign"
	"github.com/gaplessdb/gapless/proof/verify/world"
	public "golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// forgery is what a cluster whose keys were all stolen would like to have proven: its leaves, of the census and of each ordinal.
type forgery struct {
	accounts [][]byte
	strips   [][][]byte
	census   censusRecord
	seals    []sealRecord
}

// Certificates whose every tree, record and signature is right, and whose leaves contradict each other or the readable half, are refused by
// both readers; where nothing is wrong with them they have the same verdict.
func TestForgeriesAgree(t *testing.T) {
	start := world.New(t, "slow").MS
	w, _ := smallPlant(t)
	codes := map[int]int{}
	for seed := range uint64(300) {
		rnd := dice(seed)
		c := certify(w, rnd, start, nil)
		if len(c.Scope.Time) > 0 || len(c.Streams) == 0 {
			continue
		}
		f := readForgery(t, c)
		what := f.change(t, rnd)
		f.write(t, w, c)
		p := papersOf(t, w, c)
		if rnd.IntN(2) == 0 {
			p.files = nil
		}
		codes[p.both(t, fmt.Sprintf("seed %d: %s of %+v", seed, what, c.Scope))]++
	}
	if codes[CodeTampered] < 30 || codes[CodeTampered] == len(codes) || codes[5]+codes[6]+codes[3] < 30 {
		t.Errorf("codes %v", codes)
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
		seal, census, err := parseRecord(entry.Record)
		switch {
		case err != nil:
			t.Fatal(err)
		case seal != nil:
			f.seals = append(f.seals, *seal)
		default:
			f.census = *census
		}
	}
	return f
}

// change makes leaves say something else.
func (f *forgery) change(t *testing.T, rnd *rand.Rand) string {
	t.Helper()
	i := rnd.IntN(len(f.strips))
	strips := f.strips[i]
	k := rnd.IntN(len(f.accounts))
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
	case kind == 6:
		f.seals[i].First += uint64(rnd.IntN(2))
		f.seals[i].History += uint64(rnd.IntN(2))
		f.census.Index += uint64(rnd.IntN(2))
		return "records that do not follow each other"
	}
	return "nothing else"
}

func changeStrip(t *testing.T, rnd *rand.Rand, b *[]byte) string {
	t.Helper()
	s, err := ParseStrip(*b)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { *b = s.bytes() }()
	last := &s.Runs[len(s.Runs)-1]
	switch rnd.IntN(4) {
	case 0:
		s.Ordinal++
		return "another ordinal"
	case 1:
		s.Root[0] ^= 1
		return "another root"
	case 2:
		s.Key.Epoch++
		return "another epoch"
	}
	last.Last, s.Frames = last.Last+1, s.Frames+1
	return "a number more"
}

func changeAccount(t *testing.T, rnd *rand.Rand, b *[]byte) string {
	t.Helper()
	a, err := census.Parse(*b)
	if err != nil || len(a.Epochs) == 0 {
		return fmt.Sprint("nothing else ", err)
	}
	defer func() { *b = a.Append(nil) }()
	e := &a.Epochs[rnd.IntN(len(a.Epochs))]
	switch rnd.IntN(4) {
	case 0:
		e.Conflict++
		return "a conflict"
	case 1:
		e.Head, e.Source = census.HeadDeclared, 3
		return "a declared head"
	case 2:
		a.Epochs = a.Epochs[:len(a.Epochs)-1]
		return "an epoch less"
	}
	for i, g := range e.Gaps {
		if i == 0 && len(e.Runs) > 0 && e.Runs[0].Last+1 == g.First && (len(e.Runs) == 1 || e.Runs[1].First > g.Last+1) {
			e.Runs[0].Last, e.Gaps = g.Last, e.Gaps[1:]
			return "a gap less"
		}
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
	for i := range f.seals {
		f.seals[i].Strips = uint64(len(f.strips[i]))
		c.Proof.Seals[i].Ranges, f.seals[i].Root = oneRange(f.strips[i])
		c.Proof.Seals[i].LogIndex = add(f.seals[i])
	}
	f.census.Streams = uint64(len(f.accounts))
	c.Proof.Census.Ranges, f.census.Root = oneRange(f.accounts)
	c.Proof.Census.LogIndex = add(f.census)
	c.AsOf.Index = f.census.Index
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
	is, err := restate(scope, accounts, nil)
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
