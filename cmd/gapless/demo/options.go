package demo

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gaplessdb/gapless/cmd/gapless/fleet"
)

// Exit codes of Run.
const (
	ExitExact    = 0 // the cluster's answers are what the fleet did, frame by frame; or staying ended by a signal
	ExitMismatch = 1 // they are not
	ExitFailed   = 2 // the demo could not run or could not compare
)

// Options says what to run. The zero value is `make demo`.
type Options struct {
	Dir         string        // everything the demo makes; default demo
	Binary      string        // program that `serve` starts nodes with; default this one
	Out         io.Writer     // progress, table and verdict; default standard output
	Stay        bool          // no fleet: leave the cluster up until the context or a signal ends it, on the data of an earlier demo if any
	Break       string        // drop, invent or tail: the simulator lies in one place; default the environment variable BREAK
	Seed        uint64        // of the fleet; default 1
	Devices     int           // default 56
	Frames      int           // about how many; default 120,000
	Duration    time.Duration // of the fleet's run; default 25 s
	Down        time.Duration // the killed leader stays down so long; default 3 s
	HTTPPort    int           // of the first node, the others follow; default 7401; if one of them is taken, others are chosen
	ClusterPort int           // likewise; default 7501
}

func (o *Options) fill() error {
	if o.Binary == "" {
		path, err := os.Executable()
		if err != nil {
			return fmt.Errorf("demo: find this program: %w", err)
		}
		o.Binary = path
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	setDefault(&o.Dir, "demo")
	setDefault(&o.Break, os.Getenv("BREAK"))
	setDefault(&o.Duration, 25*time.Second)
	setDefault(&o.Down, 3*time.Second)
	setDefault(&o.HTTPPort, 7401)
	setDefault(&o.ClusterPort, 7501)
	return nil
}

func setDefault[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// fleet returns the options of the simulated fleet.
func (o *Options) fleet() (fleet.Options, error) {
	b, err := fleet.ParseBreak(o.Break)
	return fleet.Options{Seed: o.Seed, Devices: o.Devices, Frames: o.Frames, Duration: o.Duration, Break: b}, err
}
