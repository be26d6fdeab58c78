package certificate

import "github.com/gaplessdb/gapless/proof/leaves"

// Span is the keys from First up to End, which is excluded.
type Span struct{ First, End leaves.Key }

// Spans is where the leaves of a scope lie, ascending, in the census and among strips alike. Leaves of other streams lie between them only when the
// scope is cut by a prefix and by a stream.
func (s *Scope) Spans() []Span {
	if s.Prefix != nil {
		return s.prefixSpans()
	}
	spans := make([]Span, len(s.Devices))
	for i, d := range s.Devices {
		if s.Stream != nil {
			spans[i] = Span{s.key(d, *s.Stream), s.key(d, *s.Stream+"\x00")}
		} else {
			spans[i] = Span{s.key(d, ""), s.key(d+"\x00", "")}
		}
	}
	return spans
}

func (s *Scope) prefixSpans() []Span {
	if *s.Prefix == "" { // but for what begins with '_'
		return []Span{
			{s.key("", ""), s.key("_", "")},
			{s.key("_\xff", ""), s.end()},
		}
	}
	return []Span{{s.key(*s.Prefix, ""), s.key(*s.Prefix+"\xff", "")}} // names are UTF-8, so that this is above all with the prefix
}

func (s *Scope) key(device, stream string) (k leaves.Key) {
	k.Tenant, k.Device, k.Stream = s.Tenant, device, stream
	return k
}

// end is above every key of the tenant.
func (s *Scope) end() (k leaves.Key) {
	k.Tenant = s.Tenant + "\x00"
	return k
}
