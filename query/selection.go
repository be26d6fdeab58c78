package query

import (
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/ledger/registry"
)

// selection is what the parameters select: streams of one tenant, and of them epochs. A selection never reaches another tenant: the
// tenant comes from the principal and from nowhere else.
type selection struct {
	tenant  string
	device  string   // one device, or
	devices []string // several, sorted: named, or those that match, or
	prefix  string   // all that start so
	system  bool     // with the store's own devices (names that start with '_'), which are otherwise listed only by name
	match   []registry.Matcher
	stream  string   // "" for all, or for
	streams []string // several, sorted
	epoch   uint32   // 0 for all
}

// selection reads device, prefix, system, match, stream and epoch as far as the endpoint knows them.
func (r *request) selection() (selection, error) {
	s := selection{tenant: r.who.Tenant, device: r.device, prefix: r.args.text("prefix"), stream: r.args.text("stream")}
	if r.device == "" {
		device, err := r.args.single("device")
		if err != nil {
			return s, err
		}
		if s.device = device; device == "" && r.args.has("device") {
			return s, badParameter("device", "", "the name of a device")
		}
	}
	if s.device != "" && r.args.has("prefix") {
		return s, badParameter("prefix", s.prefix, "the start of device names, and not together with device")
	}
	if s.device != "" && r.args.has("match") {
		return s, badParameter("match", r.args.text("match"), "label=value, and not together with device")
	}
	if s.stream == "" && r.args.has("stream") {
		return s, badParameter("stream", "", "the name of a stream")
	}
	var err error
	if s.match, err = r.matchers(); err != nil {
		return s, err
	}
	if s.system, err = r.args.bool("system"); err != nil {
		return s, err
	}
	s.epoch, err = r.args.epoch()
	return s, err
}

// lastStream is above every stream name: names are UTF-8, and no UTF-8 has this byte.
const lastStream = "\xff"

// each calls fn for the selected streams behind (device, stream) in the order of names, until it returns false. Only the first one is
// found by search, so stopping and going on costs O(log streams).
func (s *selection) each(v *View, device, stream string, fn func(frame.StreamID, frame.StreamKey) bool) {
	after := ""
	if device != "" {
		after = ledger.After(frame.StreamKey{Device: device, Stream: stream})
	}
	switch {
	case s.device != "":
		s.eachOf(v, s.device, after, fn)
	case s.matching() || len(s.devices) > 0:
		first, _ := slices.BinarySearch(s.devices, device)
		for _, d := range s.devices[first:] {
			if !s.eachOf(v, d, after, fn) {
				return
			}
		}
	default:
		s.eachWithPrefix(v, after, fn)
	}
}

// eachOf is each for the streams of one device. It returns whether fn wants more.
func (s *selection) eachOf(v *View, device, after string, fn func(frame.StreamID, frame.StreamKey) bool) bool {
	more := true
	if own := ledger.After(frame.StreamKey{Device: device}); after < own {
		after = own
	}
	v.Ledger.Streams(s.tenant, device, after, func(id frame.StreamID, key frame.StreamKey) bool {
		if key.Device != device {
			return false
		}
		if s.takes(key.Stream) {
			more = fn(id, key)
		}
		return more
	})
	return more
}

// takes reports whether streams of that name are selected.
func (s *selection) takes(stream string) bool {
	if len(s.streams) > 0 { // there may be very many, and this runs under the lock
		_, found := slices.BinarySearch(s.streams, stream)
		return found
	}
	return s.stream == "" || s.stream == stream
}

// eachWithPrefix steps over the store's own devices in one jump: there may be as many as there are others.
func (s *selection) eachWithPrefix(v *View, after string, fn func(frame.StreamID, frame.StreamKey) bool) {
	jump := false
	visit := func(id frame.StreamID, key frame.StreamKey) bool {
		if !s.system && key.Device[0] == '_' {
			jump = true
			return false
		}
		return !s.takes(key.Stream) || fn(id, key)
	}
	v.Ledger.Streams(s.tenant, s.prefix, after, visit)
	if jump && s.prefix == "" {
		v.Ledger.Streams(s.tenant, "", "_"+lastStream, visit)
	}
}

