package frame

import (
	"fmt"
	"slices"
)

// Rebase turns a client batch into a replicated one: Reader.Reset and Reader.Rebase in one.
func Rebase(dst, batch []byte, id func(Def) (replicated StreamID, define bool)) ([]byte, error) {
	var r Reader
	if err := r.Reset(batch); err != nil {
		return dst, err
	}
	return r.Rebase(dst, id)
}

// Rebase appends the batch with replicated stream ids: it calls id once for each definition, in order, keeps the definitions for which
// define is true, and rewrites the counters. Frames and shapes are copied as they are. An error returns dst as it was.
func (r *Reader) Rebase(dst []byte, id func(Def) (replicated StreamID, define bool)) ([]byte, error) {
	if r.b == nil || r.header.Replicated {
		return dst, fmt.Errorf("frame: rebase: there is no client batch in the reader")
	}
	start := len(dst)
	dst = appendPreamble(slices.Grow(dst, len(r.b)+16*(r.ndefs+r.ngroups)), true)
	dst = appendHeader(dst, &r.header)
	dst, err := r.rebaseDefs(dst, id)
	if err != nil {
		return dst[:start], err
	}
	dst = append(dst, r.table.section...)
	dst = appendUvarint(dst, uint64(r.ngroups))
	at := r.groupsAt
	for range r.ngroups {
		dst, at = r.rebaseGroup(dst, at)
	}
	dst = appendUvarint(dst, uint64(r.nrejects))
	for rej := range r.Rejects() {
		rej.Group.Stream = r.ids[rej.Group.Stream-1]
		dst = appendReject(dst, &rej)
	}
	return seal(dst, start)
}

// rebaseGroup copies the group at i and returns the index after it.
func (r *Reader) rebaseGroup(dst []byte, i int) ([]byte, int) {
	var g Group
	frames := r.readCounter(&g, i)
	_, i = uvarint(r.b, frames)
	size, i := uvarint(r.b, i)
	end := i + int(size)
	g.Stream = r.ids[g.Stream-1]
	return append(appendCounter(dst, &g), r.b[frames:end]...), end
}

// rebaseDefs fills r.ids and appends the definitions that stay.
func (r *Reader) rebaseDefs(dst []byte, id func(Def) (StreamID, bool)) ([]byte, error) {
	r.ids = r.ids[:0]
	ndefs := 0
	at := len(dst)
	for def := range r.Defs() {
		replicated, define := id(def)
		if replicated == 0 {
			return dst, fmt.Errorf("frame: rebase: no id for %s/%s/%s", def.Key.Tenant, def.Key.Device, def.Key.Stream)
		}
		r.ids = append(r.ids, replicated)
		if define {
			def.ID = replicated
			dst = appendDef(dst, &def)
			ndefs++
		}
	}
	var count [5]byte
	return slices.Insert(dst, at, appendUvarint(count[:0], uint64(ndefs))...), nil
}

// Stamp appends the client batch with another header, and with its streams moved to a tenant. It is what a door does with a batch that
// a client encoded: the receive time and the node are the door's to say, and the tenant is the one whose token came with it. A client
// that names no tenant, or DefaultTenant, means its own; any other is refused, and so are names reserved for the store, and rejects:
// only a door can say why it refused a frame. Two definitions may end up with the same key, which Rebase allows.
// The error is an *InvalidError, and dst as it was.
func (r *Reader) Stamp(dst []byte, h Header, tenant string) ([]byte, error) {
	if r.b == nil || r.header.Replicated || h.Replicated {
		return dst, invalid("replicated_batch", "send client batches", "a replicated batch is not accepted from clients")
	}
	if r.nrejects > 0 {
		return dst, invalid("rejects_from_client", "declare numbers that will never come as lost",
			"batch of a client has %d rejects", r.nrejects)
	}
	if err := h.validate(); err != nil {
		return dst, err
	}
	if err := ValidateName("tenant", tenant); err != nil {
		return dst, err
	}
	start := len(dst)
	dst = appendPreamble(slices.Grow(dst, len(r.b)+256), false)
	dst = appendHeader(dst, &h)
	dst = appendUvarint(dst, uint64(r.ndefs))
	for def := range r.Defs() {
		if def.Key.Tenant != tenant && def.Key.Tenant != DefaultTenant {
			return dst[:start], invalid("wrong_tenant", "leave the tenant out, or use a token of that tenant",
				"stream of tenant %q in a batch of tenant %q", def.Key.Tenant, tenant)
		}
		if err := ValidateClientName("device", def.Key.Device); err != nil {
			return dst[:start], err
		}
		def.Key.Tenant = tenant
		dst = appendDef(dst, &def)
	}
	dst = append(dst, r.b[r.shapesAt:]...)
	return seal(dst, start)
}
