package merkle

import (
	"encoding/base64"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

var hashText = base64.StdEncoding.Strict()

// ParseHash reads a hash as Hash.String writes it: standard base64, 44 characters. It refuses every other text of the same bytes, which
// tlog.ParseHash and the JSON of a Hash let pass: line ends, and other bits behind the last byte. A changed character must not mean the same.
func ParseHash(s string) (Hash, error) {
	b, err := hashText.DecodeString(s)
	if err != nil || len(b) != tlog.HashSize || len(s) != hashText.EncodedLen(tlog.HashSize) {
		return Hash{}, fmt.Errorf("merkle: %.60q is not a hash: want %d bytes in base64", s, tlog.HashSize)
	}
	return Hash(b), nil
}
