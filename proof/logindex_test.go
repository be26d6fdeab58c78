package proof

import (
	"fmt"
	"testing"
)

// TestLogIndex: ordinals without a gap; what is no record stops the reading.
func TestLogIndex(t *testing.T) {
	seal := func(ordinal int) []byte {
		return fmt.Appendf(nil, `{"v":1,"type":"SEAL","time":"","ordinal":%d,"history":1,"first":1,"last":2,"root":"","strips":0,"frames":0}`, ordinal)
	}
	var x logIndex
	for n, data := range [][]byte{seal(1), []byte(`{"v":1,"type":"AUDIT","time":"","index":1,"tenant":"","action":"","subject":"","by":"","sha256":""}`), seal(2)} {
		if err := x.add(int64(n), data); err != nil {
			t.Fatal(err)
		}
	}
	for _, data := range [][]byte{seal(2), seal(4), []byte("{}")} {
		if err := x.add(3, data); err == nil || x.size != 3 || len(x.seals) != 2 {
			t.Errorf("%s was taken: %v", data, err)
		}
	}
}
