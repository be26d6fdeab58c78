package verify_test

import (
	"testing"

	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/verify"
	"github.com/gaplessdb/gapless/proof/verify/world"
)

// FuzzRun checks mutated certificates. Run must not panic, which it would report as code 70, and gives a verdict only to what says the same as the one
// that was issued.
func FuzzRun(f *testing.F) {
	w := world.New(f, "plant")
	w.Send(world.Batch{Device: "late", Seqs: world.Seqs(1, 90, 20)})
	w.Cut()
	in := input(w, w.Certify(devices("late")))
	issued := string(in.Certificate)
	f.Add(in.Certificate)
	f.Fuzz(func(t *testing.T, b []byte) {
		w.TB = t
		in := in
		in.Certificate, in.Frame = b, "late/1/77"
		got := run(t, in)
		switch got.Code {
		case verify.CodeTampered, verify.CodeSignature:
			return
		case verify.CodeInternal:
			if got.Certificate == nil && got.Checks[len(got.Checks)-1].Name == "form" {
				return // a later version
			}
		case verify.CodeUsage: // the frame is not in scope
		default:
			c, err := certificate.Parse(b)
			if err == nil && string(w.Encode(c)) == issued {
				return
			}
		}
		t.Errorf("code %d: %+v", got.Code, got.Checks)
	})
}

// FuzzLeaves puts bytes where leaves, records and proofs are, and signs the whole: only what is proven passes.
func FuzzLeaves(f *testing.F) {
	w := plant(f)
	whole := w.Encode(w.Certify(devices("late")))
	f.Add([]byte("gapless/strip/v1"), uint8(0), int64(0))
	f.Add([]byte(`{"v":1,"type":"SEAL"}`), uint8(2), int64(1))
	f.Fuzz(func(t *testing.T, b []byte, place uint8, n int64) {
		w.TB = t
		c, err := certificate.Parse(whole)
		if err != nil {
			t.Fatal(err)
		}
		switch place % 5 {
		case 0:
			c.Proof.Seals[0].Ranges[0].Leaves[0] = b
		case 1:
			c.Proof.Census.Ranges[0].Leaves[0] = b
		case 2:
			c.Proof.Log[0].Record = b
		case 3:
			c.Proof.Seals[0].Ranges[0].First = n
		case 4:
			c.Proof.Log[0].Index = n
		}
		same := string(w.Encode(c)) == string(whole)
		w.Issue(c, "n1")
		in := verify.Input{Certificate: w.Encode(c), Policy: w.Policy()}
		if got := run(t, in); same != (got.Code == verify.CodeComplete) || !same && got.Code != verify.CodeTampered {
			t.Errorf("code %d: %+v", got.Code, got.Checks)
		}
	})
}
