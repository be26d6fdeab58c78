package check

import (
	"strings"
	"testing"
	"time"
)

// seaside is a run of one counter with writes and linearizable reads; times are in ms.
type seaside struct{ run Run }

func (s *seaside) put(outcome Outcome, last uint64, from, to int) *seaside {
	s.run.Batches = append(s.run.Batches, Batch{
		Node: "n1", Counter: Counter{Device: "d", Stream: "0"}, First: last, Last: last, Numbered: true, Outcome: outcome,
		Invoke: time.Duration(from) * time.Millisecond, Return: time.Duration(to) * time.Millisecond,
	})
	return s
}

func (s *seaside) read(latest uint64, from, to int) *seaside {
	s.run.Reads = append(s.run.Reads, Read{
		Counter: Counter{Device: "d", Stream: "0"}, Ordinal: 1, Latest: latest, Found: latest > 0,
		Answer: Answer{Node: "n1", Consistency: "linearizable", Invoke: time.Duration(from) * time.Millisecond,
			Return: time.Duration(to) * time.Millisecond},
	})
	return s
}

// none is an answer 404.
func (s *seaside) none(from, to int) *seaside { return s.read(0, from, to) }

// TestLinear is what a register that keeps the highest number allows, and what it does not.
func TestLinear(t *testing.T) {
	for _, c := range []struct {
		name string
		run  *seaside
		want string // in the violation, "" for none
	}{
		{"one after the other", new(seaside).read(0, 0, 1).put(Acked, 5, 2, 3).read(5, 4, 5), ""},
		{"a late smaller number changes nothing", new(seaside).put(Acked, 5, 0, 1).put(Acked, 3, 2, 3).read(5, 4, 5), ""},
		{"concurrent, seen", new(seaside).put(Acked, 5, 0, 9).read(5, 1, 2), ""},
		{"concurrent, not seen", new(seaside).put(Acked, 5, 0, 9).read(0, 1, 2), ""},
		{"an unknown write that nobody saw", new(seaside).put(Unknown, 5, 0, 1).read(0, 2, 3).read(0, 50, 51), ""},
		{"an unknown write that happens much later", new(seaside).put(Unknown, 5, 0, 1).read(0, 2, 3).read(5, 50, 51), ""},
		{"not yet there", new(seaside).put(Acked, 5, 0, 1).read(0, 2, 3), "less than 5 of epoch 1, which was acknowledged before it began"},
		{"gone again", new(seaside).put(Unknown, 5, 0, 1).read(5, 2, 3).read(0, 4, 5), "an older frame than one before it"},
		{"before it was sent", new(seaside).read(5, 0, 1).put(Acked, 5, 2, 3), "NOT LINEARIZABLE"},
		{"of nobody", new(seaside).put(Acked, 5, 0, 1).read(7, 2, 3), "NOT LINEARIZABLE"},
		// 7 is seen before 3 ms and 5 only written at 6 ms: no pair of operations contradicts each other, but all of them together do.
		{"no order for three", new(seaside).put(Acked, 7, 0, 10).put(Acked, 5, 6, 10).read(7, 1, 4).read(5, 2, 9), "NOT LINEARIZABLE"},
		{"unknown at first, and after an acknowledgement", new(seaside).put(Acked, 5, 2, 3).none(0, 1).none(4, 5), "less than 5 of epoch 1"},
		{"refused and seen", new(seaside).put(Refused, 5, 0, 1).read(5, 2, 3), "NOT LINEARIZABLE"},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			found := linear(&c.run.run)
			switch {
			case c.want == "" && len(found) > 0:
				t.Fatal(found)
			case c.want != "" && (len(found) == 0 || !strings.Contains(found[0].String(), c.want) || len(found[0].Witnesses) == 0):
				t.Fatalf("found %v, want %q with a witness", found, c.want)
			}
		})
	}
}

// TestLinearGivesUp: a search that does not end says so.
func TestLinearGivesUp(t *testing.T) {
	s := new(seaside)
	for i := range 4000 { // all concurrent, and nothing ever shows the last one
		s.put(Acked, uint64(2*i+2), 0, 100000).read(uint64(2*(i*7919%4000)+2), 1, 90000)
	}
	s.read(1, 2, 90001)
	str := streamsOf(&s.run)[0]
	found := str.search(str.reads, str.puts(epochOrdinals(&s.run)), time.Nanosecond)
	if len(found) != 1 || !found[0].Undecided {
		t.Fatalf("%d findings, the first %v", len(found), found[:min(1, len(found))])
	}
}
