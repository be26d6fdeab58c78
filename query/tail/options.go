package tail

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query"
)

// Options are the settings of the package. The zero value of a field means its default.
type Options struct {
	Deadline     time.Duration // tail.deadline: how long a tail may take to begin, and a consumer to be committed (default 10 s)
	MaxReaders   int           // tail.max_readers: tails and streams of gap events at once; beyond it 429 (default 256)
	MaxDevices   int           // tail.max_devices: device parameters of one tail (default 1,000)
	BufferBytes  int           // tail.buffer_bytes: what is put together for a reader before it is written, and one line (default 256 KiB)
	Stall        time.Duration // tail.stall: within which a reader has to take such a buffer, or it is disconnected (default 10 s)
	Heartbeat    time.Duration // tail.heartbeat: a reader that gets nothing else gets its position so often (default 10 s)
	Linger       time.Duration // tail.linger: the least time between two looks for new frames; the first comes at once (default 5 ms)
	LockRows     int           // tail.lock_rows: rows copied under one read lock (default 4,096)
	RingRows     int           // tail.ring_rows: newest rows that live readers share (default 65,536)
	RingBytes    int           // tail.ring_bytes: of these (default 32 MiB)
	CatchupRows  int           // tail.catchup_rows: rows read from segments at once (default 65,536)
	CatchupBytes int           // tail.catchup_bytes: of these, as they are written, and one row (default 32 MiB)
	Catchups     int           // tail.catchups: readers that hold such rows at once; others wait (default 4)
	CatchupHold  time.Duration // tail.catchup_hold: for which one may, then the rest is read again after it waited (default 30 s)

	// Retained is the position behind which everything is still there; nil: from the first frame on. It is called inside of a View.
	Retained func(*query.View) frame.Position

	Metrics prometheus.Registerer // nil: metrics are kept but not shown
}

// withDefaults fills in the defaults.
func (o Options) withDefaults() Options {
	number := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	duration := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	duration(&o.Deadline, 10*time.Second)
	number(&o.MaxReaders, 256)
	number(&o.MaxDevices, 1000)
	number(&o.BufferBytes, 256<<10)
	duration(&o.Stall, 10*time.Second)
	duration(&o.Heartbeat, 10*time.Second)
	duration(&o.Linger, 5*time.Millisecond)
	number(&o.LockRows, 4096)
	number(&o.RingRows, 1<<16)
	number(&o.RingBytes, 32<<20)
	number(&o.CatchupRows, 1<<16)
	number(&o.CatchupBytes, 32<<20)
	number(&o.Catchups, 4)
	duration(&o.CatchupHold, 30*time.Second)
	if o.Retained == nil {
		o.Retained = func(*query.View) frame.Position { return frame.Position{} }
	}
	return o
}

// validate refuses what cannot work, naming the setting.
func (o *Options) validate() error {
	var errs []error
	for _, s := range []struct {
		name  string
		value int64
	}{
		{"deadline", int64(o.Deadline)}, {"max_readers", int64(o.MaxReaders)}, {"max_devices", int64(o.MaxDevices)},
		{"buffer_bytes", int64(o.BufferBytes)}, {"stall", int64(o.Stall)}, {"heartbeat", int64(o.Heartbeat)}, {"linger", int64(o.Linger)},
		{"lock_rows", int64(o.LockRows)}, {"ring_rows", int64(o.RingRows)}, {"ring_bytes", int64(o.RingBytes)},
		{"catchup_rows", int64(o.CatchupRows)}, {"catchup_bytes", int64(o.CatchupBytes)}, {"catchups", int64(o.Catchups)},
		{"catchup_hold", int64(o.CatchupHold)},
	} {
		if s.value <= 0 {
			errs = append(errs, fmt.Errorf("tail: tail.%s is %d, must be above 0", s.name, s.value))
		}
	}
	return errors.Join(errs...)
}
