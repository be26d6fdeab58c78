package gapless

import (
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ingest"
)

// BenchmarkReceipt is what a receipt costs beside the hash of the body: a look at the state, and the signature.
func BenchmarkReceipt(b *testing.B) {
	n, err := Open(Config{Node: "n1", Data: b.TempDir(), HTTP: "127.0.0.1:0", Listen: "127.0.0.1:0", Advertise: "127.0.0.1:1"})
	if err != nil {
		b.Fatal(err)
	}
	defer n.Close()
	signer, err := notary{n}.Ready()
	for end := time.Now().Add(20 * time.Second); err != nil && time.Now().Before(end); signer, err = (notary{n}.Ready()) {
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Run("sign", func(b *testing.B) {
		for b.Loop() {
			if _, err := signer(ingest.Receipt{Position: frame.Position{History: 1, Index: 9}, Accepted: 1000}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			signer, err := notary{n}.Ready()
			if err == nil {
				_, err = signer(ingest.Receipt{Position: frame.Position{History: 1, Index: 9}, Accepted: 1000})
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
