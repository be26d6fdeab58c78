package slowreader

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/verify/world"
	"github.com/gaplessdb/gapless/segment"
)

// The last word of a device before, at and behind the end of a time, whole milliseconds and parts of one.
func TestTailOfATimeAgrees(t *testing.T) {
	w, one := world.New(t, "slow"), uint64(1)
	begin := w.MS
	w.Send(world.Batch{Device: "d", Epoch: "a", First: &one, Seqs: world.Seqs(1, 5)})
	said := w.MS
	w.Heartbeat(ledger.Heartbeat{Subject: world.On("default", "d", "a"), Next: 6})
	w.MS += 3600_000
	w.Settle()
	w.Cut()
	for ns, want := range map[int64]int{-1e6: 0, 0: 0, 1: 3, 999_999: 3, 1e6: 3, 3600e9: 3} {
		to := time.Unix(0, said*1e6+ns).UTC().Format(time.RFC3339Nano)
		s := certificate.Scope{Tenant: "default", Devices: []string{"d"}, Time: []string{timeText(begin), to}}
		p := papersOf(t, w, w.Certify(certificate.Request{Scope: s}))
		if got := p.both(t, "until "+to); got != want {
			t.Errorf("until %s, the device spoke at %s: code %d, want %d", to, timeText(said), got, want)
		}
	}
	counts := w.Certify(certificate.Request{Scope: certificate.Scope{Tenant: "default", Devices: []string{"d"}, CountsOnly: true}})
	counts.Scope.Time = []string{timeText(begin), timeText(said)}
	w.Issue(counts, "n1")
	p := papersOf(t, w, counts)
	p.files = nil
	if got := p.both(t, "counts only of a time"); got != CodeTampered {
		t.Errorf("counts only of a time: code %d", got)
	}
}

// A device that fell silent before a time and began anew before it, in it and behind it; one life between them told nothing at all.
func TestFellSilentAgrees(t *testing.T) {
	w, one := world.New(t, "slow"), uint64(1)
	begin := w.MS
	w.Send(world.Batch{Device: "d", Epoch: "a", First: &one, Seqs: world.Seqs(1, 5)})
	w.Heartbeat(ledger.Heartbeat{Subject: world.On("default", "d", "a"), Next: 6})
	w.MS += 3600_000
	w.Heartbeat(ledger.Heartbeat{Subject: world.On("default", "d", "b"), HasFirst: true, First: 1, Next: 1})
	again := w.MS
	w.Send(world.Batch{Device: "d", Epoch: "c", First: &one, Seqs: world.Seqs(1, 200)})
	end := w.MS
	w.Heartbeat(ledger.Heartbeat{Subject: world.On("default", "d", "c"), Next: 201})
	w.Settle()
	w.Cut()
	codes := map[int]int{}
	for _, from := range []int64{begin, begin + 10, begin + 1000, again - 1, again, again + 1, again + 100, end} {
		for _, to := range []int64{begin + 20, again - 1, again + 1, again + 100, end} {
			if from < to {
				s := certificate.Scope{Tenant: "default", Devices: []string{"d"}, Time: []string{timeText(from), timeText(to)}}
				codes[papersOf(t, w, w.Certify(certificate.Request{Scope: s})).both(t, fmt.Sprint(from-begin, " to ", to-begin))]++
			}
		}
	}
	if codes[0] == 0 || codes[3] == 0 || codes[6] == 0 {
		t.Errorf("codes %v", codes)
	}
}

// Two files that say different things of a frame are one's business only if that is of an epoch in scope.
func TestConflictOutsideAgrees(t *testing.T) {
	w, one := world.New(t, "slow"), uint64(1)
	for _, epoch := range []string{"a", "b"} {
		w.Send(world.Batch{Device: "d", Epoch: epoch, First: &one, Seqs: world.Seqs(1, 10)})
		w.Settle()
	}
	w.Cut()
	name := w.Segments()[0]
	before := bytesOf(t, w.FS, world.SegmentDir+"/"+name)
	w.Rewrite(name, func(_ frame.StreamKey, epoch uint32, rows []segment.Record) []segment.Record {
		if epoch == 1 {
			rows[4].Fields[0].Value = frame.Float(-1)
		}
		return rows
	})
	for epoch, want := range map[uint32]int{1: CodeTampered, 2: codeOf[CompleteBetweenSeen]} {
		p := papersOf(t, w, w.Certify(certificate.Request{Scope: certificate.Scope{Tenant: "default", Devices: []string{"d"}, Epochs: []uint32{epoch}}}))
		p.add(before)
		if got := p.both(t, fmt.Sprint("epoch ", epoch)); got != want {
			t.Errorf("epoch %d, where one of the first has another value in a second file: code %d, want %d", epoch, got, want)
		}
	}
}

