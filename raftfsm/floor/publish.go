package floor

import (
	"errors"
	"fmt"
	"time"
)

// Publish writes the floor that h describes and makes it durable, then removes floors beyond Keep. It returns the bytes of each part's
// contents. Publishing a floor that is here already changes nothing; if it came out differently that is a DivergedError.
// A part whose Write fails leaves nothing behind.
func (s *Store) Publish(h Header, parts []Part) (Published, []int64, error) {
	start := time.Now() // for the metric only
	t, err := s.newTemp()
	if err != nil {
		return Published{}, nil, err
	}
	c, err := s.fill(t, h, parts)
	if err != nil {
		return Published{}, nil, errors.Join(err, t.discard())
	}
	f, err := s.place(t, c, false)
	if err != nil {
		return Published{}, nil, err
	}
	s.metrics.publish.Observe(time.Since(start).Seconds())
	sizes := make([]int64, len(c.parts))
	for i, p := range c.parts {
		sizes[i] = p.bytes
	}
	return f.published(), sizes, nil
}

// fill writes a floor into t, and reads back that it is there.
func (s *Store) fill(t *temp, h Header, parts []Part) (contents, error) {
	wrote, err := write(t.buf, h, parts)
	if err != nil {
		return contents{}, err
	}
	read, err := t.finish()
	if err == nil && read.hash != wrote.hash {
		err = &CorruptError{t.name, 0, fmt.Sprintf("SHA-256 %x, as written", wrote.hash), fmt.Sprintf("%x", read.hash)}
	}
	if errors.Is(err, ErrCorrupt) {
		s.metrics.damaged.Inc()
	}
	return read, err
}
