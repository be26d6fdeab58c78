package frame

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// rebuild encodes what a reader returns with a fresh builder. Every accepted frame must be accepted again.
func rebuild(t *testing.T, batch []byte) []byte {
	var r Reader
	calls, rejects, keys := read(t, &r, batch)
	var b Builder
	b.Reset(r.Header())
	ids := make([]StreamID, len(keys)+1) // a client batch may define a stream twice
	for def := range r.Defs() {
		var err error
		if r.Header().Replicated {
			err = b.Define(def)
		} else {
			ids[def.ID], err = b.Stream(def.Key)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	move := func(g Group) Group {
		if !r.Header().Replicated {
			g.Stream = ids[g.Stream]
		}
		return g
	}
	for i := range calls {
		fp := calls[i].Frame.Fingerprint
		if err := b.Add(move(calls[i].Group), &calls[i].Frame); err != nil {
			t.Fatalf("reader and builder disagree on frame %d: %v", i, err)
		}
		calls[i].Frame.Fingerprint = fp
	}
	for _, rej := range rejects {
		rej.Group = move(rej.Group)
		if err := b.Reject(rej); err != nil {
			t.Fatal(err)
		}
	}
	out, err := b.Finish(nil)
	if err != nil {
		t.Fatal(err)
	}
	again, _, _ := read(t, &r, out)
	if err := r.VerifyFingerprints(); err != nil {
		t.Fatal(err)
	}
	for i := range again {
		in := calls[b.Order()[i]]
		in.Group = move(in.Group)
		in.Frame.Fingerprint = again[i].Frame.Fingerprint
		if diff := cmp.Diff(in, again[i], cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("frame %d changed on its way:\n%s", i, diff)
		}
	}
	return out
}

// FuzzReader: any input is refused with an error or can be walked from end to end, and what was read is encoded stably.
func FuzzReader(f *testing.F) {
	for _, name := range []string{"testdata/client-v1.batch", "testdata/replicated-v1.batch"} {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Reader
		if err := r.Reset(b); err == nil {
			walk(&r)
		}
		if len(b) < preambleBytes {
			return
		}
		batch := reseal(b[preambleBytes:], b[5]&batchReplicated != 0) // the same body with a good checksum
		if err := r.Reset(batch); err != nil {
			return
		}
		walk(&r)
		if len(b) > MaxBatchBytes/2 {
			return // a builder may need more room for it
		}
		once := rebuild(t, batch)
		if twice := rebuild(t, once); string(once) != string(twice) {
			t.Fatal("encoding is not stable")
		}
	})
}

// FuzzName: the ASCII path, the wide path, strings and bytes agree.
func FuzzName(f *testing.F) {
	f.Add("mill-07")
	f.Add("\u0085")
	f.Add("a\xffb")
	f.Fuzz(func(t *testing.T, s string) {
		fault := nameProblem(s, MaxNameBytes)
		if fault != nameProblem([]byte(s), MaxNameBytes) {
			t.Fatal("string and bytes differ")
		}
		if len(s) > 0 && len(s) <= MaxNameBytes && fault != wideNameProblem(s) && fault != nameControl {
			t.Fatalf("%q: %v, the slow way says %v", s, fault, wideNameProblem(s))
		}
		if (ValidateName("x", s) == nil) != (fault == nameOK) {
			t.Fatal("ValidateName disagrees")
		}
	})
}

// FuzzPosition: what parses is printed as it was.
func FuzzPosition(f *testing.F) {
	f.Add(Position{1, 884211, 3}.String())
	f.Add("0000000000000\n000000000000000000") // encoding/base32 skips line ends
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := ParsePosition(s); err == nil && p.String() != s {
			t.Fatalf("%q is read as %v, which is %q", s, p, p.String())
		}
	})
}
