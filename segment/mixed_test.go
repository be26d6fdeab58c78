package segment

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// mixedFleet is drawn from a fixed seed: golden files are made from it.
func mixedFleet(tb testing.TB) (*fixture, model) {
	f, m := newFixture(tb), model{}
	rnd := rand.New(rand.NewPCG(7, 7))
	add := func(s sample) {
		f.add(s)
		m.add(s)
	}
	for i, key := range testKeys {
		epochs := uint32(2)
		if i == len(testKeys)-1 {
			epochs = 1 // alone in its block
		}
		for ordinal := uint32(1); ordinal <= epochs; ordinal++ {
			seq := uint64(rnd.IntN(50))
			for range 3 + 40*(i%2) {
				seq += 1 + uint64(rnd.IntN(2)*rnd.IntN(3))
				add(sample{
					key: key, ordinal: ordinal, fields: testFields(rnd, i%3), raw: testRaw(rnd),
					row: Row{Seq: seq, TimeNS: int64(seq)*1e6 + rnd.Int64N(100), ReceiveMS: 1_760_000_000_000 + int64(seq), Class: 1 + frame.Class(rnd.IntN(2)), Flags: Flags(rnd.IntN(4))},
				})
			}
		}
	}
	return f, m
}

// dump reads everything of a reader into text.
func dump(r *Reader) (string, error) {
	var out strings.Builder
	err := r.Each(func(key frame.StreamKey, e *Epoch) error {
		fmt.Fprintf(&out, "%q %d: %d frames %d-%d %d-%d %v\n", key, e.Ordinal, e.Frames, e.FirstSeq, e.LastSeq, e.FirstNS, e.LastNS, e.Coverage())
		_, err := r.Scan(e, All(), Columns{All: true}, func(rec *Record) bool {
			row := &rec.Row
			fmt.Fprintf(&out, " %d %d %d %v %v %d %d/%d", row.Seq, row.TimeNS, row.ReceiveMS, row.Class, row.Flags, row.Seal, row.Index, row.Ordinal)
			for i := range rec.Fields {
				v := &rec.Fields[i].Value
				fmt.Fprintf(&out, " %s=%v:%x:%x", rec.Fields[i].Name, v.Kind, v.Num, v.Str)
			}
			fmt.Fprintf(&out, " %q\n", rec.Raw)
			return true
		})
		if err != nil {
			return err
		}
		return r.Statistics(e, func(st BlockStats) bool {
			fmt.Fprintf(&out, " %+v\n", st)
			return true
		})
	})
	return out.String(), err
}
