package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// plant is an oracle: of every device one letter a number. S stored, D declared lost, R rejected, - never arrived, o open.
type plant map[string]string

var letterCauses = map[byte]frame.Cause{
	'D': frame.CauseDeclaredLost, 'R': frame.CauseRejectedSchema, '-': frame.CauseNeverArrived, 'o': 0,
}

// plantGap is a gap as the oracle counts it.
type plantGap struct {
	device   string
	from, to uint64
	letter   byte
}

// gaps finds the runs of one letter that is not S, in the order of names and numbers.
func (p plant) gaps() (list []plantGap) {
	var devices []string
	for device := range p {
		devices = append(devices, device)
	}
	slices.Sort(devices)
	for _, device := range devices {
		letters := p[device]
		for i := 0; i < len(letters); {
			j := i
			for j < len(letters) && letters[j] == letters[i] {
				j++
			}
			if letters[i] != 'S' {
				list = append(list, plantGap{device, uint64(i), uint64(j - 1), letters[i]})
			}
			i = j
		}
	}
	return list
}

// build makes a store in which everything is as the letters say. Number n has the device time n seconds after the start.
func (p plant) build(t tester) *store {
	s := newStore(ledger.Policy{})
	var frames []sent
	beat := func(open bool) {
		for device, letters := range p {
			next := len(letters)
			if !open {
				next = len(strings.TrimRight(letters, "o"))
			}
			s.change(func(l *ledger.Ledger) {
				h := ledger.Heartbeat{
					Subject: ledger.Subject{Key: frame.StreamKey{Tenant: "t", Device: device}, Epoch: "e"}, Next: uint64(next), HasFirst: true,
				}
				if _, err := l.Heartbeat(s.commitMS, &h); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
	beat(false)
	for device, letters := range p {
		id := s.id(t, "t", device, "0")
		for n := range uint64(len(letters)) {
			switch letters[n] {
			case 'S':
				frames = append(frames, sent{tenant: "t", device: device, stream: "0", epoch: "e", seq: n,
					Frame: frame.Frame{TimeNS: startMS*ms + int64(n)*second}})
			case 'D':
				s.change(func(l *ledger.Ledger) {
					c := ledger.DeclareLost{Subject: ledger.Subject{ID: id, Epoch: "e"}, From: n, To: n}
					if _, err := l.DeclareLost(s.commitMS, &c); err != nil {
						t.Fatal(err)
					}
				})
			case 'R':
				s.change(func(l *ledger.Ledger) {
					l.Reject(&frame.Group{Stream: id, Epoch: "e", Bits: 64}, n, s.commitMS, s.commitMS, frame.CauseRejectedSchema)
				})
			}
		}
	}
	if len(frames) > 0 {
		s.put(t, frames...)
	}
	s.settle()
	beat(true)
	return s
}

func drawPlant(t *rapid.T) plant {
	p := plant{}
	for _, device := range []string{"a", "ab", "b", "_own"} {
		letters := rapid.SliceOfN(rapid.SampledFrom([]byte("SSSSDR--")), 1, 30).Draw(t, device)
		if device != "b" {
			letters = append(letters, 'S') // what is open lies behind what is stored
		}
		p[device] = string(letters) + strings.Repeat("o", rapid.IntRange(0, 3).Draw(t, "open"))
	}
	return p
}

// gapFilter is the parameters of a question and what they mean to the oracle.
type gapFilter struct {
	pairs  []string
	device func(string) bool
	takes  func(plant, plantGap) bool
}

func drawFilter(t *rapid.T) gapFilter {
	f := gapFilter{device: func(d string) bool { return d[0] != '_' }, takes: func(plant, plantGap) bool { return true }}
	and := func(more func(plant, plantGap) bool, pairs ...string) {
		before := f.takes
		f.takes = func(p plant, g plantGap) bool { return before(p, g) && more(p, g) }
		f.pairs = append(f.pairs, pairs...)
	}
	switch rapid.IntRange(0, 3).Draw(t, "devices") {
	case 1:
		f.device, f.pairs = func(d string) bool { return d == "a" }, []string{"device", "a"}
	case 2:
		f.device, f.pairs = func(d string) bool { return d[0] == 'a' }, []string{"prefix", "a"}
	case 3:
		f.device, f.pairs = func(string) bool { return true }, []string{"system", "true"}
	}
	if rapid.Bool().Draw(t, "by cause") {
		letter := rapid.SampledFrom([]byte("DR-")).Draw(t, "cause")
		and(func(_ plant, g plantGap) bool { return g.letter == letter }, "cause", letterCauses[letter].String())
	}
	if rapid.Bool().Draw(t, "by state") {
		state := rapid.SampledFrom([]string{"OPEN", "FINAL", "EXPIRED", "CLOSED"}).Draw(t, "state")
		and(func(_ plant, g plantGap) bool {
			return state == "OPEN" && g.letter == 'o' || state == "FINAL" && g.letter != 'o'
		}, "state", state)
	}
	if rapid.Bool().Draw(t, "by size") {
		least := rapid.Uint64Range(0, 4).Draw(t, "min")
		and(func(_ plant, g plantGap) bool { return g.to-g.from+1 >= least }, "min", strconv.FormatUint(least, 10))
	}
	if rapid.Bool().Draw(t, "by time") {
		from := rapid.Int64Range(0, 30).Draw(t, "from")
		to := from + rapid.Int64Range(0, 5).Draw(t, "to")
		and(func(p plant, g plantGap) bool { return p.around(g, from, to) }, "from", secondText(from), "to", secondText(to))
	}
	return f
}

func secondText(n int64) string {
	return time.Unix(0, startMS*ms+n*second).UTC().Format(time.RFC3339Nano)
}

// around reports whether the stored neighbours of a gap leave room for a time in from..to seconds.
func (p plant) around(g plantGap, from, to int64) bool {
	before := int64(strings.LastIndexByte(p[g.device][:g.from], 'S')) // -1: no end
	after := int64(strings.IndexByte(p[g.device][g.to:], 'S')) + int64(g.to)
	return (before < 0 || before <= to) && (after < int64(g.to) || after >= from)
}

// TestGapsAgainstCounting compares totals and listing, in pages, with counting letters.
func TestGapsAgainstCounting(t *testing.T) {
	srv := newServer(t, newStore(ledger.Policy{}), Options{})
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlant(t)
		srv.use(p.build(t), Options{})
		f := drawFilter(t)
		var want []plantGap
		var totals ledger.GapTotals
		for device, letters := range p {
			if f.device(device) {
				count(&totals, letters)
			}
		}
		for _, g := range p.gaps() {
			if f.device(g.device) && f.takes(p, g) {
				want = append(want, g)
			}
		}
		totals.Gaps = uint64(len(want))
		var got []plantGap
		limit := strconv.Itoa(rapid.IntRange(1, 9).Draw(t, "limit"))
		for args := append(f.pairs, "limit", limit); ; {
			a := srv.ok(t, "t", "/v1/gaps", args...)
			if d := cmp.Diff(totals, a.Totals); d != "" {
				t.Fatalf("%v: totals %s", f.pairs, d)
			}
			for _, g := range a.Gaps {
				got = append(got, p.read(t, g))
			}
			if a.Next == nil {
				break
			}
			args = append(slices.Clone(f.pairs), "limit", limit, "cursor", *a.Next)
		}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(plantGap{})); d != "" {
			t.Fatalf("%v of %v: %s", f.pairs, p, d)
		}
	})
}

func count(t *ledger.GapTotals, letters string) {
	n := func(letter string) uint64 { return uint64(strings.Count(letters, letter)) }
	t.Expected += uint64(len(letters))
	t.Stored += n("S")
	t.Missing += uint64(len(letters)) - n("S")
	t.Open += n("o")
	t.Lost += n("-")
	t.Declared += n("D")
	t.Rejected += n("R")
}

// read turns a listed gap back into the oracle's form and checks the rest of it.
func (p plant) read(t tester, g ledger.GapRow) plantGap {
	for letter, cause := range letterCauses {
		name := ""
		if cause != 0 {
			name = cause.String()
		}
		if g.Cause != name {
			continue
		}
		if id := fmt.Sprintf("g-1-%d", g.From); g.ID != id || g.Count != g.To-g.From+1 || g.Stream != "0" || g.Epoch != 1 {
			t.Fatalf("%+v", g)
		}
		return plantGap{g.Device, g.From, g.To, letter}
	}
	t.Fatalf("cause %q", g.Cause)
	return plantGap{}
}

// TestGapsBetween checks the times of the neighbours, and a gap without one.
func TestGapsBetween(t *testing.T) {
	srv := newServer(t, plant{"a": "-SS--DSoo"}.build(t), Options{})
	a := srv.ok(t, "t", "/v1/gaps", "device", "a")
	want := [][2]string{{"", secondText(1)}, {secondText(2), secondText(6)}, {secondText(2), secondText(6)}, {secondText(6), ""}}
	for i, g := range a.Gaps {
		if g.Between == nil || *g.Between != want[i] {
			t.Errorf("gap %d..%d is between %v, want %v", g.From, g.To, g.Between, want[i])
		}
	}
	if len(a.Gaps) != len(want) {
		t.Errorf("%d gaps, want %d", len(a.Gaps), len(want))
	}
}

// TestReportListsSoManyGaps checks that a report is bounded over all its epochs and says how many gaps there are.
func TestReportListsSoManyGaps(t *testing.T) {
	s := plant{"a": "S-S-S-S"}.build(t)
	s.put(t, sent{tenant: "t", device: "a", stream: "1", epoch: "e", seq: 1, Frame: frame.Frame{TimeNS: 1}})
	s.put(t, sent{tenant: "t", device: "a", stream: "1", epoch: "e", seq: 3, Frame: frame.Frame{TimeNS: 1}})
	srv := newServer(t, s, Options{PageRows: 2, MaxPageRows: 2})
	a := srv.ok(t, "t", "/v1/devices/a/gaps")
	var listed, total []uint64
	for _, r := range a.Reports {
		listed, total = append(listed, uint64(len(r.Gaps))), append(total, r.GapsTotal)
	}
	if !slices.Equal(listed, []uint64{2, 0}) || !slices.Equal(total, []uint64{3, 1}) {
		t.Errorf("listed %v of %v, want [2 0] of [3 1]", listed, total)
	}
}
