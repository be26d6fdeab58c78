package query

import (
	"fmt"
	"hash/crc32"
	"net/http"
	"slices"
	"sort"
	"strings"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/ledger/registry"
)

// maxMatchers is how many match parameters one question may have: a device has no more labels.
const maxMatchers = 64

// noDevices stands in for the registry of a state that has none.
var noDevices = registry.New(nil)

// registered is what operators said of devices, never nil.
func (v *View) registered() *registry.Registry {
	if v.Registry == nil {
		return noDevices
	}
	return v.Registry
}

// matchers reads match=label=value, which may be repeated: a device has to have all of them.
func (r *request) matchers() ([]registry.Matcher, error) {
	if n := len(r.args["match"]); n > maxMatchers {
		return nil, badParameter("match", r.args["match"][maxMatchers], fmt.Sprintf("at most %d times label=value", maxMatchers))
	}
	var list []registry.Matcher
	for _, text := range r.args["match"] {
		m, err := registry.ParseMatcher(text)
		if err != nil {
			return nil, badParameter("match", text, "label=value, where value is the whole value of the label")
		}
		list = append(list, m)
	}
	return list, nil
}

// resolve finds the devices that match. Only registered ones have labels.
func (s *selection) resolve(v *View) error {
	if !s.matching() {
		return nil
	}
	s.devices = withPrefix(v.registered().Match(s.tenant, s.match), s.prefix)
	if len(s.devices) > 0 {
		return nil
	}
	for i := range s.match {
		if err := labelInUse(v, s.tenant, s.match[i].Name); err != nil {
			return err
		}
	}
	return nil
}

// matched is a checksum of the devices that were found by label, 0 where none are selected so.
func (s *selection) matched() uint32 {
	if !s.matching() {
		return 0
	}
	sum := uint32(0)
	for _, device := range s.devices {
		sum = crc32.Update(sum, castagnoli, appendText(nil, device))
	}
	return max(sum, 1)
}

// matching reports whether devices are selected by label. There may be none.
func (s *selection) matching() bool { return len(s.match) > 0 }

// labelInUse refuses a label that no device has: it is misspelt, or nobody registered devices with it yet.
func labelInUse(v *View, tenant, name string) error {
	const shown = 20
	names := v.registered().Labels(tenant)
	if slices.Contains(names, name) {
		return nil
	}
	hint := "no device has any label: PATCH /v1/devices/{device} sets them"
	if len(names) > 0 {
		hint = "labels in use: " + strings.Join(names[:min(len(names), shown)], ", ")
		if len(names) > shown {
			hint += ", ..."
		}
	}
	return &Error{
		Status:  http.StatusNotFound,
		Code:    "unknown_label",
		Message: fmt.Sprintf("no device of this tenant has a label %.256q", name),
		Hint:    hint,
	}
}

// known lists the selected devices behind a name that are registered, ascending.
func (s *selection) known(v *View, after string) []string {
	var list []string
	switch {
	case s.matching():
		list = s.devices
	case s.device != "":
		list = onlyRegistered(v, s.tenant, []string{s.device})
	case len(s.devices) > 0:
		list = onlyRegistered(v, s.tenant, slices.Clone(s.devices))
	default:
		list = withPrefix(v.registered().Match(s.tenant, nil), s.prefix)
	}
	behind, found := slices.BinarySearch(list, after)
	if found {
		behind++
	}
	return list[behind:]
}

func onlyRegistered(v *View, tenant string, devices []string) []string {
	return slices.DeleteFunc(devices, func(device string) bool { return !isRegistered(v, tenant, device) })
}

func isRegistered(v *View, tenant, device string) bool {
	_, ok := v.registered().Get(tenant, device)
	return ok
}

// withPrefix is the part of a sorted list that starts so.
func withPrefix(list []string, prefix string) []string {
	first, _ := slices.BinarySearch(list, prefix)
	list = list[first:]
	end := sort.Search(len(list), func(i int) bool { return !strings.HasPrefix(list[i], prefix) })
	return list[:end]
}

// ownStream is one of a device's streams.
type ownStream struct {
	id  frame.StreamID
	key frame.StreamKey
}

// ownDevice is a selected device: one that the ledger knows, one that is registered, which may have no stream, or both.
type ownDevice struct {
	name       string
	streams    []ownStream // those that are selected
	registered bool
}

// eachDevice calls fn for the selected devices behind a name, ascending, until it returns false. The streams are valid until fn returns.
func (s *selection) eachDevice(v *View, after string, fn func(d ownDevice) bool) {
	names, more := s.known(v, after), true
	var streams []ownStream
	emit := func() bool {
		d := ownDevice{name: streams[0].key.Device, streams: streams}
		for ; len(names) > 0 && names[0] < d.name; names = names[1:] {
			if !fn(ownDevice{name: names[0], registered: true}) {
				return false
			}
		}
		if d.registered = len(names) > 0 && names[0] == d.name; d.registered {
			names = names[1:]
		}
		streams = streams[:0]
		return fn(d)
	}
	s.each(v, after, lastStream, func(id frame.StreamID, key frame.StreamKey) bool {
		if len(streams) > 0 && streams[0].key.Device != key.Device {
			more = emit()
		}
		streams = append(streams, ownStream{id, key})
		return more
	})
	if more && len(streams) > 0 {
		more = emit()
	}
	for ; more && len(names) > 0; names = names[1:] {
		more = fn(ownDevice{name: names[0], registered: true})
	}
}

// silent lists the selected devices that are registered and never said anything: no frame, heartbeat or loss.
func (s *selection) silent(v *View) []string {
	return slices.DeleteFunc(slices.Clone(s.known(v, "")), func(device string) bool { return spoke(v, s.tenant, device) })
}

// spoke reports whether anything is known of a device but what operators said.
func spoke(v *View, tenant, device string) (any bool) {
	one := selection{tenant: tenant, device: device}
	one.each(v, "", "", func(id frame.StreamID, _ frame.StreamKey) bool {
		_, any = v.Ledger.Grade(id)
		return !any
	})
	return any
}

// nothingSaid is the completeness of a device that is registered and never said anything: something is expected, and nobody knows what.
func nothingSaid() completeness { return completeness{verdict: ledger.Indeterminate} }
