package registry

import "maps"

// classShards is how many maps the classes are spread over: a fork costs a pointer for each, a change after it a copy of one.
const classShards = 1024

// classes finds the class of a device that has one, in the shape that a door asks for it: often, for one device after the other, with no lock. It is
// derived from the entries. The zero value is empty.
type classes struct {
	version uint32 // raised with each fork: a shard of an older one may be read by a snapshot
	shards  []*classShard
	count   int
}

type classShard struct {
	version uint32
	of      map[deviceKey]string
}

type deviceKey struct{ tenant, device string }

// fork is the same classes, which never change.
func (c *classes) fork() classes {
	f := classes{shards: append([]*classShard(nil), c.shards...), count: c.count}
	c.version++
	return f
}

// get is "" for a device without a class.
func (c *classes) get(tenant, device string) string {
	if c.count == 0 {
		return ""
	}
	s := c.shards[shardOf(device)]
	if s == nil {
		return ""
	}
	return s.of[deviceKey{tenant, device}]
}

// set gives a device another class than it has; "" takes it away.
func (c *classes) set(tenant, device, class string) {
	if c.shards == nil {
		c.shards = make([]*classShard, classShards)
	}
	at := &c.shards[shardOf(device)]
	switch s := *at; {
	case s == nil:
		*at = &classShard{c.version, map[deviceKey]string{}}
	case s.version != c.version:
		*at = &classShard{c.version, maps.Clone(s.of)}
	}
	of := (*at).of
	c.count -= len(of)
	if class == "" {
		delete(of, deviceKey{tenant, device})
	} else {
		of[deviceKey{tenant, device}] = class
	}
	c.count += len(of)
}

// shardOf is FNV-1a, folded.
func shardOf(device string) int {
	h := uint32(2166136261)
	for i := range len(device) {
		h = (h ^ uint32(device[i])) * 16777619
	}
	return int((h ^ h>>16) % classShards)
}
