package slowreader

import (
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/verify/world"
	"github.com/gaplessdb/gapless/segment"
)

// What happens to a certificate later: merges, other frames, other files, another history and another cluster's keys.
func TestCertificatesLater(t *testing.T) {
	w, older := smallPlant(t)
	prefix := "mill-"
	c := w.Certify(certificate.Request{Scope: certificate.Scope{Tenant: "default", Prefix: &prefix}, Since: []int64{sizeOf(t, older[0])}})
	before := papersOf(t, w, c)
	want := before.both(t, "as it was made")
	check := func(what string, p papers, code int) {
		t.Helper()
		if got := p.both(t, what); got != code {
			t.Errorf("%s: code %d, want %d", what, got, code)
		}
	}
	since := before
	since.since = older[:1]
	check("with an earlier checkpoint", since, want)
	since.since = older[1:]
	check("with one that nothing leads from", since, CodeRewritten)

	other := world.New(t, "slow") // the same keys, and another history
	other.Send(world.Batch{Device: "mill-1", Seqs: world.Seqs(1, 9)})
	other.Cut()
	since.since = [][]byte{other.Note}
	check("with a checkpoint of another history", since, CodeRewritten)
	foreign := before
	foreign.policy = world.New(t, "foreign").Policy()
	check("with the keys of another cluster", foreign, CodeSignature)

	w.Merge()
	check("after a merge", papersOf(t, w, c), want)
	name := w.Segments()[0]
	w.Rewrite(name, func(_ frame.StreamKey, _ uint32, rows []segment.Record) []segment.Record {
		rows[0].Fields[0].Value = frame.Float(-1)
		return rows
	})
	check("with another value", papersOf(t, w, c), CodeTampered)
	gone := before
	gone.files = map[string][]byte{}
	check("without any file", gone, CodeSegmentMissing)
}
