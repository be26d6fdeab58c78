package sim

import (
	"context"
	"time"

	"github.com/gaplessdb/gapless/tests/schedule"
)

// skewed moves a wall clock.
func (c *cluster) skewed(step schedule.Step, m *machine) bite {
	jump := int64(step.Amount * float64(time.Second))
	before := m.clockReads.Load()
	b := bite{on: m, witness: func() uint64 { return m.clockReads.Load() - before }}
	if step.Fault == schedule.Clock {
		m.skew.Add(jump)
		return b
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.tasks.Go(func() {
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for on := int64(1); ; on = -on {
			m.skew.Add(on * jump)
			select {
			case <-ticker.C:
			case <-ctx.Done():
				if on == 1 {
					m.skew.Add(-jump)
				}
				return
			}
		}
	})
	b.end = cancel
	return b
}
