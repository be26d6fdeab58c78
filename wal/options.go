package wal

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

// Options configures a log. The zero value is ready to use.
type Options struct {
	// FileBytes is the size of a log file, rounded up to a multiple of 4096. Default 64 MiB. Only a single larger write makes a
	// file longer. It may change from one Open to the next.
	FileBytes int64

	// SpareFiles is how many dropped files are kept for recycling; what goes beyond is removed. Default 4; negative keeps none.
	SpareFiles int

	// PrefillBytes is how much of a new file Open fills with zeros, before the log serves, when it has none to recycle.
	// Writes into blocks that were written before take half the time. Files made later are not filled: zeroing
	// while serving costs more than it brings, and soon there are files to recycle. Default 4 MiB; negative fills nothing.
	PrefillBytes int64

	// TailCacheBytes bounds the newest records that are kept in memory. Default 32 MiB; negative keeps none.
	TailCacheBytes int64

	// MaxRecordBytes is the largest entry (data and extensions) that StoreLogs takes. Default 16 MiB, at most 1 GiB. Entries
	// that are in the log already are read whatever their size.
	MaxRecordBytes int64

	// Inline makes the writer do what a goroutine does otherwise (prepare the next file, remove spares), so that the same
	// calls do the same operations in the same order. For crash tests.
	Inline bool

	// Rand makes the salts of generations. Default crypto/rand. It must not repeat itself.
	Rand io.Reader

	// Logger hears of recoveries and truncations. Default: nobody does.
	Logger *slog.Logger

	// Metrics registers the metrics of this log until Close; nil registers none.
	Metrics prometheus.Registerer

	// OnStored is called after every StoreLogs that stored something, with the new last index, from the goroutine of the
	// caller, which may be inside raft: it must not block, nor call the log's writing methods.
	OnStored func(lastIndex uint64)
}

const (
	blockSize          = 4096 // writes end on a multiple of it
	defaultFileBytes   = 64 << 20
	defaultSpareFiles  = 4
	defaultPrefill     = 4 << 20
	defaultTailCache   = 32 << 20
	defaultRecordBytes = 16 << 20
	maxFileBytes       = 1 << 40
	maxRecordBytes     = 1 << 30
)

// withDefaults returns the options with every default filled in, or says what is wrong with them.
func (o Options) withDefaults() (Options, error) {
	o.FileBytes = or(o.FileBytes, defaultFileBytes)
	o.SpareFiles = int(or(int64(o.SpareFiles), defaultSpareFiles))
	o.PrefillBytes = or(o.PrefillBytes, defaultPrefill)
	o.TailCacheBytes = or(o.TailCacheBytes, defaultTailCache)
	o.MaxRecordBytes = or(o.MaxRecordBytes, defaultRecordBytes)
	if o.FileBytes < 0 || o.FileBytes > maxFileBytes {
		return o, fmt.Errorf("wal: FileBytes %d: want 1 to %d", o.FileBytes, int64(maxFileBytes))
	}
	if o.MaxRecordBytes < 0 || o.MaxRecordBytes > maxRecordBytes {
		return o, fmt.Errorf("wal: MaxRecordBytes %d: want 1 to %d", o.MaxRecordBytes, maxRecordBytes)
	}
	o.FileBytes = roundUp(o.FileBytes)
	o.PrefillBytes = min(o.PrefillBytes, o.FileBytes)
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.OnStored == nil {
		o.OnStored = func(uint64) {}
	}
	return o, nil
}

func or(v, otherwise int64) int64 {
	if v == 0 {
		return otherwise
	}
	return v
}

// roundUp returns the next multiple of blockSize.
func roundUp(n int64) int64 { return (n + blockSize - 1) &^ (blockSize - 1) }
