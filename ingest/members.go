package ingest

import (
	"slices"
)

// members are the keys of a command's body, read one by one. The first fault sticks, so that callers check once, at the end.
type members struct {
	values map[string][]byte // raw JSON
	fault  *Fault
}

// readMembers reads one JSON object whose keys are all in known, none twice.
func readMembers(text []byte, known []string) *members {
	m := &members{values: make(map[string][]byte, len(known))}
	value := trimJSON(text)
	var single reader
	switch err := single.check(value); {
	case err != nil:
		return m.fail("bad_json", jsonMessage(err))
	case value[0] != '{':
		return m.fail("not_an_object", "the body must be a JSON object")
	}
	var quoted []byte
	for o := newObject(value); o.next(&quoted); {
		content := o.value()
		name, ok := unquote(quoted)
		key := string(name)
		switch _, twice := m.values[key]; {
		case !ok || !slices.Contains(known, key):
			m.fail("unknown_key", clip("key "+string(quoted)+" is not known here"))
		case twice:
			m.fail("duplicate_key", "key "+key+" appears twice")
		}
		m.values[key] = content
	}
	return m
}

func (m *members) fail(code, message string) *members {
	if m.fault == nil {
		m.fault = &Fault{Code: code, Message: message}
	}
	return m
}

func (m *members) failWith(f *Fault) {
	if f != nil {
		m.fail(f.Code, f.Message)
	}
}

// has reports whether the key was sent.
func (m *members) has(key string) bool {
	_, ok := m.values[key]
	return ok
}

// require fails unless all the keys were sent.
func (m *members) require(keys ...string) {
	for _, key := range keys {
		if !m.has(key) {
			m.fail("key_required", "key "+key+" is missing")
		}
	}
}

// number is a sequence number or a count, 0 when it was not sent. The ledger knows which of them are too large.
func (m *members) number(key string) uint64 {
	value, ok := m.values[key]
	if !ok {
		return 0
	}
	v, f := counter(key, value)
	m.failWith(f)
	return v
}

// string is a text of at most limit bytes, "" when it was not sent.
func (m *members) string(key string, limit int) string {
	value, ok := m.values[key]
	if !ok {
		return ""
	}
	s, f := text(key, value)
	if m.failWith(f); len(s) > limit {
		m.fail("bad_"+key, key+" is too long")
	}
	return string(s)
}

// epoch is a device's own epoch value, "" when it was not sent.
func (m *members) epoch(key string) string {
	value, ok := m.values[key]
	if !ok {
		return ""
	}
	s, f := epoch(value)
	m.failWith(f)
	return s
}

// bits is the width of the counter, 64 when it was not sent.
func (m *members) bits() uint8 {
	value, ok := m.values["bits"]
	if !ok {
		return 64
	}
	width, f := bits(value)
	m.failWith(f)
	return width
}

// time is a device time in nanoseconds; ok is false when none was sent.
func (m *members) time() (ns int64, ok bool) {
	for _, t := range []struct {
		name string
		key  keys
	}{{"time", keyTime}, {"time_ns", keyTimeNS}, {"time_us", keyTimeUS}, {"time_ms", keyTimeMS}} {
		value, sent := m.values[t.name]
		if !sent {
			continue
		}
		if ok {
			m.fail("bad_time", "more than one of time, time_ns, time_us and time_ms")
		}
		var f *Fault
		ns, f = timeNS(t.key, value)
		m.failWith(f)
		ok = true
	}
	return ns, ok
}
