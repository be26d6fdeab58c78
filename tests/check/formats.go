package check

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/gaplessdb/gapless/frame"
)

// Format is the form in which a batch is sent.
type Format string

// Formats.
const (
	JSON   Format = ""       // NDJSON to POST /v1/frames
	Binary Format = "binary" // a batch of package frame to POST /v1/frames
	Line   Format = "line"   // InfluxDB's line protocol, version 2; it has no place for raw payloads and declared heads
)

// listener is the door that a form comes in by.
func (f Format) listener() string {
	if f == Line {
		return "influx"
	}
	return "http"
}

// lineDevice begins the names of devices that send lines: their frames have no raw payload.
const lineDevice = "line-"

// LineDevice is the name of a device that sends lines.
func LineDevice(name string) string { return lineDevice + name }

// Request is how a batch is sent: the path, the type and the body of its POST.
func (b *Batch) Request(seed uint64) (path, contentType string, body []byte, err error) {
	switch b.Format {
	case Binary:
		body, err = b.binary(seed)
		return "/v1/frames", "application/vnd.gapless.batch", body, err
	case Line:
		return "/api/v2/write?bucket=any&precision=ns", "text/plain; charset=utf-8", b.lines(seed), nil
	}
	return "/v1/frames", "application/x-ndjson", AppendBatch(nil, seed, b), nil
}

func (b *Batch) binary(seed uint64) ([]byte, error) {
	var to frame.Builder
	to.Reset(frame.Header{})
	id, err := to.Stream(frame.StreamKey{Device: b.Counter.Device, Stream: b.Counter.Stream})
	if err != nil {
		return nil, err
	}
	g := frame.Group{Stream: id, Epoch: b.Counter.Epoch, Bits: 64, HasFirst: b.Declares, First: b.Head, Unseq: !b.Numbered}
	for n := b.First; n <= b.Last; n++ {
		f := frame.Frame{Class: frame.ClassEvent, NoTime: b.BaseNS == 0, Fields: PayloadOf(seed, b.Counter, n, b.Variant),
			Raw: Raw(seed, b.Counter, n, b.Variant)}
		if b.Numbered {
			f.Seq = n
		}
		if b.BaseNS != 0 {
			f.TimeNS = b.BaseNS + int64(n)*b.StepNS
		}
		if err := to.Add(g, &f); err != nil {
			return nil, err
		}
	}
	return to.Finish(nil)
}

func (b *Batch) lines(seed uint64) (dst []byte) {
	for n := b.First; n <= b.Last; n++ {
		dst = append(append(append(append(dst, b.Counter.Stream...), ",device="...), b.Counter.Device...), ' ')
		if b.Numbered {
			dst = append(strconv.AppendUint(append(dst, "seq="...), n, 10), "u,"...)
		}
		if b.Counter.Epoch != "" {
			dst = append(append(append(dst, `epoch="`...), b.Counter.Epoch...), `",`...)
		}
		for i, f := range PayloadOf(seed, b.Counter, n, b.Variant) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendLineValue(append(append(dst, f.Name...), '='), f.Value)
		}
		if b.BaseNS != 0 {
			dst = strconv.AppendInt(append(dst, ' '), b.BaseNS+int64(n)*b.StepNS, 10)
		}
		dst = append(dst, '\n')
	}
	return dst
}

// appendLineValue writes a value as the line protocol does; in a text only quotes and backslashes are special.
func appendLineValue(dst []byte, v frame.Value) []byte {
	switch v.Kind {
	case frame.KindInt:
		return append(appendValue(dst, v), 'i')
	case frame.KindUint:
		return append(appendValue(dst, v), 'u')
	case frame.KindString:
		return append(append(append(dst, '"'), strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(v.Text())...), '"')
	}
	return appendValue(dst, v)
}

// ParseAnswer fills in what the answer to the batch's request says of it. An answer that is not understood leaves the batch Unknown.
func ParseAnswer(status int, header http.Header, body []byte, b *Batch) error {
	if b.Format == Line {
		return parseLineAck(status, header, b)
	}
	return ParseAck(status, body, b)
}

// parseLineAck reads the answer to a write of lines without faults. Only a 503 leaves open whether something was stored.
func parseLineAck(status int, header http.Header, b *Batch) error {
	b.Outcome, b.Code = Unknown, strconv.Itoa(status)
	if status != http.StatusNoContent {
		if status >= 400 && status < 500 {
			b.Outcome = Refused
		}
		return nil
	}
	rejected := 0
	if _, err := fmt.Sscanf(header.Get("X-Gapless-Outcome"), "accepted=%d duplicate=%d conflict=%d unverified=%d rejected=%d",
		&b.Accepted, &b.Duplicate, &b.Conflict, &b.Unverified, &rejected); err != nil || rejected > 0 {
		return fmt.Errorf("check: answer to %s: X-Gapless-Outcome is %q: %v", b, header.Get("X-Gapless-Outcome"), err)
	}
	b.Replayed = strings.HasSuffix(header.Get("X-Gapless-Outcome"), " replayed=true")
	text := header.Get("X-Gapless-Position")
	var err error
	if b.History, b.Index, err = position(&text); err != nil {
		return fmt.Errorf("check: answer to %s: %w", b, err)
	}
	b.Outcome = Acked
	return nil
}
