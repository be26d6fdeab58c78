package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/proof/sign"
)

// log applies commands in order, as raftfsm does, and keeps the records.
type log struct {
	t       testing.TB
	s       *Section
	index   uint64
	ms      int64
	history uint64
	voters  []string
	records [][]byte
}

// logBeganMS is the commit time before the first command.
const logBeganMS = 1_700_000_000_000

func newLog(t testing.TB, voters ...string) *log {
	return &log{t: t, s: NewSection(), index: 100, ms: logBeganMS, history: 1, voters: voters}
}

var three = []string{"n1.a", "n2.b", "n3.c"}

// apply applies a command and returns the code of its refusal, "" for none.
func (l *log) apply(kind uint16, command any) string {
	l.t.Helper()
	if r, ok := command.(Roots); ok && r.Signature == "" {
		command = l.signed(r)
	}
	body, err := json.Marshal(command)
	if err != nil {
		l.t.Fatal(err)
	}
	return l.applyBody(kind, body)
}

func (l *log) applyBody(kind uint16, body []byte) string {
	l.t.Helper()
	l.index++
	l.ms += 250
	l.s.At(l.history, clusterID, l.voters)
	before, size := frozen(l.t, l.s), l.s.LogSize()
	_, err := l.s.Apply(l.index, 7, l.ms, kind, CommandVersion, body)
	var refusal *Refusal
	if err != nil {
		if !errors.As(err, &refusal) {
			l.t.Fatalf("%v is no refusal", err)
		}
		if !bytes.Equal(before, frozen(l.t, l.s)) || len(l.s.fresh) > 0 || l.s.cutting {
			l.t.Errorf("a refused command changed the section: %v", err)
		}
		return refusal.Code
	}
	if cut := l.s.Cut(); cut != (kind == KindCut) || cut && l.s.LogSize() != size {
		l.t.Errorf("command %d: a flush point: %t, with %d records", kind, cut, l.s.LogSize()-size)
	}
	l.take()
	return ""
}

// take takes the records over, and holds the edge against a tree over all of them.
func (l *log) take() {
	l.t.Helper()
	fresh, err := l.s.TakeRecords()
	if err != nil {
		l.t.Fatal(err)
	}
	for _, b := range fresh {
		l.records = append(l.records, bytes.Clone(b))
	}
	if root := treeRoot(l.t, l.records); l.s.LogSize() != int64(len(l.records)) || l.s.LogRoot() != root {
		l.t.Fatalf("the section has %d records with root %s, these are %d with %s", l.s.LogSize(), l.s.LogRoot(), len(l.records), root)
	}
	if again, _ := l.s.TakeRecords(); len(again) > 0 {
		l.t.Errorf("%d records come a second time", len(again))
	}
}

