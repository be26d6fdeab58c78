package proof

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The model knows the section by docs/format/proof.md alone, and slowly: it keeps every report of every server, and after each looks at all of them.
type model struct {
	open     int
	reports  map[int]map[string]Roots // by ordinal and server
	sealed   int
	counted  int
	closed   map[int]bool // nothing more comes of it
	expected []string
}

// report takes in a report, and says whether it is refused.
func (m *model) report(r Roots, voters []string) (code string) {
	n := int(r.Ordinal)
	switch {
	case !slices.Contains(voters, r.Server):
		return CodeNotVoter
	case n < 1 || n >= m.open || m.closed[n]:
		return CodeNotCurrent
	}
	if m.reports[n] == nil {
		m.reports[n] = map[string]Roots{}
	}
	for server := range m.reports[n] {
		if !slices.Contains(voters, server) {
			delete(m.reports[n], server)
		}
	}
	m.reports[n][r.Server] = r
	m.settle(voters)
	return ""
}

func (m *model) settle(voters []string) {
	for n := 1; n < m.open; n++ {
		if n == m.sealed+1 {
			if text := m.most(n, voters, func(r Roots) string { return fmt.Sprint("seal ", n, " ", r.Content.Strips) }); text != "" {
				m.sealed, m.expected = n, append(m.expected, text)
			}
		}
		if n > m.sealed || m.closed[n] {
			continue
		}
		if text := m.most(n, voters, func(r Roots) string {
			if r.Census == nil {
				return ""
			}
			return fmt.Sprint("census ", n, " ", r.Census.Streams)
		}); text != "" && n > m.counted {
			m.counted, m.expected = n, append(m.expected, text)
		}
	}
	for n := 1; n <= m.sealed; n++ {
		said := 0
		for _, v := range voters {
			if _, ok := m.reports[n][v]; ok {
				said++
			}
		}
		m.closed[n] = m.closed[n] || n <= m.counted || said == len(voters)
	}
}

// most is what more than half of the voters say of an ordinal, "" for nothing.
func (m *model) most(n int, voters []string, what func(Roots) string) string {
	count := map[string]int{}
	for _, v := range voters {
		if r, ok := m.reports[n][v]; ok {
			if text := what(r); text != "" {
				count[text]++
			}
		}
	}
	for text, k := range count {
		if k > len(voters)/2 {
			return text
		}
	}
	return ""
}

// TestSectionAgainstModel: whatever comes in whatever order, the log says what the model expects; refusals are the same; a section that is restored
// at any point goes on with the same records and the same state.
func TestSectionAgainstModel(t *testing.T) {
	servers := []string{"n1.a", "n2.b", "n3.c", "n4.d", "n5.e"}
	rapid.Check(t, func(rt *rapid.T) {
		l := newLog(t, servers...)
		for i, server := range servers {
			l.want("", KindKey, keyCommandOf(t, keyOf(t, byte(32*i)), server))
		}
		l.voters = three
		m := &model{open: 1, reports: map[int]map[string]Roots{}, closed: map[int]bool{}}
		for range rapid.IntRange(1, 60).Draw(rt, "commands") {
			switch what := rapid.IntRange(0, 19).Draw(rt, "what"); {
			case what < 4 && m.open < 6:
				ordinal := m.open + rapid.SampledFrom([]int{0, 0, 0, 1, -1}).Draw(rt, "of")
				want := ""
				if ordinal != m.open {
					want = CodeNotCurrent
				} else {
					m.open++
				}
				l.want(want, KindCut, cutCommand{uint32(ordinal)})
			case what == 4:
				l.voters = rapid.SliceOfNDistinct(rapid.SampledFrom(servers), 1, 5, rapid.ID).Draw(rt, "voters")
				slices.Sort(l.voters)
			case what == 5:
				restored := NewSection()
				if err := restored.Restore(bytes.NewReader(frozen(t, l.s))); err != nil {
					rt.Fatal(err)
				}
				if !bytes.Equal(frozen(t, restored), frozen(t, l.s)) {
					rt.Fatal("restored another section")
				}
				l.s = restored
			default:
				r := roots(rapid.SampledFrom(servers).Draw(rt, "server"), uint32(rapid.IntRange(0, m.open).Draw(rt, "ordinal")),
					rapid.Int64Range(1, 2).Draw(rt, "content"), rapid.Int64Range(0, 2).Draw(rt, "census"))
				l.want(m.report(r, l.voters), KindRoots, r)
			}
			if got := l.told()[len(servers):]; !slices.Equal(got, m.expected) {
				rt.Fatalf("the log tells %q, want %q", got, m.expected)
			}
		}
		for n := 1; n < m.open; n++ {
			if l.s.pending(uint32(n)) == m.closed[n] {
				rt.Errorf("ordinal %d is pending: %t", n, !m.closed[n])
			}
		}
		if t.Failed() {
			rt.Fatal("see above")
		}
	})
}

