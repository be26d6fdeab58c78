package segment

import (
	"bytes"
	"strings"

	"github.com/gaplessdb/gapless/frame"
)

// A key in a file is tenant, device and stream name with a zero byte between them. Names have no control characters, so keys as bytes
// sort as (tenant, device, stream) do.
const (
	keySeparator = "\x00"
	maxKeyBytes  = 3*frame.MaxNameBytes + 2
)

func appendKey(dst []byte, k frame.StreamKey) []byte {
	dst = append(dst, k.Tenant...)
	dst = append(dst, keySeparator...)
	dst = append(dst, k.Device...)
	dst = append(dst, keySeparator...)
	return append(dst, k.Stream...)
}

// parseKey is the inverse of appendKey, for bytes that isKey accepts.
func parseKey(b []byte) frame.StreamKey {
	tenant, rest, _ := strings.Cut(string(b), keySeparator)
	device, stream, _ := strings.Cut(rest, keySeparator)
	return frame.StreamKey{Tenant: tenant, Device: device, Stream: stream}
}

// isKey reports whether b is three names of 1 to MaxNameBytes bytes.
func isKey(b []byte) bool {
	from, names := 0, 0
	for i := 0; i <= len(b); i++ {
		if i < len(b) && b[i] != keySeparator[0] {
			continue
		}
		if i == from || i-from > frame.MaxNameBytes {
			return false
		}
		from, names = i+1, names+1
	}
	return names == 3
}

// tenantOf is the part of a key that no block mixes.
func tenantOf(key []byte) []byte {
	tenant, _, _ := bytes.Cut(key, []byte(keySeparator))
	return tenant
}

// sameTenant reports whether two keys begin with the same name.
func sameTenant(a, b []byte) bool {
	n := sharedPrefix(a, b)
	return bytes.IndexByte(a[:n], keySeparator[0]) >= 0
}

// sharedPrefix is how many bytes two keys begin with alike.
func sharedPrefix(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// frontCoder writes ascending keys as how many bytes each shares with the one before, and the rest.
type frontCoder struct {
	shared   []uint64
	suffixes [][]byte
	last     []byte
}

func (f *frontCoder) reset() { *f = frontCoder{shared: f.shared[:0], suffixes: f.suffixes[:0]} }

// add takes a key, which must not change until the columns are written.
func (f *frontCoder) add(key []byte) {
	n := sharedPrefix(key, f.last)
	f.shared = append(f.shared, uint64(n))
	f.suffixes = append(f.suffixes, key[n:])
	f.last = key
}

// frontDecode puts keys together again, all in one buffer. It reports whether every key is one of at most maxKeyBytes.
func frontDecode(shared []uint64, suffixes [][]byte) ([][]byte, bool) {
	size := 0
	for i := range shared {
		n := shared[i] + uint64(len(suffixes[i]))
		if shared[i] > maxKeyBytes || n > maxKeyBytes {
			return nil, false
		}
		size += int(n)
	}
	buf := make([]byte, 0, size)
	keys := make([][]byte, len(shared))
	var last []byte
	for i := range shared {
		if shared[i] > uint64(len(last)) {
			return nil, false
		}
		from := len(buf)
		buf = append(buf, last[:shared[i]]...)
		buf = append(buf, suffixes[i]...)
		last = buf[from:len(buf):len(buf)]
		keys[i] = last
	}
	return keys, true
}
