package slowreader

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// check holds a scope against the rules of the page.
func (s *Scope) check() error {
	from, to, err := s.times()
	for _, rule := range []struct {
		broken bool
		what   string
	}{
		{!isName(s.Tenant), "tenant"},
		{(len(s.Devices) > 0) == (s.Prefix != nil), "devices or a prefix"},
		{slices.ContainsFunc(s.Devices, func(d string) bool { return !isName(d) }) || !ascends(s.Devices), "devices"},
		{s.Prefix != nil && *s.Prefix != "" && !isName(*s.Prefix), "prefix"},
		{len(s.Match) > 0 && len(s.Devices) == 0, "labels without devices"},
		{s.Stream != nil && !isName(*s.Stream), "stream"},
		{len(s.Epochs) > 0 && s.Epochs[0] == 0 || !ascends(s.Epochs), "epochs"},
		{len(s.Seq) > 0 && (len(s.Seq) != 2 || s.Seq[0] > s.Seq[1]), "seq"},
		{len(s.Time) > 0 && (err != nil || from >= to), "time"},
		{len(s.Seq) > 0 && len(s.Time) > 0, "both numbers and a time"},
		{s.CountsOnly && len(s.Time) > 0, "counts only of a time"},
	} {
		if rule.broken {
			return damaged("scope: %s", rule.what)
		}
	}
	return nil
}

// ascends says whether each is above the one before.
func ascends[T cmp.Ordered](list []T) bool {
	for i := 1; i < len(list); i++ {
		if list[i] <= list[i-1] {
			return false
		}
	}
	return true
}

// times are the bounds of the scope's time in nanoseconds. The second is excluded.
func (s *Scope) times() (from, to int64, err error) {
	if len(s.Time) == 0 {
		return 0, 0, nil
	}
	if len(s.Time) != 2 {
		return 0, 0, damaged("%d times", len(s.Time))
	}
	var ns [2]int64
	for i, text := range s.Time {
		if ns[i], err = nanoseconds(text); err != nil {
			return 0, 0, err
		}
	}
	return ns[0], ns[1], nil
}

func nanoseconds(text string) (int64, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, damaged("%v", err)
	}
	if !time.Unix(0, t.UnixNano()).Equal(t) {
		return 0, damaged("%s has no nanoseconds", text)
	}
	return t.UnixNano(), nil
}

// holds says whether a stream is in scope.
func (s *Scope) holds(k Key) bool {
	switch {
	case k.Tenant != s.Tenant || s.Stream != nil && k.Stream != *s.Stream:
		return false
	case s.Prefix != nil:
		return strings.HasPrefix(k.Device, *s.Prefix) && (strings.HasPrefix(*s.Prefix, "_") || !strings.HasPrefix(k.Device, "_"))
	}
	return slices.Contains(s.Devices, k.Device)
}

// span is the keys from first up to end, which is excluded.
type span struct{ first, end Key }

// spans are where the leaves of a scope are.
func (s *Scope) spans() (list []span) {
	to := func(device, stream, endDevice, endStream string) {
		list = append(list, span{Key{Tenant: s.Tenant, Device: device, Stream: stream}, Key{Tenant: s.Tenant, Device: endDevice, Stream: endStream}})
	}
	switch {
	case s.Prefix == nil && s.Stream == nil:
		for _, d := range s.Devices {
			to(d, "", d+"\x00", "")
		}
	case s.Prefix == nil:
		for _, d := range s.Devices {
			to(d, *s.Stream, d, *s.Stream+"\x00")
		}
	case *s.Prefix == "":
		to("", "", "_", "")
		list = append(list, span{Key{Tenant: s.Tenant, Device: "_\xff"}, Key{Tenant: s.Tenant + "\x00"}})
	default:
		to(*s.Prefix, "", *s.Prefix+"\xff", "")
	}
	return list
}
