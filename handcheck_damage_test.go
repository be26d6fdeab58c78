package gapless

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// handDamages are changes of one byte: behind which text of a file, and so many bytes further on; which section of the page prints something else
// then; and how gapless verify ends, of the certificate, 5 where it never sees the file, and of the trace, likewise 0.
var handDamages = []struct {
	what, file, behind   string
	skip                 int
	section, code, trace string
}{
	{"segment", "certificate.tar", ".gseg\x00", 700, "2.", "10", "0"},
	{"frame", "trace.json", `"group":{"index":1,"size":2,"data":"`, 100, "4.", "5", "10"},
	{"strip", "trace.json", `"strip":{"index":`, 120, "5.", "5", "10"},
	{"claim", "certificate.tar", `"expected":14,"stored":`, 0, "10.", "10", "0"},
	{"SEAL", "certificate.tar", `"record":"`, 120, "7.", "10", "0"},
	{"path of the SEAL", "certificate.tar", `","proof":["`, 8, "7.", "10", "0"},
	{"census leaf", "certificate.tar", `"census":{"log_index":4,"ranges":[{"first":2,"leaves":["`, 60, "6.", "10", "0"},
	{"strip in the certificate", "certificate.tar", `"ordinal":1,"ranges":[{"first":3,"leaves":["`, 100, "5.", "10", "0"},
	{"checkpoint", "certificate.tar", `\n5\n`, 3, "7.", "10", "0"},
	{"checkpoint beside the certificate", "certificate.tar", "\n5\n", 3, "8.", "10", "0"},
	{"consistency proof", "certificate.tar", `"consistency":[{"size":3,"root":"`, 70, "9.", "13", "0"},
	{"word of the issuer", "certificate.tar", `certificate/v1\n`, 10, "10.", "11", "0"},
	{"key", "policy", "witness key:n1:1 ", 80, "8.", "64", "64"},
	{"earlier checkpoint", "earlier.checkpoint", "\n3\n", 3, "9.", "11", "0"},
}

// handNotices runs the page on an example with one byte changed.
func handNotices(t *testing.T, blocks []handBlock, gapless string) {
	damages := handDamages
	if testing.Short() {
		damages = damages[:3]
	}
	for _, d := range damages {
		t.Run(d.what, func(t *testing.T) {
			t.Parallel()
			printed := handRun(t, blocks, gapless, func(dir string) { changeByte(t, filepath.Join(dir, d.file), d.behind, d.skip) })
			noticed := false
			for i, b := range blocks {
				noticed = noticed || strings.HasPrefix(b.section, d.section) && printed[i] != b.want
			}
			if !noticed {
				t.Errorf("section %s prints what the page shows", d.section)
			}
			for i, want := range []string{d.trace, d.code} { // the last two blocks
				last := printed[len(printed)-2+i]
				if code := last[strings.LastIndex(last, "\n")+1:]; code != want {
					t.Errorf("gapless verify ends with %s, want %s:\n%s", code, want, last)
				}
			}
		})
	}
}

// changeByte makes a 7 of a byte of a file, or an 8: both are fine as digits, hexadecimal digits and base64.
func changeByte(t *testing.T, path, behind string, skip int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, []byte(behind))
	if at < 0 {
		t.Fatalf("%s has no %q", path, behind)
	}
	if at += len(behind) + skip; b[at] == '7' {
		b[at] = '8'
	} else {
		b[at] = '7'
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}
