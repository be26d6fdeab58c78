package port

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// MaxMessageBytes bounds one request or answer: a forwarded batch and its envelope.
const MaxMessageBytes = 8 << 20

const (
	messageHeader = 9
	trustedBytes  = 256 << 10 // allocated on the word of a header
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func writeMessage(w io.Writer, op byte, payload []byte) error {
	if len(payload) > MaxMessageBytes {
		return fmt.Errorf("port: message of %d bytes is longer than %d", len(payload), MaxMessageBytes)
	}
	b := make([]byte, messageHeader, messageHeader+len(payload))
	binary.BigEndian.PutUint32(b, uint32(len(payload)))
	binary.BigEndian.PutUint32(b[4:], crc32.Checksum(payload, castagnoli))
	b[8] = op
	_, err := w.Write(append(b, payload...))
	return err
}

// readPayload allocates as bytes arrive, not as they are claimed.
func readPayload(r io.Reader, n int) ([]byte, error) {
	if n <= trustedBytes {
		payload := make([]byte, n)
		_, err := io.ReadFull(r, payload)
		return payload, err
	}
	var b bytes.Buffer
	b.Grow(trustedBytes)
	_, err := io.CopyN(&b, r, int64(n))
	return b.Bytes(), err
}

func readMessage(r io.Reader) (op byte, payload []byte, err error) {
	var header [messageHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(header[:])
	if n > MaxMessageBytes {
		return 0, nil, fmt.Errorf("port: message claims %d bytes, at most %d are allowed", n, MaxMessageBytes)
	}
	if payload, err = readPayload(r, int(n)); err != nil {
		return 0, nil, fmt.Errorf("port: message of %d bytes cut short: %w", n, err)
	}
	want, got := binary.BigEndian.Uint32(header[4:]), crc32.Checksum(payload, castagnoli)
	if want != got {
		return 0, nil, fmt.Errorf("port: message checksum %08x does not match its payload's %08x", want, got)
	}
	return header[8], payload, nil
}
