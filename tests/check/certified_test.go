package check_test

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/workload"
	"github.com/gaplessdb/gapless/vfs"
)

// briefly is the patience of a node that may never give a certificate: it waits three times as long for one.
const briefly = time.Second

var (
	press = check.Counter{Device: "press", Stream: "0", Epoch: "1"}
	free  = check.Counter{Device: "free", Stream: "0"}
)

// audited is a rig with somebody who asks for certificates.
type audited struct {
	*rig
	site    *workload.Site
	auditor *workload.Auditor
}

func startAudited(t *testing.T) *audited {
	t.Helper()
	r := startRig(t, briefly)
	site := &workload.Site{
		Log: r.log, Seed: r.run.Seed, Nodes: []workload.Node{{Name: "n1", Addr: r.node.HTTPAddr()}},
		Client: func(string) *http.Client { return &http.Client{Transport: &http.Transport{}} },
	}
	return &audited{r, site, site.NewAuditor(71, rand.New(rand.NewPCG(7, 71)), []string{press.Device, free.Device})}
}

// begin sends frames with a hole, and a heartbeat that tells of more than came; then there are certificates.
func (a *audited) begin() {
	a.t.Helper()
	a.send(check.Batch{Counter: press, First: 10, Last: 14, Numbered: true, Declares: true, Head: 10})
	a.send(check.Batch{Counter: press, First: 16, Last: 19, Numbered: true, Declares: true, Head: 10})
	a.send(check.Batch{Counter: free, First: 1, Last: 7, Key: "free-1"})
	a.claim(check.Claim{Kind: check.Heartbeat, Counter: press, Next: 25}, "heartbeat", `{"epoch":"1","next_seq":25}`)
	a.auditor.Finish(false)
}

// judge asks the one checker, with everything that the auditor has.
func (a *audited) judge() []check.Violation {
	a.t.Helper()
	a.site.Record(func(r *check.Run) {
		a.run.Certified, a.run.Sealings, a.run.Recorded = r.Certified, r.Sealings, r.Recorded
	})
	_, v := a.site.Judge()
	for _, found := range v.Violations {
		if found.Checker == "answers" {
			a.t.Error(found)
		}
	}
	all := check.All()
	return all[slices.IndexFunc(all, func(c check.Checker) bool { return c.Name() == "certificates" })].Check(&a.run)
}

// disk is that of the node, which has stopped.
func (a *audited) disk() []workload.Disk {
	a.t.Helper()
	files, err := vfs.OS(a.dir)
	if err != nil {
		a.t.Fatal(err)
	}
	return []workload.Disk{{Node: "n1", Files: files}}
}

// TestCertificates holds the certificates of a real node against the checker, before and after a hole is filled, a device contradicted itself,
// and all that it had announced has come.
func TestCertificates(t *testing.T) {
	a := startAudited(t)
	a.begin()
	a.send(check.Batch{Counter: press, First: 15, Last: 15, Numbered: true, Declares: true, Head: 10})
	a.send(check.Batch{Counter: press, First: 11, Last: 11, Numbered: true, Declares: true, Head: 10, Variant: 1})
	a.send(check.Batch{Counter: press, First: 20, Last: 30, Numbered: true, Declares: true, Head: 10})
	a.run.Finals = []*check.Final{a.final(press.Device, free.Device)}
	a.auditor.Finish(false)
	a.stop()
	a.auditor.Verify(a.disk(), 0)
	for _, found := range a.judge() {
		t.Error(found)
	}
	if n := len(a.run.Certified); n != 6 || len(a.run.Recorded) != 2 {
		t.Fatalf("%d certificates were given, of six, and the log %d times, of two", n, len(a.run.Recorded))
	}
	for _, c := range a.run.Certified {
		if whole := c.Consistency == check.Now; len(c.Verified) == 0 || whole && len(c.Verified) != 2 {
			t.Errorf("%s was checked offline %d times", c, len(c.Verified))
		}
	}
}

