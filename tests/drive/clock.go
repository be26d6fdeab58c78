package drive

import (
	"context"
	"time"

	"github.com/gaplessdb/gapless/tests/schedule"
)

// skewed moves a wall clock.
func (d *Driver) skewed(step schedule.Step, m *machine) bite {
	clock, jump := m.Clock(), time.Duration(step.Amount*float64(time.Second))
	before := clock.Reads()
	b := bite{on: m, witness: func() uint64 { return clock.Reads() - before }}
	if step.Fault == schedule.Clock {
		clock.SetSkew(clock.Skew() + jump)
		return b
	}
	ctx, cancel := context.WithCancel(context.Background())
	d.tasks.Go(func() {
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for on := time.Duration(1); ; on = -on {
			clock.SetSkew(clock.Skew() + on*jump)
			select {
			case <-ticker.C:
			case <-ctx.Done():
				if on == 1 {
					clock.SetSkew(clock.Skew() - jump)
				}
				return
			}
		}
	})
	b.end = cancel
	return b
}
