package verify_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

// TestFlipCertificate changes each byte of a certificate, in one of three ways: the answer is never a verdict's.
func TestFlipCertificate(t *testing.T) {
	w := plant(t)
	w.NeedsIt, w.Witness = true, true
	w.Uncertain = []string{"counters (crash)"}
	w.Cosign()
	req := devices("late")
	req.Since = []int64{2, 4}
	in := input(w, w.Certify(req))
	in.Files = nil
	want(t, "before", run(t, in), verify.CodeComplete)
	whole := in.Certificate
	codes := map[int]int{}
	stride := 1
	if testing.Short() {
		stride = 13
	}
	for i := 0; i < len(whole)-1; i += stride { // the last one is white space
		in.Certificate = bytes.Clone(whole)
		in.Certificate[i] ^= []byte{0x01, 0x20, 0x80}[i%3]
		got := run(t, in)
		codes[got.Code]++
		version := i == len(`{"v":`) && got.Code == verify.CodeInternal
		if got.Code != verify.CodeTampered && got.Code != verify.CodeSignature && !version {
			t.Errorf("byte %d, %q for %q: code %d: %+v", i, in.Certificate[i], whole[i], got.Code, got.Checks[len(got.Checks)-1])
		}
	}
	t.Logf("%d bytes: %v", len(whole), codes)
}

// TestSpace changes the white space of a certificate, which means nothing.
func TestSpace(t *testing.T) {
	w := plant(t)
	in := input(w, w.Certify(devices("late")))
	in.Certificate = []byte("\n " + strings.NewReplacer(`","`, "\" ,\r\n\t\"").Replace(string(in.Certificate)) + " ")
	want(t, "with white space", run(t, in), verify.CodeComplete)
	for what, b := range map[string]string{
		"something behind it": string(w.Encode(w.Certify(devices("late")))) + "{}",
		"a member twice":      strings.Replace(string(in.Certificate), `"verdict":`, `"verdict":"INCOMPLETE","verdict":`, 1),
		"a member's case":     strings.Replace(string(in.Certificate), `"verdict":`, `"Verdict":`, 1),
		"an escape":           strings.Replace(string(in.Certificate), `"COMPLETE"`, `"\u0043OMPLETE"`, 1),
		"a member more":       strings.Replace(string(in.Certificate), `"verdict":`, `"x":1,"verdict":`, 1),
		"nothing":             "",
	} {
		in.Certificate = []byte(b)
		want(t, what, run(t, in), verify.CodeTampered)
	}
}

// TestFlipSegment changes each byte of a segment.
func TestFlipSegment(t *testing.T) {
	w := plant(t)
	in := input(w, w.Certify(devices("late")))
	for _, name := range w.Segments() {
		path := world.SegmentDir + "/" + name
		size := len(read(w, path))
		stride := max(1, size/200)
		for at := 0; at < size; at += stride {
			if err := w.FS.Flip(path, int64(at), uint(at%8)); err != nil {
				t.Fatal(err)
			}
			want(t, name, run(t, in), verify.CodeTampered)
			if err := w.FS.Flip(path, int64(at), uint(at%8)); err != nil {
				t.Fatal(err)
			}
		}
	}
	want(t, "restored", run(t, in), verify.CodeComplete)
}

// TestFlipPolicy changes each byte of the policy: it is none then, or asks for somebody who did not sign. One byte is the number of nodes that have to
// sign: who writes a smaller one there asks for less.
func TestFlipPolicy(t *testing.T) {
	w := plant(t)
	w.Quorum = 3
	in := input(w, w.Certify(devices("late")))
	in.Files = nil
	policy := in.Policy
	for i := range policy {
		in.Policy = bytes.Clone(policy)
		in.Policy[i] ^= 0x01
		if got := run(t, in); got.Code != verify.CodeSignature && got.Code != verify.CodeUsage {
			if before := policy[:i]; !bytes.HasSuffix(before, []byte("\ngroup nodes ")) {
				t.Errorf("byte %d of the policy, behind %q: code %d", i, before[max(0, i-40):], got.Code)
			}
		}
	}
}
