package sign

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"
)

// A cosignature, behind the key ID that every signature of a note begins with:
//
//	+-------------------+------------------------+
//	| time u64, seconds | Ed25519 signature (64) |   big endian
//	+-------------------+------------------------+
//
// What is signed: "cosignature/v1\n" "time <seconds>\n", then the text of the checkpoint.
const cosignatureBytes = 8 + ed25519.SignatureSize

func cosign(key ed25519.PrivateKey, now time.Time, text []byte) ([]byte, error) {
	seconds := now.Unix()
	if seconds < 0 {
		return nil, fmt.Errorf("sign: a cosignature cannot be of %s, before 1970: set the clock", now.UTC().Format(time.RFC3339))
	}
	sig := binary.BigEndian.AppendUint64(make([]byte, 0, cosignatureBytes), uint64(seconds))
	return append(sig, ed25519.Sign(key, cosigned(uint64(seconds), text))...), nil
}

func verifyCosignature(public ed25519.PublicKey, text, sig []byte) bool {
	if len(sig) != cosignatureBytes {
		return false
	}
	seconds := binary.BigEndian.Uint64(sig)
	return seconds <= math.MaxInt64 && ed25519.Verify(public, cosigned(seconds, text), sig[8:])
}

// cosigned is the message that a cosignature signs.
func cosigned(seconds uint64, text []byte) []byte {
	m := strconv.AppendUint([]byte("cosignature/v1\ntime "), seconds, 10)
	return append(append(m, '\n'), text...)
}

// CosignatureTime is when a cosignature says it was made, from the base64 text of its line in a note. It proves nothing unless the
// cosignature was verified.
func CosignatureTime(sig64 string) (time.Time, error) {
	sig, err := base64.StdEncoding.DecodeString(sig64)
	if err != nil || len(sig) != 4+cosignatureBytes || sig[4] > 0x7f {
		return time.Time{}, fmt.Errorf("sign: %.40q is not a cosignature: want %d bytes as base64, the key ID and a time first", sig64, 4+cosignatureBytes)
	}
	return time.Unix(int64(binary.BigEndian.Uint64(sig[4:])), 0).UTC(), nil
}
