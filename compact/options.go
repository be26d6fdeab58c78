package compact

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/segment/shelf"
)

// Catalog is the replicated state as this node has it, and the way to change it. A Worker calls it from several goroutines.
type Catalog interface {
	// Look is one consistent look. It is called once in an Interval.
	Look() Look
	// Section is a copy of the section. It is called for each file that Prune asks about.
	Section() Section
	// Propose commits a command of the Section, wherever the log grows. It returns a refusal as an error, and also where the outcome is unknown.
	Propose(ctx context.Context, kind uint16, version uint8, body []byte) error
}

// Look is the replicated state at one moment. It is immutable.
type Look struct {
	Leads    bool              // this node may plan
	Section  Section           // a copy
	Manifest *segment.Manifest // of the newest floor published here,
	Floor    uint64            // and its index
	Sealed   int               // heads that wait for their flush: the manifest is not the newest
	Policy   Policy
	Voters   []string // servers, ascending
	Live     []string // those of them that were heard lately, ascending; this one is
}

// Options is what a Worker works with. Catalog, Shelf, Fetch, Server and Pressure are required.
type Options struct {
	Catalog  Catalog
	Shelf    *shelf.Shelf
	Fetch    shelf.Fetch
	Server   string     // this one
	Pressure func() int // above 0 while the flusher is behind: then it works an eighth of the time

	// BytesPerSecond bounds what merges write, and what comparisons read. Default 64 MiB.
	BytesPerSecond int64

	// Interval is how often a worker looks for something to do. Default 1 s.
	Interval time.Duration

	// PatienceFor is how long the leader waits for voters that have not verified when a majority has, and for a builder that is silent. Default 1 min.
	PatienceFor time.Duration

	// GiveUpAfter is how long a plan may take beyond what its size needs on a busy node, and how long the inputs of one that failed are left alone. Default 15 min.
	GiveUpAfter time.Duration

	// Rebuild makes a node that verifies a result also merge its own inputs: equal inputs must make equal files. It is for tests: it costs as much as
	// the merge.
	Rebuild bool

	Logger  *slog.Logger          // default: nobody hears
	Metrics prometheus.Registerer // nil registers none
}

// Defaults of Options.
const (
	DefaultBytesPerSecond = 64 << 20

	defaultInterval = time.Second
	defaultPatience = time.Minute
	defaultGiveUp   = 15 * time.Minute
)

func (o Options) withDefaults() Options {
	if o.BytesPerSecond <= 0 {
		o.BytesPerSecond = DefaultBytesPerSecond
	}
	for _, d := range []struct {
		p *time.Duration
		v time.Duration
	}{{&o.Interval, defaultInterval}, {&o.PatienceFor, defaultPatience}, {&o.GiveUpAfter, defaultGiveUp}} {
		if *d.p <= 0 {
			*d.p = d.v
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}
