package sign

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"
)

func BenchmarkCheck(b *testing.B) {
	var nodes []Node
	var lines [][]byte
	c := Checkpoint{Origin: testOrigin, Size: 9}
	for i := range 3 {
		seed := sha256.Sum256([]byte{byte(i)})
		k, err := Generate(bytes.NewReader(seed[:]))
		if err != nil {
			b.Fatal(err)
		}
		id := fmt.Sprint("n", i)
		v, _ := k.VerifierKey(CosignerName(testOrigin, id))
		nodes = append(nodes, Node{ID: id, Keys: []string{v.String()}})
		s, _ := k.Cosigner(CosignerName(testOrigin, id), time.Now)
		l, _ := k.LogSigner(testOrigin)
		msg, err := SignCheckpoint(c, l, s)
		if err != nil {
			b.Fatal(err)
		}
		_, line, _ := Split(msg)
		lines = append(lines, line)
	}
	p, err := Build(testOrigin, nodes, 2, nil, 0)
	if err != nil {
		b.Fatal(err)
	}
	msg, err := Join(c, lines...)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := p.Check(msg); err != nil {
			b.Fatal(err)
		}
	}
}
