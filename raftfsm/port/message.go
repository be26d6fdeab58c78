package port

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// MaxMessageBytes bounds one request or answer: a forwarded batch and its envelope.
const MaxMessageBytes = 8 << 20

const messageHeader = 9

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

func readMessage(r io.Reader) (op byte, payload []byte, err error) {
	var header [messageHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(header[:])
	if n > MaxMessageBytes {
		return 0, nil, fmt.Errorf("port: message claims %d bytes, at most %d are allowed", n, MaxMessageBytes)
	}
	payload = make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		return 0, nil, fmt.Errorf("port: message of %d bytes cut short: %w", n, err)
	}
	want, got := binary.BigEndian.Uint32(header[4:]), crc32.Checksum(payload, castagnoli)
	if want != got {
		return 0, nil, fmt.Errorf("port: message checksum %08x does not match its payload's %08x", want, got)
	}
	return header[8], payload, nil
}
