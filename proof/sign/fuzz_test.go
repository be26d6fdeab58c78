package sign

import (
	"bytes"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// What a parser takes it gives back, byte for byte: there is one way to write a thing.

func FuzzParseCheckpoint(f *testing.F) {
	f.Add([]byte("go.sum database tree\n19777102\n+g50vJoV4VVGa6aiQF3LYGUZHEP4pvGkW38vlR7WKtU=\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ParseCheckpoint(b); err == nil && c.Text() != string(b) {
			t.Errorf("%q became %q", b, c.Text())
		}
	})
}

func FuzzParseReceipt(f *testing.F) {
	f.Add([]byte(receipt().Text()))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := ParseReceipt(b); err == nil && r.Text() != string(b) {
			t.Errorf("%q became %q", b, r.Text())
		}
	})
}

func FuzzParseVerifierKey(f *testing.F) {
	f.Add(archeKey)
	f.Add(remoraKey)
	f.Fuzz(func(t *testing.T, s string) {
		if k, err := ParseVerifierKey(s); err == nil && k.String() != s {
			t.Errorf("%q became %q", s, k)
		}
	})
}

func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte("log " + archeKey + " https://log/\nwitness w " + remoraKey + "\ngroup g any w\nquorum g\n"))
	f.Add([]byte("# \n\tlog " + archeKey + "\n quorum none\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePolicy(b)
		if err != nil {
			return
		}
		again, err := ParsePolicy([]byte(p.Text()))
		if err != nil || again.Text() != p.Text() {
			t.Errorf("%q: its own text %q: %v", b, p.Text(), err)
		}
		if s, err := p.Check([]byte(arche)); err == nil && s.Origin != p.Logs[0].Key.Name {
			t.Errorf("believed %+v", s)
		}
	})
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte(arche))
	f.Add([]byte(sumdb))
	p, err := ParsePolicy([]byte("log " + archeKey + "\nwitness w " + remoraKey + "\nquorum w\n"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := p.Check(b)
		if err == nil && s.Text() != arche[:len(s.Text())] {
			t.Errorf("believed %q", b)
		}
		if _, ok := err.(*SignatureError); err != nil && !ok {
			t.Errorf("%T: %v", err, err)
		}
		if _, node, err := p.CheckReceipt(b); err == nil {
			t.Errorf("a receipt of %s: %q", node, b)
		}
	})
}

func FuzzKeyFile(f *testing.F) {
	f.Add([]byte("gapless/key/v1\nseed AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\npublic O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik=\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, why := parseKey(b)
		if why != "" {
			return
		}
		m := vfs.NewMem()
		if err := k.Save(m, "a.key"); err != nil {
			t.Fatal(err)
		}
		if got, err := vfs.ReadFile(m, "a.key", 1<<20); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%q became %q, %v", b, got, err)
		}
	})
}