// TestForgedSegment: a node on whose disk a frame was changed, with every checksum, counts something else than what is sealed, and says so.
// Whoever checks a certificate with that disk notices, too.
func TestForgedSegment(t *testing.T) {
	a := startAudited(t)
	a.begin()
	a.stop()
	fault := check.Fault{From: a.now(), Kind: "forge", Node: "n1", File: a.forge(), Forged: true, Witness: 1}
	a.auditor.Verify(a.disk(), 0)
	a.open()
	fault.To = a.now()
	a.site.Nodes[0].Addr = a.node.HTTPAddr()
	asker := a.site.Asker("control")
	defer asker.Close()
	for until := a.now() + 10*time.Second; a.now() < until; {
		if s := a.site.Sealing(asker, a.site.Nodes[0]); s != nil && (len(s.Differences) > 0 || s.Objection == "") {
			break
		}
	}
	a.run.Faults = []check.Fault{fault}
	for _, found := range a.judge() {
		t.Error(found)
	}
	for _, c := range a.run.Certified {
		if last := len(c.Verified) - 1; c.Consistency == check.Now && (last < 1 || c.Verified[last].Code != 10 || c.Verified[last].Failed != "files") {
			t.Errorf("%s, with a segment that was changed: %+v", c, c.Verified)
		}
	}
}

// word has no part that comes twice.
const word = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// forge changes a value of a frame of the press in a segment, which is a proper one otherwise and keeps its name, and lets the node count all
// again. It returns the file.
func (a *audited) forge() (file string) {
	a.t.Helper()
	paths, err := filepath.Glob(filepath.Join(a.dir, "segments", "*"+segment.Extension))
	if err != nil {
		a.t.Fatal(err)
	}
	for i := 0; i < len(word)*len(paths) && file == ""; i++ { // a file of another length would be noticed
		path := paths[i/len(word)]
		if old, forged := a.rewritten(path, word[:i%len(word)]); len(forged) == len(old) && !bytes.Equal(forged, old) {
			if err := os.WriteFile(path, forged, 0o600); err != nil {
				a.t.Fatal(err)
			}
			file = "segments/" + filepath.Base(path)
		}
	}
	if file == "" {
		a.t.Fatalf("in none of %d segments a frame of the press can be changed", len(paths))
	}
	counted, err := filepath.Glob(filepath.Join(a.dir, "proof", "*.strips"))
	if err != nil || len(counted) == 0 {
		a.t.Fatalf("%d files of strips: %v", len(counted), err)
	}
	for _, path := range counted {
		if err := os.Remove(path); err != nil {
			a.t.Fatal(err)
		}
	}
	return file
}

// rewritten is the bytes of a segment, and what they are with another text in the first frame of the press that has a long one.
func (a *audited) rewritten(path, text string) (old, forged []byte) {
	a.t.Helper()
	var err error
	if old, err = os.ReadFile(path); err != nil {
		a.t.Fatal(err)
	}
	name, err := segment.ParseName(strings.TrimSuffix(filepath.Base(path), segment.Extension))
	if err != nil {
		a.t.Fatal(err)
	}
	r, err := segment.NewReader(bytes.NewReader(old), int64(len(old)), segment.ReaderOptions{Path: path, Name: name})
	if err != nil {
		a.t.Fatal(err)
	}
	var b bytes.Buffer
	out, changed := segment.NewWriter(&b, r.Options()), false
	err = r.Each(func(key frame.StreamKey, e *segment.Epoch) error {
		if err := out.Begin(key, e.Ordinal); err != nil {
			return err
		}
		_, err := r.Scan(e, segment.All(), segment.Columns{All: true}, func(rec *segment.Record) bool {
			row := *rec
			row.Fields = slices.Clone(rec.Fields)
			i := slices.IndexFunc(row.Fields, func(f frame.Field) bool { return f.Name == "text" })
			if key.Device == press.Device && !changed && len(row.Fields[i].Value.Text()) > len(word)/4 {
				row.Fields[i].Value, changed = frame.String(text), true
			}
			if err := out.Add(&row); err != nil {
				a.t.Fatal(err)
			}
			return true
		})
		return err
	})
	if err == nil {
		_, err = out.Finish()
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return old, b.Bytes()
}
