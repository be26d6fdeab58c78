package query

import (
	"encoding/json"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/google/go-cmp/cmp"
)

// TestWhatNobodySawBoundsAFleet asks about 20 s to 40 s of one device that sent before, meanwhile and after, and of another one that may have sent
// something then, or not: no answer may call that complete.
func TestWhatNobodySawBoundsAFleet(t *testing.T) {
	for _, tt := range []struct {
		name  string
		other func(s *store)
		want  string
	}{
		{"it stopped before", func(s *store) { s.put(t, seconds("other", "", 0, 9)...) }, "COMPLETE_BETWEEN_SEEN"},
		{"it said that it ended", func(s *store) {
			s.put(t, seconds("other", "", 0, 9)...)
			s.change(func(l *ledger.Ledger) {
				seal := ledger.Seal{Subject: ledger.Subject{ID: s.id(t, "t", "other", "0")}, Last: 9}
				if _, err := l.Seal(s.commitMS, &seal); err != nil {
					t.Fatal(err)
				}
			})
		}, "COMPLETE"},
		{"it began behind", func(s *store) { s.put(t, seconds("other", "", 50, 55)...) }, "COMPLETE_BETWEEN_SEEN"},
		{"it said that it began behind", func(s *store) {
			list := seconds("other", "", 50, 55)
			for i := range list {
				list[i].group.HasFirst, list[i].group.First = true, 50
			}
			s.put(t, list...)
		}, "COMPLETE"},
		{"it began again behind", func(s *store) {
			s.put(t, append(seconds("other", "1", 0, 9), seconds("other", "2", 50, 55)...)...)
		}, "COMPLETE_BETWEEN_SEEN"},
		{"it began again behind, at number 0", func(s *store) {
			s.put(t, append(seconds("other", "1", 0, 9), later(seconds("other", "2", 0, 5), 50)...)...)
		}, "COMPLETE_BETWEEN_SEEN"},
		{"it began behind, at number 0", func(s *store) { s.put(t, later(seconds("other", "", 0, 5), 50)...) }, "COMPLETE"},
		{"it began again before", func(s *store) {
			s.put(t, append(seconds("other", "1", 0, 9), seconds("other", "2", 12, 55)...)...)
		}, "COMPLETE"},
		{"it stopped in the first half", func(s *store) { s.put(t, seconds("other", "", 0, 25)...) }, "COMPLETE_BETWEEN_SEEN"},
		{"it has no numbers, and stopped", func(s *store) {
			f := seconds("other", "", 5, 5)
			f[0].group.Unseq, f[0].seq = true, 0
			s.put(t, f...)
		}, "INDETERMINATE"},
		{"there is none", func(*store) {}, "COMPLETE"},
	} {
		for _, flushed := range []bool{false, true} {
			s := newStore(ledger.Policy{})
			s.put(t, seconds("whole", "", 0, 59)...)
			tt.other(s)
			if flushed {
				s.seal()
				s.flush(t)
			}
			srv := newServer(t, s, Options{})
			got := map[string]string{}
			for _, q := range []string{"agg=count", "agg=count&group=all", "agg=count&group=all&step=10s", "agg=count&step=10s", "limit=3"} {
				_, _, body := srv.do("t", "/v1/query", "from="+secondText(20)+"&to="+secondText(40)+"&"+q, "")
				got[q] = verdictsOf(t, body)
			}
			for _, q := range []string{"format=ndjson", "format=csv"} {
				x := srv.export(t, "from="+secondText(20)+"&to="+secondText(39)+"&"+q)
				got[q] = x.trailer.Completeness.Verdict
			}
			want := map[string]string{
				"agg=count": tt.want, "agg=count&step=10s": tt.want, "limit=3": tt.want, "format=ndjson": tt.want, "format=csv": tt.want,
				"agg=count&group=all": tt.want + " " + tt.want, "agg=count&group=all&step=10s": tt.want + " " + tt.want + " " + tt.want,
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s, flushed %v:\n%s", tt.name, flushed, d)
			}
		}
	}
}

// later is frames of a later time.
func later(list []sent, seconds int64) []sent {
	for i := range list {
		list[i].TimeNS += seconds * second
	}
	return list
}

// seconds is a frame of a device for each second, whose number it has.
func seconds(device, epoch string, from, to uint64) (list []sent) {
	for n := from; n <= to; n++ {
		f := sent{tenant: "t", device: device, stream: "0", epoch: epoch, seq: n}
		f.TimeNS = (startMS + int64(n)*1000) * ms
		f.Fields = []frame.Field{{Name: "x", Value: frame.Int(int64(n))}}
		list = append(list, f)
	}
	return list
}

// verdictsOf is the verdict of an answer, and those of its buckets where it has one group.
func verdictsOf(t *testing.T, body string) string {
	t.Helper()
	var a struct {
		Completeness struct{ Verdict string }
		Series       []struct {
			Group        *struct{}
			Completeness struct{ Verdict []string }
		}
	}
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	text := a.Completeness.Verdict
	for _, s := range a.Series {
		if s.Group == nil {
			continue
		}
		for _, v := range s.Completeness.Verdict {
			text += " " + v
		}
	}
	return text
}
