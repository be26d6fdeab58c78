package verify_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
	"github.com/gaplessdb/gapless/vfs"
)

// TestOldCertificate lives through all that may happen to a cluster, and still verifies: more frames, late ones among them, merges, new keys, another
// directory.
func TestOldCertificate(t *testing.T) {
	w := plant(t)
	old := map[string]*certificate.Certificate{"late": w.Certify(devices("late")), "gone": w.Certify(devices("gone")), "all": w.Certify(prefix(""))}
	codes := map[string]int{"late": verify.CodeComplete, "gone": verify.CodeIncomplete, "all": verify.CodeIndeterminate}
	check := func(what string, files verify.Files) {
		t.Helper()
		for name, c := range old {
			in := input(w, c)
			in.Files = files
			want(t, what+": "+name, run(t, in), codes[name])
		}
	}
	check("as issued", verify.Dir(w.FS, world.SegmentDir))
	w.Send(world.Batch{Device: "late", Epoch: "b", Seqs: world.Seqs(91, 300)})
	w.Send(world.Batch{Device: "gone", Epoch: "b", Seqs: []uint64{20, 99, 155}})
	w.Flush()
	check("with later frames", verify.Dir(w.FS, world.SegmentDir))
	if inputs, outputs := len(w.Segments()), 1; true {
		w.Merge()
		if got := len(w.Segments()); got != outputs || inputs < 3 {
			t.Fatalf("a merge of %d made %d", inputs, got)
		}
	}
	check("merged", verify.Dir(w.FS, world.SegmentDir))
	for _, node := range []string{"n1", "n2", "n3", "n1"} {
		w.Rotate(node)
	}
	w.Settle()
	w.Cut()
	check("with new keys", verify.Dir(w.FS, world.SegmentDir))
	other := vfs.NewMem()
	if err := other.MkdirAll("a/b"); err != nil {
		t.Fatal(err)
	}
	for _, name := range w.Segments() {
		if err := vfs.WriteFile(other, "a/b/"+name, read(w, world.SegmentDir+"/"+name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := vfs.WriteFile(other, "a/b/README", []byte("not a segment")); err != nil {
		t.Fatal(err)
	}
	check("in another directory", verify.Dir(other, "a/b"))

	req := devices("gone")
	req.Since = []int64{6}
	in := input(w, w.Certify(req))
	in.Since = [][]byte{[]byte(old["gone"].Proof.Checkpoint)}
	want(t, "signed with new keys, since a checkpoint that old ones signed", run(t, in), verify.CodeIncomplete)
	if !strings.Contains(string(in.Certificate), `"missing":10`) { // 20, 99 and 155 came
		t.Errorf("late frames did not count: %.2000s", in.Certificate)
	}
}

// TestTime cuts a scope by device time. Which numbers lie in it is the issuer's word, until there are segments.
func TestTime(t *testing.T) {
	w := world.New(t, "plant")
	one := uint64(1)
	begin := time.UnixMilli(w.MS)
	w.Send(world.Batch{Device: "d", Epoch: "a", First: &one, Seqs: world.Seqs(1, 1000, 101, 102, 500, 901)}) // 10 ms apart
	w.Settle()
	w.MS += time.Hour.Milliseconds()
	w.Cut()
	at := func(n int) string {
		return begin.Add(time.Duration(n) * 10 * time.Millisecond).UTC().Format(time.RFC3339Nano)
	}
	for _, tt := range []struct {
		from, to int // of sent frames
		seq      []uint64
		code     int
	}{
		{0, 100, []uint64{1, 102}, verify.CodeIncomplete}, // 101 and 102 may lie in it
		{0, 99, []uint64{1, 99}, verify.CodeComplete},
		{100, 200, []uint64{101, 202}, verify.CodeIncomplete},
		{101, 200, []uint64{104, 202}, verify.CodeComplete},
		{-50, -10, nil, verify.CodeIndeterminate},
		{2000, 3000, nil, verify.CodeIndeterminate},
		{900, 3000, []uint64{905, 1000}, verify.CodeCompleteBetweenSeen},
	} {
		req := devices("d")
		req.Scope.Time = []string{at(tt.from), at(tt.to)}
		c := w.Certify(req)
		got := c.Streams[0].Epochs[0].Seq
		if len(got) != len(tt.seq) || len(got) == 2 && (got[0] != tt.seq[0] || got[1] != tt.seq[1]) {
			t.Errorf("%d to %d: numbers %v, want %v", tt.from, tt.to, got, tt.seq)
		}
		want(t, strings.Join(req.Scope.Time, " "), run(t, input(w, c)), tt.code)
	}
	req := devices("d")
	req.Scope.Time = []string{at(0), at(100)}
	lie := w.Certify(req)
	honest := devices("d")
	honest.Scope.Seq = []uint64{1, 100}
	e := w.Certify(honest)
	lie.Streams, lie.Statement, lie.Verdict = e.Streams, e.Statement, e.Verdict
	for i, c := range lie.NotProven { // the one on causes goes with the gap
		if c.Code == "causes" {
			lie.NotProven = append(append([]certificate.Caveat{}, lie.NotProven[:i]...), lie.NotProven[i+1:]...)
			break
		}
	}
	w.Issue(lie, "n1")
	in := input(w, lie)
	want(t, "numbers left out, by who has the issuer's key", run(t, in), verify.CodeTampered)
	in.Files = nil
	want(t, "the same without segments", run(t, in), verify.CodeComplete)
}

func TestFrame(t *testing.T) {
	w := plant(t)
	w.Send(world.Batch{Device: "two", Stream: "a", Seqs: world.Seqs(1, 3)})
	w.Send(world.Batch{Device: "two", Stream: "b/c", Seqs: world.Seqs(1, 3)})
	w.Cut()
	in := input(w, w.Certify(prefix("")))
	for _, tt := range []struct {
		frame, state, text string
		code               int
	}{
		{"late/1/77", "stored", "sealed in ordinal 3", 6},
		{"late/0/1/76", "stored", "sealed in ordinal 1", 6},
		{"gone/1/20", "FINAL", "never_arrived (inferred)", 6},
		{"lost/2/51", "FINAL", "declared_lost (exact)", 6},
		{"gone/1/161", "unexpected", "is not expected", 6},
		{"gone/1/0", "unexpected", "is not expected", 6},
		{"two/b/c/1/2", "stored", "sealed in ordinal 4", 6},
		{"two/1/2", "", "2 streams are called so", 64},
		{"nobody/1/2", "", "is not about it", 64},
		{"late/2/1", "", "has 1 epochs", 64},
		{"late/0", "", "give device/epoch/seq", 64},
		{"late/x/1", "", "the epoch is an ordinal", 64},
		{"late/1/x", "", "the last part is a number", 64},
	} {
		in.Frame = tt.frame
		got := run(t, in)
		want(t, tt.frame, got, tt.code)
		if last := got.Checks[len(got.Checks)-1]; last.Name != "frame" || !strings.Contains(last.Text, tt.text) {
			t.Errorf("%s: %+v, want %q", tt.frame, last, tt.text)
		}
		if (got.Frame != nil) != (tt.state != "") || got.Frame != nil && got.Frame.State != tt.state {
			t.Errorf("%s: %+v, want state %q", tt.frame, got.Frame, tt.state)
		}
	}
	in.Frame = "late/1/77"
	got := run(t, in)
	if c := got.Frame.Content; c == nil || c.Seq != 77 || string(c.Raw) != "raw 77" || len(c.Fields) != 2 || c.Fields[1].Value.Uint64() != 231 {
		t.Errorf("the frame is %+v", c)
	}
	in.Files = nil
	if got = run(t, in); got.Frame.State != "stored" || got.Frame.Content != nil {
		t.Errorf("without segments: %+v", got.Frame)
	}
}

// TestScopes cuts by stream, epoch and number.
func TestScopes(t *testing.T) {
	w := plant(t)
	for what, tt := range map[string]struct {
		scope certificate.Scope
		code  int
		has   string
	}{
		"an epoch":                 {certificate.Scope{Devices: []string{"lost"}, Epochs: []uint32{1}}, verify.CodeComplete, `"epochs":1`},
		"an epoch that is not":     {certificate.Scope{Devices: []string{"lost"}, Epochs: []uint32{9}}, verify.CodeIndeterminate, `"epochs":0`},
		"numbers":                  {certificate.Scope{Devices: []string{"gone"}, Seq: []uint64{22, 98}}, verify.CodeComplete, `"seq":[22,98]`},
		"numbers with a gap":       {certificate.Scope{Devices: []string{"gone"}, Seq: []uint64{19, 20}}, verify.CodeIncomplete, `"missing":1`},
		"numbers beyond the end":   {certificate.Scope{Devices: []string{"seen"}, Seq: []uint64{100, 9999}}, verify.CodeCompleteBetweenSeen, `"seq":[100,120]`},
		"a stream":                 {certificate.Scope{Devices: []string{"done"}, Stream: ptr("0")}, verify.CodeComplete, `"streams":1`},
		"a stream that is not":     {certificate.Scope{Devices: []string{"done"}, Stream: ptr("1")}, verify.CodeIndeterminate, `"absent":["done"]`},
		"a stream of a prefix":     {certificate.Scope{Prefix: ptr("do"), Stream: ptr("0")}, verify.CodeComplete, `"streams":1`},
		"a tenant at the edge":     {certificate.Scope{Tenant: "before", Prefix: ptr("")}, verify.CodeCompleteBetweenSeen, `"devices":2`},
		"a tenant at the end":      {certificate.Scope{Tenant: "zulu", Prefix: ptr("")}, verify.CodeCompleteBetweenSeen, `"devices":2`},
		"a tenant that is not":     {certificate.Scope{Tenant: "nobody", Prefix: ptr("")}, verify.CodeIndeterminate, `"devices":0`},
		"a tenant behind the last": {certificate.Scope{Tenant: "zzz", Devices: []string{"d"}}, verify.CodeIndeterminate, `"absent":["d"]`},
		"labels":                   {certificate.Scope{Devices: []string{"late", "done"}, Match: []string{"site=berlin"}}, verify.CodeComplete, `"code":"match"`},
	} {
		if tt.scope.Tenant == "" {
			tt.scope.Tenant = "default"
		}
		in := input(w, w.Certify(certificate.Request{Scope: tt.scope}))
		want(t, what, run(t, in), tt.code)
		if !strings.Contains(string(in.Certificate), tt.has) {
			t.Errorf("%s: no %s in %.1500s", what, tt.has, in.Certificate)
		}
	}
}

// TestEmptyWorld certifies before there is any frame.
func TestEmptyWorld(t *testing.T) {
	w := world.New(t, "plant")
	w.Cut()
	w.Cut()
	want(t, "nothing", run(t, input(w, w.Certify(prefix("")))), verify.CodeIndeterminate)
	w.Heartbeat(ledger.Heartbeat{Subject: world.On("default", "d", "a"), Next: 5, HasFirst: true, First: 1})
	w.Settle()
	w.Cut()
	in := input(w, w.Certify(devices("d")))
	want(t, "numbers that never came", run(t, in), verify.CodeIncomplete)
	if !strings.Contains(string(in.Certificate), `"expected":4,"stored":0,"missing":4`) {
		t.Errorf("%.1500s", in.Certificate)
	}
}

// TestNoTimes are frames whose device has no clock.
func TestNoTimes(t *testing.T) {
	w := world.New(t, "plant")
	w.Send(world.Batch{Device: "d", NoTime: true, Seqs: world.Seqs(1, 10), Value: func(n uint64) []frame.Field { return nil }})
	w.Cut()
	req := devices("d")
	want(t, "all", run(t, input(w, w.Certify(req))), verify.CodeCompleteBetweenSeen)
	req.Scope.Time = []string{"2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"}
	want(t, "any of them may lie in any time", run(t, input(w, w.Certify(req))), verify.CodeCompleteBetweenSeen)
}

func TestBundle(t *testing.T) {
	w := plant(t)
	c := w.Certify(devices("late"))
	var segments []certificate.BundleSegment
	for _, name := range w.Segments() {
		body := read(w, world.SegmentDir+"/"+name)
		segments = append(segments, certificate.BundleSegment{Name: name, Bytes: int64(len(body)), Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(body)), nil
		}})
	}
	var b bytes.Buffer
	if err := certificate.WriteBundle(&b, c, w.Policy(), segments); err != nil {
		t.Fatal(err)
	}
	check := func(what string, body []byte, code int) {
		t.Helper()
		opened, err := certificate.OpenBundle(bytes.NewReader(body), int64(len(body)))
		if err != nil {
			if !errors.Is(err, certificate.ErrBundle) || code == 0 {
				t.Errorf("%s: %v", what, err)
			}
			return
		}
		want(t, what, run(t, verify.Input{Certificate: opened.Certificate, Policy: w.Policy(), Files: verify.Bundle(opened)}), code)
	}
	check("whole", b.Bytes(), verify.CodeComplete)
	flipped := bytes.Clone(b.Bytes())
	at := bytes.LastIndex(flipped, []byte("GSEG"))
	flipped[at-100] ^= 1
	check("a byte of a segment", flipped, verify.CodeTampered)
	check("cut", b.Bytes()[:b.Len()*2/3], verify.CodeTampered)
	check("padded", append(bytes.Clone(b.Bytes()), make([]byte, 10_000)...), verify.CodeComplete)
	for at := 0; at < b.Len(); at += 512 { // between two files, too, and inside of the end
		if _, err := certificate.OpenBundle(bytes.NewReader(b.Bytes()[:at]), int64(at)); !errors.Is(err, certificate.ErrBundle) {
			t.Errorf("%d bytes of %d: %v", at, b.Len(), err)
		}
	}
	more := append(bytes.Clone(b.Bytes()), b.Bytes()...)
	if _, err := certificate.OpenBundle(bytes.NewReader(more), int64(len(more))); !errors.Is(err, certificate.ErrBundle) {
		t.Errorf("one bundle behind the other: %v", err)
	}
	b.Reset()
	if err := certificate.WriteBundle(&b, c, w.Policy(), nil); err != nil {
		t.Fatal(err)
	}
	check("without segments", b.Bytes(), verify.CodeComplete)
}

// TestStopped ends in the middle.
func TestStopped(t *testing.T) {
	w := plant(t)
	ctx, stop := context.WithCancel(context.Background())
	in := input(w, w.Certify(devices("late")))
	in.Progress = func(what string, _, _ int64) {
		if what == "strips" {
			stop()
		}
	}
	want(t, "stopped", verify.Run(ctx, in), verify.CodeInternal)
}
