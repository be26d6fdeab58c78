package slowreader

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/segment"
)

// A file that is laid beside the others, and says another time of frames: under an ordinal that the certificate does not show nobody believes it,
// under one that it shows it is found out.
func TestHostileTimes(t *testing.T) {
	codes := map[int]int{}
	for _, ordinal := range []uint32{1, 2, 3, 4, 999} {
		w, _ := smallPlant(t)
		c := w.Certify(certificate.Request{Scope: certificate.Scope{
			Tenant: "default", Devices: []string{"mill-3"}, Time: []string{timeText(w.MS - 3600_000), timeText(w.MS - 3000)},
		}})
		p := papersOf(t, w, c)
		honest := p.both(t, "with a time")
		shown := slices.ContainsFunc(c.Proof.Seals, func(s certificate.SealTree) bool { return s.Ordinal == ordinal })
		for _, name := range w.Segments() {
			w.Rewrite(name, func(key frame.StreamKey, _ uint32, rows []segment.Record) []segment.Record {
				for i := range rows {
					if key.Tenant == "default" && key.Device == "mill-3" {
						rows[i].Seal, rows[i].TimeNS = ordinal, rows[i].TimeNS+3600e9
					}
				}
				return rows
			})
		}
		maps.Copy(p.files, papersOf(t, w, c).files)
		want := honest
		if shown {
			want = CodeTampered
		}
		code := p.both(t, fmt.Sprintf("with other times under ordinal %d", ordinal))
		if honest >= CodeTampered || code != want {
			t.Errorf("with other times under ordinal %d: code %d, want %d", ordinal, code, want)
		}
		codes[code]++
	}
	if len(codes) != 2 {
		t.Errorf("codes %v", codes)
	}
}
