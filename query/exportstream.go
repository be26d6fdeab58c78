package query

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gaplessdb/gapless/segment"
)

const (
	exportPiece = 1 << 20 // bytes of a piece, or a row more
	exportRows  = 1 << 14 // rows of a piece
	exportLeast = 1 << 10 // rows of the head that are copied for a piece at least; else a few more than the piece before had
	exportTries = 8       // times that a piece is begun again because a segment was merged away before it could be opened
)

// exportStream is the body of an export: an io.Reader that makes the next piece when the one before is taken. The HTTP server reads it
// between two writes to the client, so nothing piles up for one that is slow, and nobody runs beside it.
//
//	open ── rows, piece by piece, in stretches of one state ── end
//	                    └── an error: said as well as the format can, and the connection breaks before the end of the body
//
// A piece has the deadline and the reads of an answer, and a client query.stall to take it. Between two pieces no lock is held.
type exportStream struct {
	listing
	sink     exportSink
	progress int // rows between two remarks on how far it is, 0 for none
	began    time.Time
	patience Patience

	w      writer // the piece,
	taken  int    // of which the client has so many bytes
	begun  bool
	want   int    // rows that the next piece may have room for
	rows   uint64 // written, of all pieces
	bytes  int    // taken, of all pieces
	whole  bool   // the last piece is in w
	err    error  // why it ends before
	closed bool
}

// exportSink writes rows in one format to the stream's writer.
type exportSink interface {
	contentType() string
	columns() segment.Columns
	begin() error // before the first row
	row(t *target, rec *segment.Record) error
	full() bool     // the piece is large enough
	flush() error   // the piece ends
	end() error     // after the last row
	fail(err error) // instead of the end, as well as the format can
}

// Read implements io.Reader.
func (e *exportStream) Read(p []byte) (int, error) {
	for e.taken == len(e.w.b) {
		if e.whole || e.err != nil {
			return 0, e.last()
		}
		e.w.b, e.taken = e.w.b[:0], 0
		if e.err = e.piece(); e.err != nil {
			e.sink.fail(e.err)
		}
	}
	n := copy(p, e.w.b[e.taken:])
	e.patience.Allow(n)
	e.taken += n
	e.bytes += n
	return n, nil
}

// last is the end of the stream: with a trailer, or in the middle, so that no client takes it for a whole one.
func (e *exportStream) last() error {
	if e.err != nil {
		return e.err
	}
	e.patience.Allow(0)
	e.r.http.Response.Header.SetBytesV(exportEnd, e.trailer())
	return io.EOF
}

// piece makes the next piece.
func (e *exportStream) piece() error {
	ctx, cancel := context.WithTimeout(context.Background(), e.api.opt.Deadline)
	defer cancel()
	e.r.ctx = ctx
	e.r.reading.renew(ctx)
	e.r.reading.keep(e.manifest) // a segment that was merged away meanwhile is held no longer
	if !e.begun {
		e.begun = true
		if err := e.sink.begin(); err != nil {
			return err
		}
	}
	if err := e.walkPiece(); err != nil {
		return timeoutError(err, e.api.opt.Deadline)
	}
	if err := e.sink.flush(); err != nil || !e.ended() {
		return err
	}
	if err := e.balanced(); err != nil {
		return err
	}
	e.whole = true
	return e.sink.end()
}

// walkPiece writes the rows of a piece.
func (e *exportStream) walkPiece() error {
	var failed error
	rows := 0
	err := e.stepAgain(func(t *target, rec *segment.Record) bool {
		if rows == exportRows || e.sink.full() {
			return false
		}
		rows++
		e.rows++
		failed = e.sink.row(t, rec)
		return failed == nil
	})
	e.want = min(rows+rows/4, exportRows)
	return errors.Join(err, failed)
}

// stepAgain walks a stretch, until a limit or the end of the piece. Where a segment was merged away before it could be opened, a later
// state has its rows elsewhere.
func (e *exportStream) stepAgain(take taker) error {
	for try := 1; ; try++ {
		e.more, e.first = false, e.place
		e.r.reading.refused = segment.Name{}
		err := e.step(max(e.want, exportLeast), take)
		if err == nil || try == exportTries || e.r.reading.refused == (segment.Name{}) {
			return err
		}
		gone := false
		look := e.api.view(e.r, func(v *View) error {
			_, there := v.Manifest.Find(e.r.reading.refused)
			gone = !there
			return nil
		})
		if look != nil || !gone {
			return err
		}
	}
}

// balanced compares the rows with what the ledger says of the state. Of a range of times it does not say how many there are.
func (e *exportStream) balanced() error {
	if e.timed() || e.rows == e.stored {
		return nil
	}
	return fmt.Errorf("query: an export of %d stored frames found %d", e.stored, e.rows)
}

// trailer is what a whole export says of itself at its end.
func (e *exportStream) trailer() []byte {
	var w writer
	w.open('{')
	e.writeEnd(&w)
	w.key("as_of")
	w.asOf(e.asOf)
	w.key("completeness")
	e.completeness.write(&w)
	w.close('}')
	return w.b
}

func (e *exportStream) writeEnd(w *writer) {
	w.key("rows")
	w.uint(e.rows)
	w.key("epochs")
	w.int(int64(len(e.targets)))
	w.key("silent")
	w.int(int64(e.silent))
}

// CloseWithError is called once by the HTTP server, with the error that ended the connection, nil when the client has everything.
func (e *exportStream) CloseWithError(err error) error {
	if e.closed {
		return nil
	}
	e.closed = true
	m := e.api.metrics
	m.observe("export", e.outcome(err), time.Since(e.began), int(e.rows), e.bytes)
	m.observeReading("export", &e.r.reading)
	e.r.reading.release()
	e.api.leaveExport()
	return nil
}

// outcome says how the export ended, for the metrics.
func (e *exportStream) outcome(err error) error {
	var timeout interface{ Timeout() bool }
	switch {
	case e.err != nil:
		return e.err
	case err == nil && e.whole && e.taken == len(e.w.b):
		return nil
	case errors.As(err, &timeout) && timeout.Timeout():
		return &Error{Code: "stalled", limit: "query.stall"}
	}
	return &Error{Code: "disconnected"}
}