// treeRoot is what x/mod says of a log.
func treeRoot(t testing.TB, records [][]byte) merkle.Hash {
	t.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(at []int64) (list []tlog.Hash, err error) {
		for _, i := range at {
			list = append(list, stored[i])
		}
		return list, nil
	})
	for n, b := range records {
		hashes, err := tlog.StoredHashes(int64(n), b, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(int64(len(records)), reader)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func (l *log) want(code string, kind uint16, command any) {
	l.t.Helper()
	if got := l.apply(kind, command); got != code {
		l.t.Errorf("%T %+v: %q, want %q", command, command, got, code)
	}
}

// placed are roots as the next word of their server for the cut of their ordinal.
func (l *log) placed(r Roots) Roots {
	if r.Count > 0 {
		return r
	}
	r.Count = 1
	for _, c := range l.s.Cuts() {
		if c.Ordinal == r.Ordinal {
			before, _ := c.Report(r.Server)
			r.History, r.Index, r.Count = c.History, c.Last, before.Count+1
		}
	}
	return r
}

// signed are roots with the signature of their server. One that votes and has no key yet makes one known first.
func (l *log) signed(r Roots) Roots {
	l.t.Helper()
	r = l.placed(r)
	if node, _, _ := strings.Cut(r.Server, "."); slices.Contains(l.voters, r.Server) {
		if k, ok := l.s.KeyOf(node); !ok || k.Server != r.Server {
			l.want("", KindKey, keyCommandOf(l.t, keyOf(l.t, l.unused()), r.Server))
		}
	}
	i := slices.IndexFunc(l.s.keys, func(k Key) bool { return k.Server == r.Server && k.Until == 0 })
	if i < 0 {
		return r
	}
	known, err := sign.ParseVerifierKey(l.s.keys[i].VKey)
	if err != nil {
		l.t.Fatal(err)
	}
	w, err := r.word(origin)
	if err != nil {
		l.t.Fatal(err)
	}
	r.Signature = rootsLineOf(l.t, ring()[known.Public], l.s.keys[i].Node, w)
	return r
}

// ring has the keys with all seeds, by their public halves.
var ring = sync.OnceValue(func() map[[32]byte]sign.Key {
	all := map[[32]byte]sign.Key{}
	for i := range 256 {
		seed := make([]byte, 32)
		for k := range seed {
			seed[k] = byte(i + k)
		}
		key, err := sign.Generate(bytes.NewReader(seed))
		if err != nil {
			panic(err)
		}
		all[[32]byte(key.Public())] = key
	}
	return all
})

// unused is the first seed of a key that the log does not know.
func (l *log) unused() (seed byte) {
	used := map[[32]byte]bool{}
	for _, k := range l.s.keys {
		if known, err := sign.ParseVerifierKey(k.VKey); err == nil {
			used[known.Public] = true
		}
	}
	for used[[32]byte(keyOf(l.t, seed).Public())] {
		seed++
	}
	return seed
}

// told are the records, in short.
func (l *log) told() (list []string) {
	l.t.Helper()
	for _, b := range l.records {
		r, err := record.Parse(b)
		if err != nil {
			l.t.Fatal(err)
		}
		switch r := r.(type) {
		case *record.Seal:
			list = append(list, fmt.Sprint("seal ", r.Ordinal, " ", r.Strips))
		case *record.Census:
			list = append(list, fmt.Sprint("census ", r.Seal, " ", r.Streams))
		case *record.Key:
			list = append(list, map[bool]string{true: "retired ", false: "key "}[r.VKey == ""]+r.Server)
		case *record.Merge:
			list = append(list, fmt.Sprint("merge ", len(r.Drop), " ", len(r.Add)))
		case *record.Policy:
			list = append(list, fmt.Sprint("policy ", r.Revision))
		case *record.Audit:
			list = append(list, "audit "+r.Action)
		}
	}
	return list
}

// tells checks all records but those of keys.
func (l *log) tells(want ...string) {
	l.t.Helper()
	got := slices.DeleteFunc(l.told(), func(text string) bool { return strings.HasPrefix(text, "key ") })
	if !slices.Equal(got, want) {
		l.t.Errorf("the log tells %q, want %q", got, want)
	}
}

func (l *log) tellsAll(want ...string) {
	l.t.Helper()
	if got := l.told(); !slices.Equal(got, want) {
		l.t.Errorf("the log tells %q, want %q", got, want)
	}
}

func frozen(t testing.TB, s *Section) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Freeze()(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func hashOf(text string) string { return hashText(sha256.Sum256([]byte(text))) }

// roots is a report: contents and censuses of other numbers have other roots; census 0 is none.
func roots(server string, ordinal uint32, content, census int64) Roots {
	r := Roots{Server: server, Ordinal: ordinal, Content: ContentRoot{hashOf(fmt.Sprint("content ", content)), content, uint64(10 * content)}}
	if census > 0 {
		sum := sha256.Sum256([]byte("policy"))
		r.Census = &CensusRoot{hashOf(fmt.Sprint("census ", census)), census, Totals{Expected: uint64(census), Stored: uint64(census)}, hex.EncodeToString(sum[:])}
	}
	return r
}

func (l *log) cut() {
	l.t.Helper()
	l.want("", KindCut, cutCommand{l.s.Ordinal()})
}

func (l *log) roots(server string, ordinal uint32, content, census int64) {
	l.t.Helper()
	l.want("", KindRoots, roots(server, ordinal, content, census))
}
