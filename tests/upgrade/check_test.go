package upgrade

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/cluster"
)

// frame is a stored frame; Fields stays as it was written.
type frame struct {
	Epoch  int             `json:"epoch"`
	Seq    uint64          `json:"seq"`
	Time   time.Time       `json:"time"`
	Fields json.RawMessage `json:"fields"`
	Raw    string          `json:"raw"`
}

// framesOf reads every frame of a device from a node.
func framesOf(t *testing.T, n *cluster.Node, device string) (list []frame) {
	t.Helper()
	for cursor := ""; ; {
		var page struct {
			Frames []frame `json:"frames"`
			Next   string  `json:"next"`
		}
		if err := cluster.GetJSON(n.HTTP+"/v1/frames?consistency=linearizable&limit=10000&device="+device+cursor, &page); err != nil {
			t.Fatal(err)
		}
		list = append(list, page.Frames...)
		if page.Next == "" {
			return list
		}
		cursor = "&cursor=" + page.Next
	}
}

// check compares what a node holds of a device with what was acknowledged: each frame once, as it was sent, and nothing else.
func (d *numbered) check(t *testing.T, n *cluster.Node) {
	t.Helper()
	list := framesOf(t, n, d.device)
	i, wrong := 0, 0
	report := func(format string, args ...any) {
		if wrong++; wrong <= 3 {
			t.Errorf("%s, %s: "+format, append([]any{n.Name, d.device}, args...)...)
		}
	}
	for seq := range d.next {
		if lost(seq) {
			continue
		}
		if i >= len(list) || list[i].Seq != seq {
			report("acknowledged frame %d is not there", seq)
			continue
		}
		f := list[i]
		if fields, raw := d.content(seq, ""); string(f.Fields) != fields || f.Raw != raw || f.Time.UnixMilli() != timeMS(seq) || f.Epoch != 1 {
			report("frame %d is %s %q at %s, sent was %s %q", seq, f.Fields, f.Raw, f.Time, fields, raw)
		}
		for i++; i < len(list) && list[i].Seq == seq; i++ {
			report("frame %d is there again", seq)
		}
	}
	if i < len(list) {
		report("frame %d was never sent", list[i].Seq)
	}
	d.checkGaps(t, n)
}

// checkGaps compares the gap report with what was left out, and with what was sent twice.
func (d *numbered) checkGaps(t *testing.T, n *cluster.Node) {
	t.Helper()
	type span struct{ From, To uint64 }
	var answer struct {
		Reports []struct {
			Expected   uint64
			Stored     uint64
			Gaps       []span
			Duplicates struct{ Identical, Conflict uint64 }
		}
	}
	if err := cluster.GetJSON(n.HTTP+"/v1/devices/"+d.device+"/gaps?consistency=linearizable", &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Reports) != 1 {
		t.Fatalf("%s, %s: %d epochs, want 1", n.Name, d.device, len(answer.Reports))
	}
	r := answer.Reports[0]
	var want []span
	for seq := range d.next + tailGap {
		switch last := len(want) - 1; {
		case !lost(seq) && seq < d.next:
		case last >= 0 && want[last].To == seq-1:
			want[last].To = seq
		default:
			want = append(want, span{seq, seq})
		}
	}
	missing := uint64(0)
	for _, gap := range want {
		missing += gap.To - gap.From + 1
	}
	if !slices.Equal(r.Gaps, want) || r.Expected != d.next+tailGap || r.Stored != r.Expected-missing {
		t.Errorf("%s, %s: %d gaps %v, %d expected, %d stored; want %d gaps of %d",
			n.Name, d.device, len(r.Gaps), r.Gaps, r.Expected, r.Stored, len(want), d.next+tailGap)
	}
	if r.Duplicates.Identical < d.duplicates || r.Duplicates.Conflict < d.conflicts {
		t.Errorf("%s, %s: %+v counted, but answered were %d identical ones and %d conflicts", n.Name, d.device, r.Duplicates, d.duplicates,
			d.conflicts)
	}
}

// check compares what a node holds of a device without numbers.
func (d *keyed) check(t *testing.T, n *cluster.Node) {
	t.Helper()
	times := map[int]int{}
	for _, f := range framesOf(t, n, d.device) {
		var fields struct{ ID int }
		if err := json.Unmarshal(f.Fields, &fields); err != nil {
			t.Fatal(err)
		}
		times[fields.ID]++
	}
	for id := range 2 * d.next {
		if times[id] != 1 {
			t.Errorf("%s, %s: frame %d is there %d times", n.Name, d.device, id, times[id])
		}
	}
	if len(times) != 2*d.next {
		t.Errorf("%s, %s: %d frames, %d were sent", n.Name, d.device, len(times), 2*d.next)
	}
}

// sameLedger asks every node for the digest of its ledger at one index, and for its balances.
func sameLedger(t *testing.T, nodes []*cluster.Node) {
	t.Helper()
	type ledger struct {
		Balances struct {
			A struct{ Balance, Drift int64 }
			C struct{ Balance int64 }
			D struct{ Balance int64 }
		}
		Digest string
		AsOf   []struct{ Index uint64 } `json:"as_of"`
	}
	var all []ledger
	cluster.Eventually(t, patience, func() bool {
		all = make([]ledger, len(nodes))
		for i, n := range nodes {
			if err := cluster.GetJSON(n.HTTP+"/v1/ledger?consistency=stale", &all[i]); err != nil {
				t.Fatal(err)
			}
		}
		return !slices.ContainsFunc(all, func(l ledger) bool { return l.AsOf[0].Index != all[0].AsOf[0].Index })
	}, func() string { return fmt.Sprintf("the nodes are never at one index: %+v", all) })
	for i, l := range all {
		if l.Digest != all[0].Digest || l.Digest == "" {
			t.Errorf("%s has ledger %s, %s has %s, at index %d", nodes[i].Name, l.Digest, nodes[0].Name, all[0].Digest, l.AsOf[0].Index)
		}
		if b := l.Balances; b.A.Balance != 0 || b.A.Drift != 0 || b.C.Balance != 0 || b.D.Balance != 0 {
			t.Errorf("%s: the ledger does not balance: %+v", nodes[i].Name, b)
		}
	}
}
