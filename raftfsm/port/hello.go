package port

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
)

const (
	magic   = "GPRT"
	version = 2

	helloHeader = 8
	maxHello    = 1024 // after the header
	maxHere     = 512  // text of an answer
)

// purpose is what a connection is for.
type purpose byte

const (
	forRaft   purpose = 1
	forCalls  purpose = 2
	forStatus purpose = 3 // calls of OpStatus alone
)

func (p purpose) known() bool { return p >= forRaft && p <= forStatus }

// hello is the first thing a dialer says.
//
//	0  4  magic "GPRT"
//	4  1  version 2
//	5  1  purpose
//	6  2  length of the rest, at most 1024
//	8     cluster's name, cluster's id, target, own server id: each a length of 2 bytes and text
//
// Integers are big endian. The header is the same in every version, so that each can read another's hello to its end and answer it.
type hello struct {
	version byte
	purpose purpose

	cluster   string
	clusterID string // "" while unknown
	target    string // server id, "" for whoever listens
	server    string // of the dialer
}

func (h *hello) append(dst []byte) ([]byte, error) {
	if h.server == "" {
		return nil, errors.New("port: hello without a server id")
	}
	rest := 0
	for _, s := range h.texts() {
		rest += 2 + len(*s)
	}
	if rest > maxHello {
		return nil, fmt.Errorf("port: hello of %d bytes is longer than %d: shorten the names of cluster and nodes", rest, maxHello)
	}
	dst = append(dst, magic...)
	dst = append(dst, version, byte(h.purpose))
	dst = binary.BigEndian.AppendUint16(dst, uint16(rest))
	for _, s := range h.texts() {
		dst = appendText(dst, *s)
	}
	return dst, nil
}

func (h *hello) texts() []*string { return []*string{&h.cluster, &h.clusterID, &h.target, &h.server} }

// readHello reads a hello of any version. Of another version than ours it understands the header only. Its error is a Refusal of
// what is no hello, or wraps one.
func readHello(r io.Reader) (hello, error) {
	var head [helloHeader]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return hello{}, fmt.Errorf("%w: no hello: %w", OtherProtocol, err)
	}
	if head[0] == tlsHandshake && head[1] == tlsMajor {
		return hello{}, WantsPlaintext
	}
	n := int(binary.BigEndian.Uint16(head[6:]))
	if string(head[:4]) != magic || n > maxHello {
		return hello{}, fmt.Errorf("%w: it begins %q", OtherProtocol, head[:])
	}
	rest := make([]byte, n)
	if _, err := io.ReadFull(r, rest); err != nil {
		return hello{}, fmt.Errorf("%w: hello cut short: %w", OtherProtocol, err)
	}
	h := hello{version: head[4], purpose: purpose(head[5])}
	if h.version != version {
		return h, nil
	}
	for _, s := range h.texts() {
		var ok bool
		if *s, rest, ok = cutText(rest); !ok {
			return hello{}, fmt.Errorf("%w: hello whose texts are longer than it", OtherProtocol)
		}
	}
	if len(rest) > 0 || h.server == "" {
		return hello{}, fmt.Errorf("%w: hello with %d bytes too many, server id %q", OtherProtocol, len(rest), h.server)
	}
	return h, nil
}

// asked is what a hello says about the thing a refusal is about.
func (h *hello) asked(reason Refusal) string {
	switch reason {
	case OtherVersion:
		return strconv.Itoa(int(h.version))
	case OtherCluster:
		return h.cluster
	case UnknownPurpose:
		return strconv.Itoa(int(h.purpose))
	case OtherClusterID:
		return h.clusterID
	case OtherTarget:
		return h.target
	case OtherName:
		return h.server
	}
	return ""
}

// An answer to a hello: the reason, 0 for welcome, and what the listener has in place of what was asked.
//
//	0  1  reason
//	1  1  version of the listener's hello
//	2  2  length of the text, at most 512
//	4     text
//
// Version 1 sent and read the first byte alone. A dialer that waits for TLS sees no TLS record in the first five bytes, so that its answer
// must have a text.
func appendAnswer(dst []byte, reason Refusal, here string) []byte {
	return appendText(append(dst, byte(reason), version), here[:min(len(here), maxHere)])
}

// readAnswer reads an answer. A refusal that ends after its first byte is one of version 1.
func readAnswer(r io.Reader) (reason Refusal, here string, err error) {
	var head [4]byte
	n, err := io.ReadFull(r, head[:])
	if n == 1 && head[0] != byte(welcome) {
		return Refusal(head[0]), "1", nil
	}
	if err != nil {
		return 0, "", err
	}
	size := binary.BigEndian.Uint16(head[2:])
	if size > maxHere {
		return 0, "", fmt.Errorf("port: answer claims a text of %d bytes, at most %d are allowed", size, maxHere)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return 0, "", err
	}
	return Refusal(head[0]), string(text), nil
}

func appendText(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
}

func cutText(b []byte) (s string, rest []byte, ok bool) {
	if len(b) < 2 {
		return "", b, false
	}
	n := int(binary.BigEndian.Uint16(b))
	if b = b[2:]; len(b) < n {
		return "", b, false
	}
	return string(b[:n]), b[n:], true
}
