package ledger

import (
	"math"
	"strings"

	"github.com/gaplessdb/gapless/frame"
)

// maxSkippedIDs is how far beyond the newest stream a definition may lie. A leader hands out ids before their batches commit, and some of
// those batches may be refused.
const maxSkippedIDs = 1 << 16

// names finds streams by key and in order of (tenant, device, stream).
type names struct {
	families map[familyKey]*family
	order    list[frame.StreamID]
}

type familyKey struct{ tenant, stream string }

// family is all streams of one tenant and stream name. Most devices have the same two, so they are kept once.
type family struct {
	familyKey
	ids map[string]frame.StreamID // by device
}

// Define gives a stream its id. Defining the same pair again changes nothing. A *CommandError says that the id belongs to another
// stream (id_taken), the stream has another id (key_taken), the id is 0 or far from the others (id_out_of_range), a
// name is malformed (bad_name), or Policy.MaxStreams is reached (too_many_streams).
func (l *Ledger) Define(id frame.StreamID, key frame.StreamKey) error {
	return l.defineBelow(l.policy.MaxStreams, id, key)
}

// DefineOwn is Define for a stream of the store's own devices. Policy.MaxStreams is meant for those of users: it counts both, and refuses only theirs.
func (l *Ledger) DefineOwn(id frame.StreamID, key frame.StreamKey) error {
	return l.defineBelow(math.MaxInt, id, key)
}

func (l *Ledger) defineBelow(limit int, id frame.StreamID, key frame.StreamKey) error {
	if s := l.stream(id); s != nil && s.key() == key {
		return nil
	}
	if err := l.vacant(id, key); err != nil {
		return err
	}
	if l.Len() >= limit {
		return refuse(CodeTooManyStreams, "raise max_streams", "%d streams are known, the limit is %d", l.Len(), limit)
	}
	l.define(id, l.names.family(key.Tenant, key.Stream), strings.Clone(key.Device))
	return nil
}

// vacant says why a pair cannot be defined.
func (l *Ledger) vacant(id frame.StreamID, key frame.StreamKey) error {
	if err := key.Validate(); err != nil {
		return refuse(CodeBadName, "correct the name", "stream %q: %v", key, err)
	}
	if s := l.stream(id); s != nil {
		return refuse(CodeIDTaken, "use another id", "stream id %d is %q, not %q", id, s.key(), key)
	}
	if have, ok := l.ID(key); ok {
		return refuse(CodeKeyTaken, "use the id it has", "stream %q has id %d, not %d", key, have, id)
	}
	if next := l.NextID(); id == 0 || uint64(id) > uint64(next)+maxSkippedIDs || id == math.MaxUint32 {
		return refuse(CodeIDOutOfRange, "use NextID", "stream id %d, the next is %d", id, next)
	}
	return nil
}

// family is found or made.
func (n *names) family(tenant, stream string) *family {
	f := n.families[familyKey{tenant, stream}]
	if f == nil {
		f = &family{familyKey{strings.Clone(tenant), strings.Clone(stream)}, map[string]frame.StreamID{}}
		n.families[f.familyKey] = f
	}
	return f
}

// define enters a pair that is vacant. The device's name is the ledger's from now on.
func (l *Ledger) define(id frame.StreamID, f *family, device string) {
	s := &stream{family: f, device: device, id: id, version: l.version, rule: l.rules.of(f.tenant, device)}
	f.ids[device] = id
	l.streams.set(s)
	order := &l.names.order
	behind := order.end()
	if last, any := order.last(); any && l.stream(last).compare(s) > 0 {
		behind = order.search(func(other frame.StreamID) bool { return l.stream(other).compare(s) > 0 })
	}
	order.replace(behind, behind, id)
}

// IDStep is the distance between two ids that a proposer assigns, which are odd. Apply itself assigns even ones, so that a stream which
// comes to be in apply never takes the id of a definition that is still on its way.
const IDStep = 2

// Intern is the id of a stream, defined in apply if it is new.
func (l *Ledger) Intern(key frame.StreamKey) (frame.StreamID, error) {
	return l.intern(l.policy.MaxStreams, key)
}

// InternOwn is Intern for a stream of the store's own devices: see DefineOwn.
func (l *Ledger) InternOwn(key frame.StreamKey) (frame.StreamID, error) {
	return l.intern(math.MaxInt, key)
}

func (l *Ledger) intern(limit int, key frame.StreamKey) (frame.StreamID, error) {
	if id, ok := l.ID(key); ok {
		return id, nil
	}
	id := frame.StreamID(l.streams.slots+1) &^ 1
	return id, l.defineBelow(limit, id, key)
}

// ID finds a stream by name.
func (l *Ledger) ID(key frame.StreamKey) (frame.StreamID, bool) {
	f := l.names.families[familyKey{key.Tenant, key.Stream}]
	if f == nil {
		return 0, false
	}
	id, ok := f.ids[key.Device]
	return id, ok
}

// Key is a stream's name, false for an unknown id.
func (l *Ledger) Key(id frame.StreamID) (frame.StreamKey, bool) {
	s := l.stream(id)
	if s == nil {
		return frame.StreamKey{}, false
	}
	return s.key(), true
}

// NextID is the first id that a proposer may assign: odd, and above all that are known. The next are IDStep apart.
func (l *Ledger) NextID() frame.StreamID { return frame.StreamID(l.streams.slots) | 1 }

// Len is the number of streams.
func (l *Ledger) Len() int { return l.streams.count }

// After is the cursor for Streams that continues behind a stream.
func After(key frame.StreamKey) string { return key.Device + "\x00" + key.Stream }

// Streams calls fn for a tenant's streams, sorted by (device, stream), until fn returns false: those whose device begins with devicePrefix, from
// the first one behind the cursor. The cursor is "" for the start, the result of After, or a device: then it continues behind all
// streams of that device.
func (l *Ledger) Streams(tenant, devicePrefix, after string, fn func(frame.StreamID, frame.StreamKey) bool) {
	l.walk(tenant, devicePrefix, after, func(s *stream) bool { return fn(s.id, s.key()) })
}

// walk is Streams for the ledger's own use.
func (l *Ledger) walk(tenant, devicePrefix, after string, fn func(*stream) bool) {
	device, name, exact := strings.Cut(after, "\x00")
	if after != "" && !exact {
		name = "\xff" // above every name, which are UTF-8
	}
	if device < devicePrefix {
		device, name = devicePrefix, ""
	}
	start := l.names.order.search(func(id frame.StreamID) bool {
		return l.stream(id).compareTo(tenant, device, name) > 0
	})
	for id := range l.names.order.from(start) {
		s := l.stream(id)
		if s.family.tenant != tenant || !strings.HasPrefix(s.device, devicePrefix) || !fn(s) {
			return
		}
	}
}
