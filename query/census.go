package query

import (
	"sync"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// census counts the frames of every tenant in every segment. A segment never changes, so it is counted once and remembered as long as
// manifests name it.
type census struct {
	mu       sync.Mutex // protects counted
	counted  map[segment.Name]map[string]uint64
	manifest *segment.Manifest // the newest that was asked about
}

// frames adds up one tenant's frames in all segments of a manifest.
func (c *census) frames(g *reading, m *segment.Manifest, tenant string) (sum uint64, err error) {
	c.forget(m)
	for _, i := range m.Segments() {
		counts, err := c.of(g, i.Name)
		if err != nil {
			return 0, err
		}
		sum += counts[tenant]
	}
	return sum, nil
}

// of counts a segment, from its device index alone.
func (c *census) of(g *reading, name segment.Name) (map[string]uint64, error) {
	c.mu.Lock()
	counts := c.counted[name]
	c.mu.Unlock()
	if counts != nil {
		return counts, nil
	}
	reader, err := g.segment(name)
	if err != nil {
		return nil, err
	}
	counts = map[string]uint64{}
	err = reader.Each(func(key frame.StreamKey, e *segment.Epoch) error {
		counts[key.Tenant] += e.Frames
		return g.ctx.Err()
	})
	if err != nil {
		return nil, damagedSegment(name, err)
	}
	c.mu.Lock()
	c.counted[name] = counts
	c.mu.Unlock()
	return counts, nil
}

// forget drops what is counted of segments that the manifest does not name.
func (c *census) forget(m *segment.Manifest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counted == nil {
		c.counted = map[segment.Name]map[string]uint64{}
	}
	if c.manifest == m {
		return
	}
	c.manifest = m
	named := make(map[segment.Name]bool, len(m.Segments()))
	for _, i := range m.Segments() {
		named[i.Name] = true
	}
	for name := range c.counted {
		if !named[name] {
			delete(c.counted, name)
		}
	}
}
