package influx

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"unsafe"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/influxdata/line-protocol/v2/lineprotocol"
)

// kept bytes of scratch space and numbers of lines stay with a reader that goes back to the pool, at most.
const kept = 64 << 10

// reader turns the lines of one request into items. Readers are reused. One goroutine at a time.
type reader struct {
	mapping
	feeder feeder
	lines  []uint32 // of each item, where it begins in the body

	item    ingest.Item
	seen    seen
	tags    int    // the first fields of the item, which were tags
	scratch []byte // what the item refers to: the decoder overwrites what it returns
}

// seen is what the line at hand has said of its frame's name.
type seen struct {
	seq, epoch bool
	device     int // rank of the tag that names the device, len(deviceTags) for none
	deviceAt   int // its place among the fields
}

func (r *reader) reset(m mapping) {
	r.mapping = m
	r.lines = r.lines[:0]
}

// forget drops every reference to a request.
func (r *reader) forget() {
	r.mapping = mapping{}
	r.feeder.reset(nil)
	r.item.Forget()
	if cap(r.scratch) > kept || cap(r.lines) > kept {
		r.scratch, r.lines = nil, nil
	}
}

// collect hands the lines of a body to the collector.
func (r *reader) collect(c *ingest.Collector, body []byte) error {
	return r.each(body, func(err error) error {
		if err != nil {
			return c.Unreadable(&ingest.Fault{Code: "bad_line", Message: syntax(err)})
		}
		return c.Take(&r.item, r.feeder.text())
	})
}

// each reads the lines of a body one after the other into the item, and ends with the first error of take. What take is given is the
// line's error of syntax.
func (r *reader) each(body []byte, take func(syntax error) error) error {
	r.feeder.reset(body)
	dec := lineprotocol.NewDecoder(&r.feeder)
	for {
		r.feeder.between = true
		if !dec.Next() {
			break
		}
		r.feeder.between = false
		r.lines = append(r.lines, r.feeder.first)
		if err := take(r.read(dec)); err != nil {
			return err
		}
	}
	if r.feeder.tooLong {
		return &ingest.Error{Status: http.StatusRequestEntityTooLarge, Code: "line_too_large", Hint: "check that every string has its closing quote",
			Message: fmt.Sprintf("line %d is longer than %d bytes; nothing was stored", r.feeder.first, maxLineBytes)}
	}
	return nil
}

// syntax words an error of the decoder without the line, which stands in the answer anyway.
func syntax(err error) string {
	var fault *lineprotocol.DecodeError
	if errors.As(err, &fault) {
		return fmt.Sprintf("column %d: %v", fault.Column, fault.Err)
	}
	return err.Error()
}

// read fills the item from the line at hand. The error is one of syntax: what follows it cannot be read, so nothing certain is known of the
// line. Faults of meaning are the item's, and reading goes on to learn whose frame it is.
func (r *reader) read(dec *lineprotocol.Decoder) error {
	r.item.Reset()
	r.seen = seen{device: len(r.deviceTags)}
	r.scratch = r.scratch[:0]
	measurement, err := dec.Measurement()
	if err != nil {
		return err
	}
	r.item.Stream = stringOf(r.keep(measurement))
	for {
		key, value, err := dec.NextTag()
		if err != nil {
			return err
		}
		if key == nil {
			break
		}
		r.tag(key, value)
	}
	r.nameDevice()
	for {
		key, kind, value, err := dec.NextFieldBytes()
		if err != nil {
			return err
		}
		if key == nil {
			break
		}
		r.field(key, kind, value)
	}
	text, err := dec.TimeBytes()
	if err == nil && text != nil {
		r.time(text)
	}
	return err
}

// tag takes a tag as a field of type string, unless it is one of those that name the frame.
func (r *reader) tag(key, value []byte) {
	if r.name(key, lineprotocol.String, value) {
		return
	}
	if rank := slices.IndexFunc(r.deviceTags, func(tag string) bool { return tag == string(key) }); rank >= 0 && rank <= r.seen.device {
		if rank == r.seen.device {
			r.item.Doubt(twice("tag", key))
		}
		r.seen.device, r.seen.deviceAt = rank, len(r.item.Frame.Fields)
	}
	if f := r.add(key); f != nil {
		f.Value = frame.Value{Kind: frame.KindString, Str: r.keep(value)}
	}
}

// nameDevice takes the tag that names the device out of the fields, and ends the tags.
func (r *reader) nameDevice() {
	fields := &r.item.Frame.Fields
	if r.seen.device < len(r.deviceTags) {
		r.item.Device = stringOf((*fields)[r.seen.deviceAt].Value.Str)
		*fields = slices.Delete(*fields, r.seen.deviceAt, r.seen.deviceAt+1)
	} else {
		r.item.Device = r.item.Stream
	}
	if r.dbField != "" {
		if f := r.add(bytesOf(r.dbField)); f != nil {
			f.Value = frame.Value{Kind: frame.KindString, Str: bytesOf(r.database)}
		}
	}
	r.tags = len(*fields)
}

// tagSuffix is appended to the name of a tag that has the name of a field.
const tagSuffix = "_tag"

func (r *reader) field(key []byte, kind lineprotocol.ValueKind, value []byte) {
	if r.name(key, kind, value) {
		return
	}
	for i := range r.item.Frame.Fields[:r.tags] {
		if tag := &r.item.Frame.Fields[i]; tag.Name == string(key) {
			tag.Name += tagSuffix
		}
	}
	f := r.add(key)
	if f == nil {
		return
	}
	if fault := r.value(&f.Value, kind, value); fault != "" {
		r.item.Fail(&ingest.Fault{Code: fault, Message: fmt.Sprintf("field %q: %.100q is no %s that can be stored", key, value, kind)})
	}
}

// add returns a new field of the item, whose value is the caller's to set; nil when there are too many.
func (r *reader) add(name []byte) *frame.Field {
	fields := r.item.Frame.Fields
	switch {
	case len(fields) == frame.MaxFields:
		r.item.Fail(&ingest.Fault{Code: "too_many_fields", Message: fmt.Sprintf("a frame has at most %d fields, tags among them: split it", frame.MaxFields)})
		return nil
	case len(fields) == cap(fields):
		fields = append(fields, frame.Field{})
	default:
		fields = fields[:len(fields)+1]
	}
	r.item.Frame.Fields = fields
	f := &fields[len(fields)-1]
	f.Name = stringOf(r.keep(name))
	return f
}

// keep copies what the decoder returned, until the next line.
func (r *reader) keep(text []byte) []byte {
	start := len(r.scratch)
	r.scratch = append(r.scratch, text...)
	return r.scratch[start:]
}

// stringOf and bytesOf are the same memory in the other type: nobody writes to it before the next line, when the Collector has its copy.
func stringOf(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }
func bytesOf(text string) []byte  { return unsafe.Slice(unsafe.StringData(text), len(text)) }

func twice(what string, key []byte) *ingest.Fault {
	return &ingest.Fault{Code: "duplicate_key", Message: fmt.Sprintf("%s %q appears twice: send it once", what, key)}
}
