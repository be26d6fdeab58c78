package fleet

import (
	"fmt"
	"time"
)

// Break names a lie that the simulator tells, so that a comparison can be seen to fail.
type Break string

// The lies. The zero value is none.
const (
	BreakNone   Break = ""
	BreakDrop   Break = "drop"   // one frame is recorded as acknowledged and was never sent
	BreakInvent Break = "invent" // one frame is sent and not recorded
	BreakTail   Break = "tail"   // the loss at the end of one life is recorded as told, and was not told
)

// ParseBreak reads the value of the environment variable BREAK.
func ParseBreak(s string) (Break, error) {
	switch b := Break(s); b {
	case BreakNone, BreakDrop, BreakInvent, BreakTail:
		return b, nil
	}
	return "", fmt.Errorf("fleet: unknown break %q: give drop, invent or tail", s)
}

// Options sizes a fleet. The zero value is the demo's.
type Options struct {
	Seed           uint64        // of everything that is drawn; default 1
	Devices        int           // devices, at least one of each kind; default 56
	Frames         int           // about how many numbers they use up; from 100,000 on one fast counter takes 70,000 of them; default 120,000
	Duration       time.Duration // requests are spread over it, and live devices live through it; default 25 s, negative: all have a backlog and send as fast as answers come
	Workers        int           // requests in flight; default 12
	Break          Break         // what to get wrong
	Start          time.Time     // clocks of live devices begin here, those of a backlog end here; default now
	RequestTimeout time.Duration // of one attempt; default 5 s
	GiveUp         time.Duration // one request is retried no longer than this; default 60 s
}

// Limits of a plan: it is held in memory, and a frame in it costs about 60 bytes in all.
const (
	maxDevices = 10_000
	maxFrames  = 20_000_000
)

func (o *Options) fill() error {
	setDefault(&o.Seed, 1)
	setDefault(&o.Devices, 56)
	setDefault(&o.Frames, 120_000)
	setDefault(&o.Duration, 25*time.Second)
	setDefault(&o.Workers, 12)
	setDefault(&o.RequestTimeout, 5*time.Second)
	setDefault(&o.GiveUp, time.Minute)
	if o.Start.IsZero() {
		o.Start = time.Now()
	}
	if _, err := ParseBreak(string(o.Break)); err != nil {
		return err
	}
	if o.Devices < len(kinds) || o.Devices > maxDevices {
		return fmt.Errorf("fleet: %d devices: give %d (one of each kind) to %d", o.Devices, len(kinds), maxDevices)
	}
	if low := o.Devices * minPerDevice; o.Frames < low || o.Frames > maxFrames {
		return fmt.Errorf("fleet: %d frames for %d devices: give %d to %d", o.Frames, o.Devices, low, maxFrames)
	}
	if o.Workers < 1 || o.RequestTimeout <= 0 || o.GiveUp <= 0 {
		return fmt.Errorf("fleet: workers %d, request timeout %s and give-up %s must be positive", o.Workers, o.RequestTimeout, o.GiveUp)
	}
	return nil
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}