// exist finds the devices that match, and refuses a selection that names a label, device, stream or epoch which nothing is known of. A
// device that is registered is known.
func (s *selection) exist(v *View) error {
	if s.matching() {
		return s.resolve(v)
	}
	devices := s.devices
	if s.device != "" {
		devices = []string{s.device}
	}
	for _, device := range devices {
		one := selection{tenant: s.tenant, device: device, stream: s.stream}
		known, epochs := false, uint32(0)
		one.each(v, "", "", func(id frame.StreamID, _ frame.StreamKey) bool {
			known = true
			if sum, ok := v.Ledger.Summary(id); ok {
				epochs = max(epochs, uint32(sum.Epochs))
			}
			return epochs < s.epoch
		})
		switch {
		case known && epochs >= s.epoch:
		case known:
			return unknownEpoch(device, s.epoch)
		case s.stream != "":
			return unknownStream(device, s.stream)
		case s.epoch == 0 && isRegistered(v, s.tenant, device):
		default:
			return unknownDevice(device)
		}
	}
	return nil
}

// haveStream refuses a question that names a device which has streams, but none of those that are meant: of its data the answer would say nothing.
func (s *selection) haveStream(v *View) error {
	if len(s.streams) == 0 || s.matching() {
		return nil
	}
	named := s.devices
	if s.device != "" {
		named = []string{s.device}
	}
	for _, device := range named {
		has := false
		one := selection{tenant: s.tenant, device: device, streams: s.streams}
		one.each(v, "", "", func(frame.StreamID, frame.StreamKey) bool {
			has = true
			return false
		})
		if !has && spoke(v, s.tenant, device) {
			return unknownStream(device, s.streams[0])
		}
	}
	return nil
}

// count refuses a selection of more streams than limit, before anybody adds up what they hold.
func (s *selection) count(v *View, limit int) error {
	if v.Ledger.Len() <= limit {
		return nil
	}
	n := 0
	s.each(v, "", "", func(frame.StreamID, frame.StreamKey) bool {
		n++
		return n <= limit
	})
	if n > limit {
		return limitError("query.max_streams", limit, "select fewer streams with device, prefix or match")
	}
	return nil
}

// target is one selected epoch.
type target struct {
	id     frame.StreamID
	tenant string
	key    epochKey
}

func (t *target) stream() frame.StreamKey {
	return frame.StreamKey{Tenant: t.tenant, Device: t.key.device, Stream: t.key.stream}
}

// targetOf is an epoch of a stream.
func targetOf(v *View, id frame.StreamID, key frame.StreamKey, ordinal uint32) target {
	value, _ := v.Ledger.EpochValue(id, ordinal)
	return target{id, key.Tenant, epochKey{key.Device, key.Stream, ordinal, value}}
}

// targets lists the selected epochs in order, at most limit.
func (s *selection) targets(v *View, limit int) (list []target, err error) {
	s.each(v, "", "", func(id frame.StreamID, key frame.StreamKey) bool {
		sum, _ := v.Ledger.Summary(id)
		for ordinal := uint32(1); ordinal <= uint32(sum.Epochs); ordinal++ {
			if s.epoch != 0 && s.epoch != ordinal {
				continue
			}
			if len(list) == limit {
				err = limitError("query.max_streams", limit, "select one stream or epoch")
				return false
			}
			list = append(list, targetOf(v, id, key, ordinal))
		}
		return true
	})
	return list, err
}

// before reports whether the epoch comes before the one where a cursor goes on.
func (k *epochKey) before(c *cursor) bool {
	return k.stream < c.stream || k.stream == c.stream && k.ordinal < c.epoch
}

// after reports whether the epoch comes after the one where a cursor goes on.
func (k *epochKey) after(c *cursor) bool {
	return k.stream > c.stream || k.stream == c.stream && k.ordinal > c.epoch
}
