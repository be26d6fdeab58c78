package content

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gaplessdb/gapless/frame"
)

// ErrForm is found in the error about bytes that are not the canonical bytes of a group or a strip.
var ErrForm = errors.New("content: not canonical")

// parser reads canonical bytes front to back. The first fault stays, and every later read gives zero: read on, and ask once.
type parser struct {
	what string // "group", "strip"
	b    []byte
	at   int
	err  error
}

// fail notes that the bytes at the place are not what they must be.
func (p *parser) fail(want string, got any) {
	if p.err == nil {
		p.err = fmt.Errorf("%w: %s at byte %d: want %s, got %v", ErrForm, p.what, p.at, want, got)
	}
}

// take returns the next n bytes, nil when there are not so many.
func (p *parser) take(n uint64, what string) []byte {
	left := len(p.b) - p.at
	if n > uint64(left) {
		p.fail(fmt.Sprintf("%d bytes of %s", n, what), left)
	}
	if p.err != nil {
		return nil
	}
	b := p.b[p.at : p.at+int(n) : p.at+int(n)]
	p.at += int(n)
	return b
}

func (p *parser) u8(what string) uint8 {
	if b := p.take(1, what); b != nil {
		return b[0]
	}
	return 0
}

func (p *parser) u16(what string) uint16 {
	if b := p.take(2, what); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (p *parser) u32(what string) uint32 {
	if b := p.take(4, what); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (p *parser) u64(what string) uint64 {
	if b := p.take(8, what); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// uvarint reads a number in as few bytes as it takes.
func (p *parser) uvarint(what string) uint64 {
	v, n := binary.Uvarint(p.b[p.at:])
	if n <= 0 || n > 1 && p.b[p.at+n-1] == 0 {
		p.fail("a shortest uvarint of "+what, fmt.Sprintf("%x", p.b[p.at:min(len(p.b), p.at+10)]))
	}
	if p.err != nil {
		return 0
	}
	p.at += n
	return v
}

// name reads the name of a tenant, device, stream or field.
func (p *parser) name(kind string) string {
	b := p.take(uint64(p.u16("length of a name")), kind+" name")
	if p.err != nil {
		return ""
	}
	name := string(b)
	if err := frame.ValidateName(kind, name); err != nil {
		p.fail("a name", err)
	}
	return name
}

// domain reads the words that all bytes of a kind begin with.
func (p *parser) domain(want string) {
	if got := p.take(uint64(len(want)), "domain"); p.err == nil && string(got) != want {
		p.at = 0
		p.fail(fmt.Sprintf("%q", want), fmt.Sprintf("%q", got))
	}
}

// head reads what groups and strips begin with.
func (p *parser) head(domain string) (key frame.StreamKey, epoch, ordinal uint32) {
	p.domain(domain)
	key = frame.StreamKey{Tenant: p.name("tenant"), Device: p.name("device"), Stream: p.name("stream")}
	epoch, ordinal = p.u32("epoch"), p.u32("seal ordinal")
	if p.err == nil && ordinal == 0 {
		p.fail("a seal ordinal from 1 on", ordinal)
	}
	return key, epoch, ordinal
}

// end is the first fault; bytes that are left are one.
func (p *parser) end() error {
	if p.err == nil && p.at < len(p.b) {
		p.fail("the end", fmt.Sprintf("%d bytes more", len(p.b)-p.at))
	}
	return p.err
}

// appendHead is the inverse of head, up to the epoch.
func appendHead(dst []byte, domain string, key frame.StreamKey, epoch uint32) []byte {
	dst = append(dst, domain...)
	dst = appendName(dst, key.Tenant)
	dst = appendName(dst, key.Device)
	dst = appendName(dst, key.Stream)
	return binary.LittleEndian.AppendUint32(dst, epoch)
}

func appendName(dst []byte, name string) []byte {
	return append(binary.LittleEndian.AppendUint16(dst, uint16(len(name))), name...)
}
