package shelf

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options configures a shelf. The zero value is ready to use.
type Options struct {
	// CacheBytes bounds the decoded blocks and index pages that all readers share. Default 64 MiB; negative keeps none.
	CacheBytes int64

	// MaxOpen is how many segment files stay open. Default 512. Those that nobody reads are closed beyond it, the least recently used
	// first; those that are being read are not, however many they are.
	MaxOpen int

	// MaxFiles bounds the descriptors that reading takes, whatever is read: beyond it a segment's file is opened for each read of it, which is slower.
	// A fifth of them is for that. Default 0: no bound.
	MaxFiles int

	// Parallel is how many segments are pulled at once. Default 4.
	Parallel int

	// PullBytesPerSecond bounds what all pulls together take from the peers. Default 0: no bound.
	PullBytesPerSecond int64

	// RetireAfter is how long a segment that nobody needs any more stays, for readers that hold an older manifest and open it late. Default 60 s,
	// longer than any query may take; negative: not at all.
	RetireAfter time.Duration

	// ReserveBytes is what a pull leaves free on the disk, for the log and for flushes. Default 256 MiB; negative: nothing.
	ReserveBytes int64

	// QuarantineCopies is how many damaged copies stay, the newest ones. Default 8. Of a segment that is not here one stays in any case.
	QuarantineCopies int

	// Logger hears of damage and of pulls. Default: nobody does.
	Logger *slog.Logger

	// Metrics registers the metrics of this shelf until Close; nil registers none.
	Metrics prometheus.Registerer

	rangeBytes int64 // asked of a peer at once; 1 MiB but in tests
	syncBytes  int64 // bytes of a .part file between two syncs, a multiple of rangeBytes
}

const (
	defaultCacheBytes   = 64 << 20
	defaultMaxOpen      = 512
	passingPart         = 5 // of MaxFiles are for files that are open for one read
	defaultParallel     = 4
	defaultReserveBytes = 256 << 20
	defaultRangeBytes   = 1 << 20
	defaultSyncBytes    = 8 << 20
	defaultCopies       = 8
	defaultRetireAfter  = time.Minute

	// MaxRangeBytes is the longest range that ReadRange serves.
	MaxRangeBytes = 4 << 20
)

// withDefaults returns the options with every default filled in, or says what is wrong with them.
func (o Options) withDefaults() (Options, error) {
	if o.MaxOpen < 0 || o.MaxFiles < 0 || o.Parallel < 0 || o.PullBytesPerSecond < 0 || o.QuarantineCopies < 0 {
		return o, fmt.Errorf("shelf: MaxOpen %d, MaxFiles %d, Parallel %d, PullBytesPerSecond %d, QuarantineCopies %d: none may be negative",
			o.MaxOpen, o.MaxFiles, o.Parallel, o.PullBytesPerSecond, o.QuarantineCopies)
	}
	fill(&o.CacheBytes, defaultCacheBytes)
	fill(&o.MaxOpen, defaultMaxOpen)
	if o.MaxFiles > 0 {
		o.MaxOpen = min(o.MaxOpen, o.kept())
	}
	fill(&o.Parallel, defaultParallel)
	fill(&o.QuarantineCopies, defaultCopies)
	fill(&o.ReserveBytes, defaultReserveBytes)
	fill(&o.RetireAfter, defaultRetireAfter)
	fill(&o.rangeBytes, defaultRangeBytes)
	fill(&o.syncBytes, defaultSyncBytes)
	o.ReserveBytes = max(o.ReserveBytes, 0)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// passing is how many files may be open for one read, kept how many for longer. Both are at least one, and mean something with MaxFiles alone.
func (o *Options) passing() int { return max(1, o.MaxFiles/passingPart) }
func (o *Options) kept() int    { return max(1, o.MaxFiles-o.passing()) }

func fill[T int | int64 | time.Duration](v *T, otherwise T) {
	if *v == 0 {
		*v = otherwise
	}
}
