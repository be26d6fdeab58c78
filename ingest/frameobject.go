package ingest

import (
	"unicode/utf8"

	"github.com/gaplessdb/gapless/frame"
)

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

// frameObject is one JSON item on its way into the batch. It aliases the item's text.
type frameObject struct {
	Item
	seen keys
}

// read fills the item from a validated JSON object.
func (it *frameObject) read(text []byte) {
	it.Reset()
	it.seen = 0
	if !utf8.Valid(text) {
		it.fail(0, &Fault{"bad_utf8", "the item is not valid UTF-8"})
	}
	var name []byte
	for o := newObject(text); o.next(&name); {
		it.member(name, &o)
	}
	it.finish()
}

func (it *frameObject) fail(key keys, f *Fault) {
	if key&keysOfName != 0 {
		it.Doubt(f)
	} else {
		it.Fail(f)
	}
}

// member reads the value at hand, or moves past it.
func (it *frameObject) member(quoted []byte, o *object) {
	name, ok := unquote(quoted)
	key := keyOf(name)
	switch {
	case !ok || key == 0:
		it.fail(0, &Fault{"unknown_key", clip("key " + string(quoted) + " is not known; measurements belong into fields")})
		o.value()
	case it.seen&key != 0:
		it.fail(key, &Fault{"duplicate_key", "key " + string(name) + " appears twice"})
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
func (it *frameObject) set(key keys, value []byte) (f *Fault) {
	switch key {
	case keyDevice:
		it.Device, f = textString("device", value)
	case keyStream:
		it.Stream, f = textString("stream", value)
	case keySeq:
		it.Frame.Seq, f = counter("seq", value)
	case keyEpoch:
		it.Group.Epoch, f = epoch(value)
	case keyBits:
		it.Group.Bits, f = bits(value)
	case keyFirst:
		it.Group.HasFirst = true
		it.Group.First, f = counter("first", value)
	case keyTime, keyTimeNS, keyTimeUS, keyTimeMS:
		it.Frame.TimeNS, f = timeNS(key, value)
	case keyClass:
		it.Frame.Class, f = class(value)
	case keyFields:
		f = &Fault{"bad_field", "fields must be an object"}
	case keyRaw:
		it.Frame.Raw, f = raw(value)
	}
	return f
}

// finish checks what only the whole item shows.
func (it *frameObject) finish() {
	it.Frame.NoTime = it.seen&keysOfTime == 0
	it.Group.Unseq = it.seen&keySeq == 0
	it.AnyClass = it.seen&keyClass == 0
	if it.seen&keyDevice == 0 {
		it.fail(keyDevice, &Fault{"device_required", "key device is missing"})
	}
	if times := it.seen & keysOfTime; times&(times-1) != 0 {
		it.fail(0, &Fault{"bad_time", "more than one of time, time_ns, time_us and time_ms"})
	}
	limit := maxSeq(it.Group.Bits)
	if it.Frame.Seq > limit || it.Group.First > limit {
		it.fail(keySeq, &Fault{"seq_out_of_range", seqMessage(it.Group.Bits)})
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
func (it *frameObject) fields(o *object) {
	var name []byte
	inner := o.inside()
	for inner.next(&name) {
		value := inner.value()
		if !it.Failed() {
			if f := it.field(name, value); f != nil {
				it.Fail(f)
			}
		}
	}
	o.leave(&inner)
}

func (it *frameObject) field(quoted, content []byte) *Fault {
	if len(it.Frame.Fields) == frame.MaxFields {
		return &Fault{"too_many_fields", "a frame has at most 1024 fields: split it into several frames or streams"}
	}
	name, ok := unquote(quoted)
	if !ok {
		return badUTF8("the name of a field")
	}
	v, f := fieldValue(quoted, content)
	if f != nil {
		return f
	}
	it.Frame.Fields = append(it.Frame.Fields, frame.Field{Name: alias(name), Value: v})
	return nil
}
