package port

import (
	"bytes"
	"testing"
)

func FuzzReadMessage(f *testing.F) {
	var good bytes.Buffer
	writeMessage(&good, 3, []byte("payload"))
	f.Add(good.Bytes())
	f.Add([]byte("\xff\xff\xff\xff\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		op, payload, err := readMessage(bytes.NewReader(b))
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := writeMessage(&again, op, payload); err != nil || !bytes.HasPrefix(b, again.Bytes()) {
			t.Fatalf("message of %d bytes does not round-trip: %v", len(b), err)
		}
	})
}
