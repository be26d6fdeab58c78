package certify

import (
	"context"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/proof/certificate"
)

// Node is what this node can prove. The root implements it. It is called from any number of goroutines; its errors have the method HTTPError, or are
// faults of the server.
type Node interface {
	// Checkpoint is the newest checkpoint, signed by a majority and by this node as the log, and how many records it covers; nil before there is one.
	Checkpoint() (note []byte, size int64, err error)
	// Policy says whose signatures make one valid, as text.
	Policy() ([]byte, error)
	// Log has the hashes of the records that this node has followed, at least those that the checkpoint covers.
	Log() tlog.HashReader
	// Records gives up to n records from number first on.
	Records(ctx context.Context, first int64, n int) ([][]byte, error)
	// Seal ends the open seal and returns when a checkpoint has its census.
	Seal(ctx context.Context) error
	// Certify makes a certificate as of the newest checkpoint. Errors of requests that cannot be met wrap certificate.ErrScope or ErrLimit.
	Certify(ctx context.Context, req certificate.Request) (*certificate.Certificate, error)
	// Devices lists the devices of a tenant that have the labels, ascending, at most limit.
	Devices(tenant string, match []string, limit int) ([]string, error)
	// Segment opens the file of a segment for reading from its beginning.
	Segment(name string) (io.ReadCloser, int64, error)
}