// add gives a file under the name that its bytes have.
func (p *papers) add(file []byte) { p.files[NameOf(file)] = file }

// A file that was damaged before it got its name: what a verifier does not need to read, it need not find. It says what it would without the damage, or
// that it found it. And no reader takes a frame from such a file that was not sealed.
func TestDamagedUnderItsName(t *testing.T) {
	start := world.New(t, "slow").MS
	w, _ := smallPlant(t)
	rnd := dice(1)
	met := map[string]int{}
	for range 300 {
		c := certify(w, rnd, start, nil)
		if c.Scope.CountsOnly {
			continue
		}
		p := papersOf(t, w, c)
		honest := p.both(t, "undamaged")
		names := w.Segments()
		damaged := bytes.Clone(bytesOf(t, w.FS, world.SegmentDir+"/"+names[rnd.IntN(len(names))]))
		damaged[rnd.IntN(len(damaged))] ^= 1 << rnd.IntN(8)
		p.add(damaged)
		slow, err := Verify(p.certificate, p.policy, p.since, p.files)
		ours := p.ours(t)
		if ours.Code != honest && ours.Code != CodeTampered && ours.Code != CodeInternal || slow != CodeTampered && slow != CodeInternal {
			t.Errorf("%+v: undamaged %d, slow reader %d %v, ours %d", c.Scope, honest, slow, err, ours.Code)
		}
		met[fmt.Sprint("as undamaged: ", ours.Code == honest)]++
	}
	if len(met) < 2 {
		t.Errorf("%v", met)
	}
}

// What does not say that it is of another version is of none.
func TestVersionsAgree(t *testing.T) {
	p := frozen(t)
	for text, want := range map[string]int{
		`{"v":1,"kind"`: 5, `{"v":2,"kind"`: CodeInternal, `{"v":0,"kind"`: CodeInternal, `{"v":-1,"kind"`: CodeInternal, `{"v":2,"new":1,"kind"`: CodeInternal,
		`{"kind"`: CodeTampered, `{"w":2,"kind"`: CodeTampered, `{"v":null,"kind"`: CodeTampered, `{"v":"2","kind"`: CodeTampered,
		`{"v":1,"new":1,"kind"`: CodeTampered, `{"v":2,"v":1,"kind"`: CodeTampered, `{"v":1,"v":2,"kind"`: CodeInternal, `{"v":2,"kinds"`: CodeTampered,
	} {
		changed := p
		changed.certificate = bytes.Replace(p.certificate, []byte(`{"v":1,"kind"`), []byte(text), 1)
		if got := changed.both(t, text); got != want {
			t.Errorf("%s: code %d, want %d", text, got, want)
		}
	}
}

// Ranges up to the greatest number that there is.
func TestGreatestNumberAgrees(t *testing.T) {
	w, _ := smallPlant(t)
	for _, seq := range [][]uint64{{0, 1<<64 - 1}, {50, 1<<64 - 1}, {1<<64 - 1, 1<<64 - 1}, {0, 1<<64 - 2}, {1 << 63, 1<<64 - 1}} {
		for prefix, want := range map[string]int{"mill-1": codeOf[CompleteBetweenSeen], "": codeOf[Indeterminate]} {
			s := certificate.Scope{Tenant: "default", Prefix: &prefix, Seq: seq}
			if got := papersOf(t, w, w.Certify(certificate.Request{Scope: s})).both(t, "numbers up to the greatest"); got != want {
				t.Errorf("prefix %q, numbers %v: code %d, want %d", prefix, seq, got, want)
			}
		}
	}
}
