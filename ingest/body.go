package ingest

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/valyala/fasthttp"
)

// maxZstdWindow is the largest window that a sender may ask for (RFC 9659). A decoder allocates it on the word of a header, so there are
// only as many decoders as processors: unpacking needs one of those anyway.
const maxZstdWindow = 8 << 20

// firstBufferBytes is the most that is allocated on the word of a header; buffers double from there.
const firstBufferBytes = 64 << 10

// source is the body of a request as it comes in. An error, io.EOF included, is final: fasthttp's stream must not be read beyond its end,
// where the next request begins.
type source struct {
	stream io.Reader // nil when the server has read the body already
	err    error
}

func (s *source) Read(p []byte) (n int, err error) {
	if s.err == nil {
		n, s.err = s.stream.Read(p)
	}
	return n, s.err
}

// unpacker reads request bodies within the limits of a door. Safe for any number of goroutines.
type unpacker struct {
	maxBody     int // as sent
	maxUnpacked int
	gate        *gate
	gzip        sync.Pool // of *gzip.Reader
	zstd        chan *zstd.Decoder
}

func newUnpacker(maxBody, maxUnpacked int, g *gate) (*unpacker, error) {
	u := &unpacker{maxBody: maxBody, maxUnpacked: maxUnpacked, gate: g, zstd: make(chan *zstd.Decoder, runtime.GOMAXPROCS(0))}
	for range cap(u.zstd) {
		// With a concurrency of 1 a decoder works in its caller's goroutine, has none of its own, and needs no Close.
		dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeBuffersBelow(0),
			zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderMaxMemory(uint64(maxUnpacked)))
		if err != nil {
			return nil, err
		}
		u.zstd <- dec
	}
	return u, nil
}

// read returns the unpacked body of a request; the bytes are counted in the lease, and are good until the handler returns.
func (u *unpacker) read(ctx *fasthttp.RequestCtx, src *source, l *lease) ([]byte, error) {
	packed, err := u.packed(ctx, src, l)
	if err != nil {
		return nil, err
	}
	return u.unpack(ctx, packed, l)
}

// unpack undoes the Content-Encoding of a body.
func (u *unpacker) unpack(ctx *fasthttp.RequestCtx, packed []byte, l *lease) ([]byte, error) {
	if len(packed) == 0 {
		return nil, emptyBody()
	}
	switch encoding := strings.ToLower(string(ctx.Request.Header.ContentEncoding())); encoding {
	case "", "identity":
		return packed, nil
	case "gzip":
		return u.gunzip(packed, l)
	case "zstd":
		return u.unzstd(packed, l)
	default:
		return nil, refuse(fasthttp.StatusUnsupportedMediaType, "unknown_encoding", "use gzip, zstd or none",
			"Content-Encoding %q is not supported", encoding)
	}
}

// packed returns the body as it was sent.
func (u *unpacker) packed(ctx *fasthttp.RequestCtx, src *source, l *lease) ([]byte, error) {
	announced := ctx.Request.Header.ContentLength() // -1 for chunked
	if announced > u.maxBody {
		return nil, u.bodyTooLarge()
	}
	if src.stream == nil {
		all := ctx.Request.Body()
		if len(all) > u.maxBody {
			return nil, u.bodyTooLarge()
		}
		return all, l.take(len(all))
	}
	all, err := readAll(src, announced, u.maxBody, l)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, u.bodyTooLarge()
	case err != nil && !isRefusal(err):
		return nil, refuse(fasthttp.StatusBadRequest, "broken_body", "send the request again", "the body ended early: %v", err)
	}
	return all, err
}

// gunzip unpacks one or several gzip members (RFC 1952), checking their checksums.
func (u *unpacker) gunzip(packed []byte, l *lease) ([]byte, error) {
	r, _ := u.gzip.Get().(*gzip.Reader)
	if r == nil {
		r = new(gzip.Reader)
	}
	defer u.gzip.Put(r)
	if err := r.Reset(bytes.NewReader(packed)); err != nil {
		return nil, badEncoding("gzip", err)
	}
	out, err := readAll(r, 4*len(packed), u.maxUnpacked, l)
	switch {
	case errors.Is(err, errTooLarge):
		return nil, u.unpackedTooLarge()
	case err != nil && !isRefusal(err):
		return nil, badEncoding("gzip", err)
	}
	return out, err
}

// unzstd unpacks one or several zstd frames (RFC 8878), checking their checksums.
func (u *unpacker) unzstd(packed []byte, l *lease) ([]byte, error) {
	dec := <-u.zstd
	defer func() { u.zstd <- dec }()
	if err := dec.Reset(bytes.NewReader(packed)); err != nil {
		return nil, badEncoding("zstd", err)
	}
	out, err := readAll(dec, 4*len(packed), u.maxUnpacked, l)
	switch {
	case errors.Is(err, errTooLarge), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return nil, u.unpackedTooLarge()
	case err != nil && !isRefusal(err):
		return nil, badEncoding("zstd", err)
	}
	return out, err
}

func (u *unpacker) bodyTooLarge() error {
	return refuse(fasthttp.StatusRequestEntityTooLarge, "body_too_large", "split the request, or pack it with gzip or zstd",
		"the body is larger than max_body_bytes, %d", u.maxBody)
}

func (u *unpacker) unpackedTooLarge() error {
	return refuse(fasthttp.StatusRequestEntityTooLarge, "unpacked_too_large", "split the request into smaller ones",
		"the body unpacks to more than max_unpacked_bytes, %d", u.maxUnpacked)
}

func badEncoding(name string, err error) error {
	return refuse(fasthttp.StatusBadRequest, "bad_encoding", "send the request again; check that Content-Encoding says how the body is packed",
		"the body is not valid %s: %v", name, err)
}

func isRefusal(err error) bool {
	var refusal *Error
	return errors.As(err, &refusal)
}

var errTooLarge = errors.New("ingest: more bytes than the limit")

// readAll reads to the end into a buffer that grows with what really arrives and is leased before it is allocated. expect is a guess of
// the size, believed up to firstBufferBytes. More than limit bytes are errTooLarge.
func readAll(r io.Reader, expect, limit int, l *lease) ([]byte, error) {
	var buf []byte
	for {
		if len(buf) == cap(buf) {
			grown := min(max(2*cap(buf), min(expect+1, firstBufferBytes), 512), limit+1)
			if err := l.take(grown - cap(buf)); err != nil {
				return nil, err
			}
			buf = append(make([]byte, 0, grown), buf...)
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > limit:
			return nil, errTooLarge
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return nil, err
		}
	}
}

// drainFactor times the body limit is read and thrown away so that the sender of a body that is too large gets to read why. Beyond that
// the connection is closed under it.
const drainFactor = 4

// drain reads what is left of a streamed body, so that the connection can carry the next request; when that is too much, or cannot be
// read, the connection ends with this answer. fasthttp does neither by itself, and would take the rest for a request.
func (u *unpacker) drain(ctx *fasthttp.RequestCtx, src *source) {
	if src.stream == nil || src.err == io.EOF {
		return
	}
	if _, err := io.CopyN(io.Discard, src, drainFactor*int64(u.maxBody)+1); err != io.EOF {
		ctx.SetConnectionClose()
	}
}