// entry is a command, and who voted in which history when it was applied.
type entry struct {
	kind    uint16
	body    []byte
	history uint64
	voters  []string
}

// story is a log with something of every command, taken or refused, and what came of each.
type story struct {
	*log
	entries []entry
	states  [][]byte // before the first command, and after each
	records []int    // likewise, how many there are
}

func (s *story) do(kind uint16, command any) {
	s.t.Helper()
	if r, ok := command.(Roots); ok {
		command = s.signed(r)
	}
	body, err := json.Marshal(command)
	if err != nil {
		s.t.Fatal(err)
	}
	s.entries = append(s.entries, entry{kind, body, s.history, s.voters})
	s.applyBody(kind, body)
	s.states, s.records = append(s.states, frozen(s.t, s.s)), append(s.records, len(s.log.records))
}

func tellStory(t testing.TB) *story {
	s := &story{log: newLog(t, three...)}
	s.states, s.records = [][]byte{frozen(t, s.s)}, []int{0}
	for i, server := range three {
		s.do(KindKey, keyCommandOf(t, keyOf(t, byte(32*i)), server))
	}
	for n := uint32(1); n < 5; n++ {
		s.history = uint64(n)
		s.do(KindCut, cutCommand{n})
		s.do(KindCut, cutCommand{n})
		for i, server := range three {
			s.do(KindRoots, roots(server, n, int64(n)+int64(i/2), int64(n)))
		}
		s.do(KindCosign, cosignOf(t, keyOf(t, 0), "n1.a", s.s.Current()))
		s.do(KindCosign, cosignOf(t, keyOf(t, 0), "n1.a", s.s.Current()))
		s.do(KindCosign, cosignOf(t, keyOf(t, 64), "n3.c", s.s.Current()))
		newest := s.s.Newest()
		s.do(KindWitness, witnessCommand{newest.Size, hashText(newest.Root), []string{s.witnessLine(96, "witness.example/w1", int64(n))}})
	}
	s.do(KindKey, keyCommandOf(t, keyOf(t, 128), "n2.b", keyOf(t, 32)))
	s.do(KindRetire, retireCommand{"n3.c"})
	s.voters = three[:2]
	s.do(KindRetire, retireCommand{"n3.c"})
	s.do(KindCut, cutCommand{5})
	s.do(KindRoots, roots("n1.a", 5, 5, 5))
	s.voters = append(slices.Clone(three[:2]), "n3.z")
	s.do(KindKey, keyCommandOf(t, keyOf(t, 64), "n3.z"))
	s.do(KindKey, keyCommandOf(t, keyOf(t, 65), "n3.z"))
	s.do(KindRoots, roots("n3.z", 5, 5, 5))
	return s
}

// TestSameLogSameBytes: the records and the section after each command are a function of the commands alone, whether the section comes out of a
// checkpoint or not.
func TestSameLogSameBytes(t *testing.T) {
	s := tellStory(t)
	s.tells("seal 1 1", "census 1 1", "seal 2 2", "census 2 2", "seal 3 3", "census 3 3", "seal 4 4", "census 4 4", "retired n3.c", "seal 5 5", "census 5 5")
	start := s.index - uint64(len(s.entries))
	for from := range s.entries {
		again := newLog(t)
		if err := again.s.Restore(bytes.NewReader(s.states[from])); err != nil {
			t.Fatal(err)
		}
		again.records, again.index, again.ms = slices.Clone(s.log.records[:s.records[from]]), start+uint64(from), again.ms+250*int64(from)
		for i, e := range s.entries[from:] {
			again.history, again.voters = e.history, e.voters
			again.applyBody(e.kind, e.body)
			if want := s.states[from+i+1]; !bytes.Equal(frozen(t, again.s), want) {
				t.Fatalf("restored after command %d, the state after command %d is\n%s\nwant\n%s", from, from+i+1, frozen(t, again.s), want)
			}
		}
		for i := range s.log.records {
			if !bytes.Equal(again.records[i], s.log.records[i]) {
				t.Fatalf("restored after command %d, record %d is\n%s\nwant\n%s", from, i, again.records[i], s.log.records[i])
			}
		}
	}
}
