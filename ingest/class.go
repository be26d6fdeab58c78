package ingest

import (
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger/registry"
)

// classOf is the class of a frame whose sender said nothing of one: what the registry has for its device, or event. Each stream of a request is looked up once.
func (c *Collector) classOf(id frame.StreamID, device string) frame.Class {
	for int(id) >= len(c.classes) {
		c.classes = append(c.classes, 0)
	}
	class := &c.classes[id]
	if *class == 0 {
		*class = frame.ClassEvent
		if c.devices.Class(c.tenant, device) == registry.ClassSnapshot {
			*class = frame.ClassSnapshot
		}
	}
	return *class
}
