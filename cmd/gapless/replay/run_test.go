package replay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// fleetCSV is rows of some devices, in turns.
func fleetCSV(devices, rows int) string {
	var b strings.Builder
	b.WriteString("device,n,x\n")
	for i := range rows {
		fmt.Fprintf(&b, "d%d,%d,%d\n", i%devices, i/devices, i*i)
	}
	return b.String()
}

func written(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rows.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func optionsFor(n *fakeNode) *Options {
	m := Defaults()
	m.Seq = "n"
	return &Options{Mapping: m, Batch: 10, Connections: 4, Nodes: Nodes{
		URLs: []string{n.URL}, Timeout: 5 * time.Second, RetryFor: 5 * time.Second, Client: n.Client(),
	}}
}

func TestEveryRowArrivesOnceAndInOrder(t *testing.T) {
	n := newFakeNode(t)
	path := written(t, fleetCSV(50, 2000))
	res, err := Run(t.Context(), path, optionsFor(n))
	if err != nil {
		t.Fatal(err)
	}
	want := Counts{Rows: 2000, Frames: 2000, Sent: 2000, Accepted: 2000, Requests: res.Requests, Bytes: res.Bytes}
	if diff := cmp.Diff(want, res.Counts); diff != "" || !res.Done || len(res.Devices) != 50 {
		t.Errorf("done %t, %d devices, counts (-want +got)\n%s", res.Done, len(res.Devices), diff)
	}
	for device, got := range n.frames {
		var want []string
		for i := range 40 {
			want = append(want, fmt.Sprint(i))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: order %v", device, got)
		}
	}
	if len(n.overlaps) > 0 {
		t.Errorf("two requests at once had frames of %v", n.overlaps)
	}
	again, err := Run(t.Context(), path, optionsFor(n))
	if err != nil || again.Duplicate != 2000 || again.Accepted != 0 {
		t.Errorf("the second time: %+v, %v", again, err)
	}
}

// What a batch holds, and under which key, must not depend on how many connections there are or how fast it goes.
func TestBatchesAreAFunctionOfTheFile(t *testing.T) {
	path := written(t, fleetCSV(7, 500))
	n := newFakeNode(t)
	for i, connections := range []int{1, 4, 32} {
		o := optionsFor(n)
		o.Mapping.Seq, o.Connections = "", connections
		res, err := Run(t.Context(), path, o)
		if err != nil {
			t.Fatal(err)
		}
		if want := int64(500); i == 0 && res.Accepted != want || i > 0 && res.Duplicate != want {
			t.Errorf("%d connections: %+v", connections, res.Counts)
		}
	}
	if n.stored() != 500 {
		t.Errorf("%d unnumbered frames are stored, want 500", n.stored())
	}
}

func TestPackedFiles(t *testing.T) {
	text := fleetCSV(3, 30)
	dir := t.TempDir()
	pack := map[string]func(f *os.File) error{
		"gzip, two members": func(f *os.File) error {
			for _, part := range []string{text[:40], text[40:]} {
				z := gzip.NewWriter(f)
				if _, err := z.Write([]byte(part)); err != nil {
					return err
				}
				if err := z.Close(); err != nil {
					return err
				}
			}
			return nil
		},
		"zstd": func(f *os.File) error {
			z, err := zstd.NewWriter(f)
			if err != nil {
				return err
			}
			if _, err := z.Write([]byte(text)); err != nil {
				return err
			}
			return z.Close()
		},
	}
	for name, write := range pack {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(write(f), f.Close()); err != nil {
			t.Fatal(err)
		}
		n := newFakeNode(t)
		if res, err := Run(t.Context(), f.Name(), optionsFor(n)); err != nil || res.Accepted != 30 {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
	}
	n := newFakeNode(t)
	o := optionsFor(n)
	o.Stdin = strings.NewReader(text)
	if res, err := Run(t.Context(), Stdin, o); err != nil || res.Accepted != 30 || res.SHA256 != "" {
		t.Errorf("standard input: %+v, %v", res, err)
	}
}

// An interrupted run, and then another, come to what one would have come to: nothing twice, nothing missing, also of unnumbered rows.
func TestInterruptedRunsGoOn(t *testing.T) {
	for _, numbered := range []bool{true, false} {
		path := written(t, fleetCSV(9, 900))
		n := newFakeNode(t)
		o := optionsFor(n)
		o.State = path + ".replay"
		if !numbered {
			o.Mapping.Seq = ""
		}
		runs := 0
		for ctx, cancel := context.WithCancel(t.Context()); ; ctx, cancel = context.WithCancel(t.Context()) {
			o.Progress = func(p Progress) {
				if p.Frames >= 200 {
					cancel()
				}
			}
			res, err := Run(ctx, path, o)
			cancel()
			if runs++; err == nil {
				if res.Accepted != 900 || res.Sent != 900 || !res.Done || res.Rows != 900 {
					t.Errorf("after %d runs: %+v", runs, res)
				}
				break
			}
			if !errors.Is(err, context.Canceled) || runs > 10 {
				t.Fatalf("run %d: %v", runs, err)
			}
		}
		if runs < 3 || n.stored() != 900 {
			t.Errorf("numbered %t: %d runs, %d frames stored; want at least 3 and 900", numbered, runs, n.stored())
		}
		before := n.requests
		if res, err := Run(t.Context(), path, o); err != nil || res.Sent != 900 || res.Resumed != 900 || n.requests != before {
			t.Errorf("a run over what is done: %+v, %v, %d requests", res, err, n.requests-before)
		}
	}
}

// A run that is interrupted when the file is read and its last batches wait must not take them for sent.
func TestInterruptedAtTheEnd(t *testing.T) {
	path := written(t, fleetCSV(1, 20))
	early := 0
	for range 40 {
		n := newFakeNode(t)
		o := optionsFor(n)
		o.Connections, o.State = 1, filepath.Join(t.TempDir(), "state")
		ctx, cancel := context.WithCancel(t.Context())
		n.refuse = func(int, *http.Request) (int, map[string]string, string) { cancel(); return 0, nil, "" }
		res, err := Run(ctx, path, o)
		if done := err == nil; done != res.Done || done != (n.stored() == 20) || int64(n.stored()) != res.Sent {
			t.Fatalf("%+v, %v, %d frames stored", res, err, n.stored())
		}
		if err != nil {
			early++
		}
		n.Close()
	}
	if early == 0 {
		t.Error("no run was interrupted")
	}
}

func TestStatesThatDoNotFit(t *testing.T) {
	n := newFakeNode(t)
	path := written(t, fleetCSV(3, 100))
	o := optionsFor(n)
	o.State = path + ".replay"
	if _, err := Run(t.Context(), path, o); err != nil {
		t.Fatal(err)
	}
	other := *o
	other.Batch = 20
	if _, err := Run(t.Context(), path, &other); !errors.Is(err, ErrState) || !strings.Contains(err.Error(), "another mapping") {
		t.Errorf("another size of batches: %v", err)
	}
	if err := os.WriteFile(path, []byte(fleetCSV(3, 101)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), path, o); !errors.Is(err, ErrState) || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("another file: %v", err)
	}
	for _, text := range []string{"", "{", `{"version":2}`, `{"version":1,"batches":[-1]}`, strings.Repeat(" ", maxStateBytes+1)} {
		if err := os.WriteFile(o.State, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Run(t.Context(), path, o); !errors.Is(err, ErrState) {
			t.Errorf("state %.40q: %v", text, err)
		}
	}
	o.State = filepath.Join(path, "no", "place")
	if _, err := Run(t.Context(), path, o); err == nil {
		t.Error("a state that cannot be written is found out only at the end")
	}
	o.State = filepath.Join(filepath.Dir(path), "nowhere", "state")
	if _, err := Run(t.Context(), path, o); err == nil || !strings.Contains(err.Error(), "hint: --state names another place") {
		t.Errorf("a state that has no place: %v", err)
	}
}

func TestBadRows(t *testing.T) {
	text := "device,n\n" + "d,1\nd,x\nd,2\nd,y\nd,3\n"
	n := newFakeNode(t)
	res, err := Run(t.Context(), written(t, text), optionsFor(n))
	var bad *BadRow
	if !errors.As(err, &bad) || bad.Line != 3 || res == nil || res.Bad != 1 || res.Done {
		t.Errorf("stop: %+v, %v", res, err)
	}
	o := optionsFor(n)
	o.SkipBad = true
	res, err = Run(t.Context(), written(t, text), o)
	want := []BadRow{
		{3, "bad_seq", `column "n" is "x", which is no number of a frame`}, {5, "bad_seq", `column "n" is "y", which is no number of a frame`},
	}
	if err != nil || res.Bad != 2 || res.Accepted != 3 || !cmp.Equal(res.Problems, want) {
		t.Errorf("skip: %+v, %v", res, err)
	}
	o.Mapping.Rename = map[string]string{"n": strings.Repeat("long", 100)}
	o.Mapping.Fields = []string{"n"}
	if res, err = Run(t.Context(), written(t, text), o); err != nil || res.Bad != 5 || res.Problems[0].Code != "name_too_long" {
		t.Errorf("what the batch format does not take: %+v, %v", res, err)
	}
}

func TestRefusedFrames(t *testing.T) {
	n := newFakeNode(t)
	n.item = func(seq uint64) string {
		if seq%10 == 7 {
			return "too_many_epochs"
		}
		return ""
	}
	path := written(t, fleetCSV(2, 60))
	o := optionsFor(n)
	o.State = path + ".replay"
	_, err := Run(t.Context(), path, o)
	var bad *BadRow
	if !errors.As(err, &bad) || bad.Code != "too_many_epochs" || bad.Line != 16 && bad.Line != 17 {
		t.Errorf("stop: %v", err)
	}
	o.SkipBad = true
	res, err := Run(t.Context(), path, o)
	if err != nil || res.Accepted != 54 || res.Rejected != 6 || res.Sent != 60 || !res.Done {
		t.Errorf("the next run: %+v, %v", res, err)
	}
	n.item = func(uint64) string { return "too_many_streams" }
	if res, err = Run(t.Context(), written(t, fleetCSV(2, 6)), o); !errors.Is(err, ErrState) {
		t.Errorf("the state of another file: %+v, %v", res, err)
	}
	o.State = ""
	if res, err = Run(t.Context(), written(t, fleetCSV(2, 6)), o); err != nil || res.Rejected != 6 {
		t.Errorf("all of a request: %+v, %v", res, err)
	}
}

func TestTimesThatTheClusterDoesNotBelieve(t *testing.T) {
	text := "device,n,at\nd,1," + time.Now().UTC().Format(time.RFC3339) + "\nd,2,2016-07-01T00:00:00Z\n"
	n := newFakeNode(t)
	o := optionsFor(n)
	o.Mapping.Time = "at"
	if _, err := Run(t.Context(), written(t, text), o); !errors.Is(err, ErrSkew) || !strings.Contains(err.Error(), "line 3 has 2016-07-01") {
		t.Errorf("got %v", err)
	}
	o.AllowSkew = true
	if res, err := Run(t.Context(), written(t, text), o); err != nil || res.Accepted != 2 {
		t.Errorf("accepted skew: %+v, %v", res, err)
	}
}
