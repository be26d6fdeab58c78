package verify_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/census"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// disordered is a forger's reading of the times of a device, in another order than that of their numbers.
type disordered struct {
	*world.World
	device  string
	moments []certificate.Moment
}

func (d disordered) Moments(key frame.StreamKey, e *census.Epoch, fn func(certificate.Moment) error) error {
	if key.Device != d.device {
		return d.World.Moments(key, e, fn)
	}
	for _, m := range d.moments {
		if err := fn(m); err != nil {
			return err
		}
	}
	return nil
}

// framesOf are the frames of the segments, by device and seal ordinal.
func framesOf(t *testing.T, w *world.World) map[string][]segment.Record {
	t.Helper()
	rows := map[string][]segment.Record{}
	for _, r := range w.Readers() {
		err := r.Each(func(key frame.StreamKey, e *segment.Epoch) error {
			_, err := r.Scan(e, segment.All(), segment.Columns{All: true}, func(rec *segment.Record) bool {
				row := *rec
				row.Fields = append([]frame.Field(nil), rec.Fields...)
				name := fmt.Sprint(key.Device, row.Seal)
				rows[name] = append(rows[name], row)
				return true
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

// lossy is a world in which device e lost number 10 in a time, of which its number 1 is not; and a certificate's request for that time.
func lossy(t *testing.T) (*world.World, certificate.Request) {
	t.Helper()
	const hour = int64(time.Hour / time.Millisecond)
	w, one := world.New(t, "plant"), uint64(1)
	begin := w.MS
	for _, device := range []string{"a", "b"} {
		w.Send(world.Batch{Device: device, Epoch: "x", First: &one, Seqs: world.Seqs(1, 3)})
	}
	w.Send(world.Batch{Device: "e", Epoch: "x", First: &one, Seqs: world.Seqs(2, 9)})
	w.Cut()
	w.Send(world.Batch{Device: "e", Epoch: "x", Seqs: world.Seqs(11, 30)})
	w.Cut()
	req := devices("a", "b", "c", "e")
	req.Scope.Time = []string{stamp(begin), stamp(w.MS + hour)}
	w.MS += 2 * hour
	w.Send(world.Batch{Device: "e", Epoch: "x", Seqs: world.Seqs(1, 1)})
	w.Send(world.Batch{Device: "c", Epoch: "x", First: &one, NoTime: true, Seqs: world.Seqs(1, 3)})
	for _, device := range []string{"a", "b", "c"} {
		w.Heartbeat(lifeAt(device, "x", 4))
	}
	w.Heartbeat(lifeAt("e", "x", 31))
	w.Settle()
	w.Cut()
	return w, req
}

// TestDisorder: a segment whose pages are sound and go back to an epoch gives the frames of each strip, and times in which a loss is in another
// place than it was. It is refused, and with it a certificate that speaks of those times.
func TestDisorder(t *testing.T) {
	w, req := lossy(t)
	honest := w.Certify(req)
	want(t, "before", run(t, input(w, honest)), verify.CodeIncomplete)
	rows := framesOf(t, w)
	lie := told(t, w, req, rows["e1"][0].TimeNS)
	var files [][]byte
	for _, page := range [][]string{{"a1", "e2"}, {"b1", "e1"}, {"c3", "e3"}} {
		var b bytes.Buffer
		out := segment.NewWriter(&b, w.Readers()[0].Options())
		for _, name := range page {
			err := out.Begin(frame.StreamKey{Tenant: "default", Device: name[:1], Stream: "0"}, 1)
			for i := range rows[name] {
				err = errors.Join(err, out.Add(&rows[name][i]))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := out.Finish(); err != nil {
			t.Fatal(err)
		}
		files = append(files, b.Bytes())
	}
	for _, name := range w.Segments() {
		if err := w.FS.Remove(world.SegmentDir + "/" + name); err != nil {
			t.Fatal(err)
		}
	}
	file := w.Splice(files...)
	name := segment.Name(sha256.Sum256(file))
	if err := vfs.WriteFile(w.FS, world.SegmentDir+"/"+name.FileName(), file); err != nil {
		t.Fatal(err)
	}
	want(t, "with the spliced file", run(t, input(w, honest)), verify.CodeTampered)
	got := run(t, input(w, lie))
	want(t, "with the forger's numbers", got, verify.CodeTampered)
	if last := got.Checks[len(got.Checks)-1]; !strings.Contains(last.Text, "index page at byte") {
		t.Errorf("refused for %s: %s", last.Name, last.Text)
	}
}

// told is a certificate that says of e what who reads the spliced file page by page believes: that 1 to 9 lie in the time, and 10 does not.
func told(t *testing.T, w *world.World, req certificate.Request, ns int64) *certificate.Certificate {
	t.Helper()
	d := disordered{World: w, device: "e"}
	for n := range uint64(30) {
		m := certificate.Moment{Seq: n + 1, NS: ns}
		if m.Seq > 9 {
			m.NS += 2 * time.Hour.Nanoseconds()
		}
		d.moments = append(d.moments, m)
	}
	lie, err := certificate.Build(t.Context(), d, req)
	if err != nil {
		t.Fatal(err)
	}
	if e := lie.Streams[3].Epochs[0]; fmt.Sprint(e.Seq) != "[1 9]" || lie.Verdict != ledger.Complete.String() {
		t.Fatalf("the forger says %v, %s", e.Seq, lie.Verdict)
	}
	return lie
}

// TestBuildDisorder: who makes a certificate does not take times in another order than that of their numbers, either.
func TestBuildDisorder(t *testing.T) {
	w, req := lossy(t)
	d := disordered{World: w, device: "e", moments: []certificate.Moment{{Seq: 11, NS: 1}, {Seq: 12, NS: 2}, {Seq: 9, NS: 3}}}
	if c, err := certificate.Build(t.Context(), d, req); c != nil || !errors.Is(err, certificate.ErrOrder) || !strings.Contains(err.Error(), "number 9 of") {
		t.Errorf("a certificate: %v, %v", c != nil, err)
	}
}
