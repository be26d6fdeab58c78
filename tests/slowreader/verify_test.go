package slowreader

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
	"github.com/gaplessdb/gapless/vfs"
)

// papers is what somebody has who checks a certificate.
type papers struct {
	certificate, policy []byte
	since               [][]byte
	files               map[string][]byte
}

// both checks papers with both readers, which have to agree on the exit code.
func (p papers) both(t *testing.T, what string) int {
	t.Helper()
	code, err := Verify(p.certificate, p.policy, p.since, p.files)
	ours := p.ours(t)
	if code != ours.Code {
		last := ours.Checks[len(ours.Checks)-1]
		t.Errorf("%s: slow reader: %d %v\nours: %d %s: %s", what, code, err, ours.Code, last.Name, last.Text)
	}
	return code
}

// ours is what package verify says of papers.
func (p papers) ours(t *testing.T) verify.Report {
	t.Helper()
	fs := vfs.NewMem()
	var files verify.Files
	if p.files != nil {
		if err := fs.MkdirAll("segments"); err != nil {
			t.Fatal(err)
		}
		for name, b := range p.files {
			f, err := fs.Create("segments/" + name + ".gseg")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt(b, 0); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
		files = verify.Dir(fs, "segments")
	}
	return verify.Run(context.Background(), verify.Input{Certificate: p.certificate, Policy: p.policy, Since: p.since, Files: files})
}

// frozen is a certificate that the first version made, and what is needed to check it.
func frozen(t *testing.T) (p papers) {
	t.Helper()
	const dir = "../../proof/verify/testdata/v1/"
	read := func(name string) []byte {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	paths, err := filepath.Glob(dir + "segments/*.gseg")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d segments, %v", len(paths), err)
	}
	p = papers{read(dir + "certificate.json"), read(dir + "policy"), [][]byte{read(dir + "earlier.checkpoint")}, map[string][]byte{}}
	for _, path := range paths {
		p.files[strings.TrimSuffix(filepath.Base(path), ".gseg")] = read(path)
	}
	return p
}

func TestFrozenCertificate(t *testing.T) {
	p := frozen(t)
	cert, c, err := ParseCertificate(p.certificate)
	if err != nil {
		t.Fatal(err)
	}
	want := p.both(t, "as it was made")
	if name := cert.Verdict; want != codeOf[Incomplete] || name != "INCOMPLETE" {
		t.Fatalf("code %d, verdict %s", want, name)
	}
	// No byte of it can change. Space between tokens is none of it.
	p.certificate = c
	if got := p.both(t, "without space"); got != want {
		t.Fatalf("code %d without space", got)
	}
	for at := 0; at < len(c); at += 1 + len(c)/400 {
		p.certificate = bytes.Clone(c)
		p.certificate[at] ^= 1 << (at % 7)
		if got := p.both(t, fmt.Sprintf("byte %d changed", at)); got < 10 {
			t.Errorf("byte %d was changed, and the code is %d", at, got)
		}
	}
	p.certificate = c
	for name, file := range p.files {
		for at := 0; at < len(file); at += 1 + len(file)/30 {
			changed := bytes.Clone(file)
			changed[at] ^= 1 << (at % 8)
			p.files[name] = changed
			if got := p.both(t, fmt.Sprintf("byte %d of a segment changed", at)); got != CodeTampered {
				t.Errorf("byte %d of a segment was changed, and the code is %d", at, got)
			}
		}
		delete(p.files, name)
		if got := p.both(t, "a segment less"); got != CodeSegmentMissing {
			t.Errorf("a segment is missing, and the code is %d", got)
		}
		p.files[name] = file
	}
}

// Certificates of all scopes have the same exit code in both readers: as they were made, and changed in any of their parts by somebody who
// has the key of a node and signs them again.
func TestCertificatesAgree(t *testing.T) {
	start := world.New(t, "slow").MS
	w, older := smallPlant(t)
	codes := map[int]int{}
	for seed := range uint64(60) {
		rnd := dice(seed)
		var since []int64
		if rnd.IntN(2) == 0 {
			since = append(since, sizeOf(t, older[rnd.IntN(len(older))]))
		}
		c := certify(w, rnd, start, since)
		p := papersOf(t, w, c)
		if rnd.IntN(3) == 0 {
			p.files = nil
		}
		codes[p.both(t, fmt.Sprintf("seed %d", seed))]++
		if rnd.IntN(3) == 0 {
			p.since = [][]byte{older[rnd.IntN(len(older))]}
			codes[p.both(t, fmt.Sprintf("seed %d since", seed))]++
		}
		for range 12 {
			forged := clone(t, c)
			what := ""
			for range 1 + rnd.IntN(2) {
				what += forge(rnd, reflect.ValueOf(forged).Elem(), "")
			}
			if rnd.IntN(4) > 0 {
				w.Issue(forged, "n1")
			}
			p.certificate = w.Encode(forged)
			codes[p.both(t, fmt.Sprintf("seed %d, changed %s", seed, what))]++
		}
	}
	t.Log(codes)
	for _, code := range []int{0, 3, 4, 5, 6, CodeTampered, CodeSignature, CodeRewritten, CodeUsage, CodeInternal} {
		if codes[code] == 0 {
			t.Errorf("code %d was never met: %v", code, codes)
		}
	}
}

func clone(t *testing.T, c *certificate.Certificate) *certificate.Certificate {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	again := &certificate.Certificate{}
	if err := json.Unmarshal(b, again); err != nil {
		t.Fatal(err)
	}
	return again
}

func sizeOf(t *testing.T, msg []byte) int64 {
	t.Helper()
	n, err := parseNote(msg)
	if err != nil {
		t.Fatal(err)
	}
	c, err := parseCheckpoint(n.text)
	if err != nil {
		t.Fatal(err)
	}
	return int64(c.Size)
}
