package ingest

import (
	"unicode/utf8"

	"github.com/gaplessdb/gapless/frame"
)

// fault is why an item was rejected: the code and message of the answer.
type fault struct{ code, message string }

// keys is a set of the keys that a frame object may have.
type keys uint16

const (
	keyDevice keys = 1 << iota
	keyStream
	keySeq
	keyEpoch
	keyBits
	keyFirst
	keyTime
	keyTimeNS
	keyTimeUS
	keyTimeMS
	keyClass
	keyFields
	keyRaw

	keysOfTime = keyTime | keyTimeNS | keyTimeUS | keyTimeMS
	// keysOfName are what names a frame: with one of them in doubt, nothing can be said about any number.
	keysOfName = keyDevice | keyStream | keySeq | keyEpoch | keyBits | keyFirst
)

func keyOf(name []byte) keys {
	switch string(name) {
	case "device":
		return keyDevice
	case "stream":
		return keyStream
	case "seq":
		return keySeq
	case "epoch":
		return keyEpoch
	case "bits":
		return keyBits
	case "first":
		return keyFirst
	case "time":
		return keyTime
	case "time_ns":
		return keyTimeNS
	case "time_us":
		return keyTimeUS
	case "time_ms":
		return keyTimeMS
	case "class":
		return keyClass
	case "fields":
		return keyFields
	case "raw":
		return keyRaw
	default:
		return 0
	}
}

// item is one frame object on its way into the batch. It aliases the item's text.
type item struct {
	seen      keys
	device    []byte
	stream    []byte
	group     frame.Group // all but the stream's id
	frame     frame.Frame // Fields is reused
	fault     *fault      // the first thing that is wrong; reading goes on, to learn whose frame it is
	anonymous bool        // what names the frame is itself wrong
}

// read fills the item from a validated JSON object.
func (it *item) read(text []byte) {
	*it = item{
		group: frame.Group{Bits: 64},
		frame: frame.Frame{Class: frame.ClassEvent, Fields: it.frame.Fields[:0]},
	}
	if !utf8.Valid(text) {
		it.fail(0, &fault{"bad_utf8", "the item is not valid UTF-8"})
	}
	var name []byte
	for o := newObject(text); o.next(&name); {
		it.member(name, &o)
	}
	it.finish()
}

func (it *item) fail(key keys, f *fault) {
	if it.fault == nil {
		it.fault = f
	}
	if key&keysOfName != 0 {
		it.anonymous = true
	}
}

// member reads the value at hand, or moves past it.
func (it *item) member(quoted []byte, o *object) {
	name, ok := unquote(quoted)
	key := keyOf(name)
	switch {
	case !ok || key == 0:
		it.fail(0, &fault{"unknown_key", clip("key " + string(quoted) + " is not known; measurements belong into fields")})
		o.value()
	case it.seen&key != 0:
		it.fail(key, &fault{"duplicate_key", "key " + string(name) + " appears twice"})
		o.value()
	case key == keyFields && o.isObject():
		it.fields(o)
	default:
		if f := it.set(key, o.value()); f != nil {
			it.fail(key, f)
		}
	}
	it.seen |= key
}

// set reads one value.
func (it *item) set(key keys, value []byte) (f *fault) {
	switch key {
	case keyDevice:
		it.device, f = text("device", value)
	case keyStream:
		it.stream, f = text("stream", value)
	case keySeq:
		it.frame.Seq, f = counter("seq", value)
	case keyEpoch:
		it.group.Epoch, f = epoch(value)
	case keyBits:
		it.group.Bits, f = bits(value)
	case keyFirst:
		it.group.HasFirst = true
		it.group.First, f = counter("first", value)
	case keyTime, keyTimeNS, keyTimeUS, keyTimeMS:
		it.frame.TimeNS, f = timeNS(key, value)
	case keyClass:
		it.frame.Class, f = class(value)
	case keyFields:
		f = &fault{"bad_field", "fields must be an object"}
	case keyRaw:
		it.frame.Raw, f = raw(value)
	}
	return f
}

// finish checks what only the whole item shows.
func (it *item) finish() {
	it.frame.NoTime = it.seen&keysOfTime == 0
	it.group.Unseq = it.seen&keySeq == 0
	if it.seen&keyDevice == 0 {
		it.fail(keyDevice, &fault{"device_required", "key device is missing"})
	}
	if times := it.seen & keysOfTime; times&(times-1) != 0 {
		it.fail(0, &fault{"bad_time", "more than one of time, time_ns, time_us and time_ms"})
	}
	limit := maxSeq(it.group.Bits)
	if it.frame.Seq > limit || it.group.First > limit {
		it.fail(keySeq, &fault{"seq_out_of_range", seqMessage(it.group.Bits)})
	}
}

// maxSeq is the largest number of a counter of 8, 16, 32 or 64 bits.
func maxSeq(bits uint8) uint64 {
	if bits == 64 {
		return frame.MaxSeq
	}
	return 1<<bits - 1
}

func seqMessage(bits uint8) string {
	if bits == 64 {
		return "numbers end at 9223372036854775807 (2^63-1): begin a new epoch"
	}
	return "seq and first must be below 2^bits"
}

// fields reads the object of measurements at hand. Duplicates are found by the Builder, which has to sort them anyway.
func (it *item) fields(o *object) {
	var name []byte
	inner := o.inside()
	for inner.next(&name) {
		value := inner.value()
		if it.fault == nil {
			it.fault = it.field(name, value)
		}
	}
	o.leave(&inner)
}

func (it *item) field(quoted, content []byte) *fault {
	if len(it.frame.Fields) == frame.MaxFields {
		return &fault{"too_many_fields", "a frame has at most 1024 fields: split it into several frames or streams"}
	}
	name, ok := unquote(quoted)
	if !ok {
		return badUTF8("the name of a field")
	}
	v, f := fieldValue(quoted, content)
	if f != nil {
		return f
	}
	it.frame.Fields = append(it.frame.Fields, frame.Field{Name: alias(name), Value: v})
	return nil
}
